"""The configuration a container runs with: what its maker asks, over what its image says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from simdocker.actors.daemon import checks, host_options, log_drivers
from simdocker.actors.daemon.settings import RUNC
from simdocker.api.models import ContainerConfig, ContainerCreateBody, HealthConfig, HostConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.images import Image

NOTHING = ContainerConfig()


class Draft:
    """What the body of a create request comes to, worked out once for all requests that ask the same, such
    as those of a command line that runs again and again. `warnings` are dockerd's about it, `host` is its
    host's part completed. Raises `ApiError` for what dockerd refuses whatever the image.
    """

    __slots__ = ("_config", "_host", "_image", "body", "host", "warnings")

    def __init__(self, daemon: Daemon, body: ContainerCreateBody) -> None:
        host = body.HostConfig or HostConfig()
        self.body = body
        contradictions = daemon.networks.check(body, host)
        self.warnings = [*checks.check(body, host, daemon), *contradictions]
        default = "" if daemon.settings.default_runtime == RUNC else daemon.settings.default_runtime
        self.host = replace(
            host,
            PidsLimit=host.PidsLimit or None,
            SecurityOpt=host_options.security(host),
            Ulimits=host_options.ulimits(daemon.settings, host),
            MemorySwap=host.MemorySwap or 2 * host.Memory,  # as much swap as memory
            BlkioWeight=0,
            Runtime=host.Runtime or default,
        )
        self._image: Image | None = None
        self._config: ContainerConfig | None = None
        self._host: HostConfig | None = None

    def serves(self, body: ContainerCreateBody) -> bool:
        """Whether another body asks the same. One that names containers or paths of the host is checked each
        time: they come and go."""
        return (body is self.body or body == self.body) and not (self.host.Links or self.host.Mounts)

    def completed(self, daemon: Daemon) -> HostConfig:
        """Its host's part with the daemon's logging, once there is an image: dockerd looks at this last. Raises
        `ApiError`."""
        if self._host is None:
            self._host = log_drivers.completed(daemon.settings, self.host)
        return self._host

    def config(self, image: Image | None) -> ContainerConfig:
        """The configuration of such a container, which the image completes."""
        if self._config is None or image is not self._image:
            self._config = merge(self.body, NOTHING if image is None else image.config)
            self._image = image
        return self._config


def is_empty(body: ContainerCreateBody) -> bool:
    """Whether a body says nothing of the container itself, at most of its host's and its networks' part."""
    return all(getattr(body, name) == getattr(NOTHING, name) for name in ContainerConfig.__struct_fields__)


def merge(body: ContainerConfig, base: ContainerConfig) -> ContainerConfig:
    """The caller's configuration over the image's (daemon/commit.go `merge`).

    An entrypoint given by the caller drops the image's command; environments and labels are united,
    the caller's winning.
    """
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
        Hostname=body.Hostname,
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
        MacAddress=body.MacAddress,
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
