"""The configuration a container runs with: what its maker asks, over what its image says."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from simdocker.api.models import ContainerConfig, ContainerCreateBody, HealthConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.images import Image

NOTHING = ContainerConfig()


def merge(body: ContainerCreateBody, image: Image | None, hostname: str) -> ContainerConfig:
    """The configuration a container runs with: the caller's over the image's (daemon/commit.go `merge`).

    An entrypoint given by the caller drops the image's command; environments and labels are united,
    the caller's winning. `hostname` is for who gives none.
    """
    if image is None:
        return _merged(body, NOTHING, hostname)
    before = image.merged  # the client sends the same body each time a command line runs
    if before is not None and before[0] is body:
        config = copy(before[1])
        config.Hostname = body.Hostname or hostname
        return config
    config = _merged(body, image.config, hostname)
    image.merged = body, config
    return config


def _merged(body: ContainerCreateBody, base: ContainerConfig, hostname: str) -> ContainerConfig:
    entrypoint, command = body.Entrypoint, body.Cmd
    if not entrypoint:
        if not command:
            command = base.Cmd
        if entrypoint is None:
            entrypoint = base.Entrypoint
    if entrypoint == [""]:
        entrypoint = None
    env = body.Env if body.Env or not base.Env else base.Env
    if body.Env and base.Env:
        given = {entry.partition("=")[0] for entry in body.Env}
        env = [*body.Env, *(entry for entry in base.Env if entry.partition("=")[0] not in given)]
    return ContainerConfig(
        Hostname=body.Hostname or hostname,
        Domainname=body.Domainname,
        User=body.User or base.User,
        AttachStdin=body.AttachStdin,
        AttachStdout=body.AttachStdout,
        AttachStderr=body.AttachStderr,
        ExposedPorts={**(body.ExposedPorts or {}), **base.ExposedPorts} if base.ExposedPorts else body.ExposedPorts,
        Tty=body.Tty,
        OpenStdin=body.OpenStdin,
        StdinOnce=body.StdinOnce,
        Env=env,
        Cmd=command,
        Healthcheck=_health(body.Healthcheck, base.Healthcheck) if body.Healthcheck else base.Healthcheck,
        Image=body.Image,
        Volumes={**(body.Volumes or {}), **base.Volumes} if base.Volumes else body.Volumes or None,
        WorkingDir=body.WorkingDir or base.WorkingDir,
        Entrypoint=entrypoint,
        NetworkDisabled=body.NetworkDisabled,
        OnBuild=body.OnBuild,
        Labels={**base.Labels, **(body.Labels or {})} if base.Labels else body.Labels,
        StopSignal=body.StopSignal or base.StopSignal,
        StopTimeout=body.StopTimeout,
        Shell=base.Shell,
    )


def _health(given: HealthConfig, base: HealthConfig | None) -> HealthConfig:
    """A health check given in part is completed by the image's."""
    if base is None:
        return given
    return HealthConfig(
        given.Test or base.Test,
        given.Interval or base.Interval,
        given.Timeout or base.Timeout,
        given.StartPeriod or base.StartPeriod,
        given.StartInterval or base.StartInterval,
        given.Retries or base.Retries,
    )
