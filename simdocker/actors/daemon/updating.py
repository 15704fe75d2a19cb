"""`POST /containers/{id}/update`: other limits, or another restart policy, for a container that exists.

A running container's cgroup is changed at once, which is why some changes are refused that a new
container could ask for (daemon/update.go, container/container_unix.go `UpdateContainer`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon import checks, host_options
from simdocker.api import ApiError, Conflict
from simdocker.api.models import HostConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon

CHANGEABLE = (
    "CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpuShares", "CpusetCpus",
    "CpusetMems", "Memory", "MemoryReservation", "MemorySwap", "NanoCpus", "PidsLimit",
)  # fmt: skip

REFUSED = (
    'runc did not terminate successfully: exit status 1: failed to write "{bytes}": write '
    "/sys/fs/cgroup/memory/docker/{id}/memory.memsw.limit_in_bytes: invalid argument\n: unknown"
)
"""The kernel lets memory and swap together not be less than memory alone."""


def update(daemon: Daemon, container: Container, wanted: HostConfig) -> list[str]:
    """Make the change and return dockerd's warnings, or raise ApiError and change nothing."""
    if container.state.removing or container.state.dead:
        raise _cannot(container, 'Container is marked for removal and cannot be "update".')
    checks.check_resources(wanted, int(daemon.host_facts.get("NCPU", 2)), update=True)
    host_options.check_processors(wanted, int(daemon.host_facts.get("NCPU", 2)))
    changes = _changes(container, wanted)
    policy = wanted.RestartPolicy
    if policy is not None and policy.Name:
        checks.check_restart_policy(policy.Name, policy.MaximumRetryCount)
        if container.host.AutoRemove:
            raise Conflict("Restart policy cannot be updated because AutoRemove is enabled for the container")
        changes["RestartPolicy"] = policy
        container.restart_count = 0
    host = msgspec.structs.replace(container.host, **changes)
    if container.running:
        if 0 < host.MemorySwap < host.Memory:
            raise _cannot(container, REFUSED.format(bytes=host.MemorySwap, id=container.id))
        nano_cpus = host.NanoCpus or checks.quota_as_nano_cpus(host)
        resources = host_options.resources(host)
        daemon.runtime.update(container.id, host.Memory, nano_cpus, max(host.PidsLimit or 0, 0), resources)
        if host.CpuShares == 1:  # the kernel has made 2 of it, which runc reads again and minds
            text = "runc did not terminate successfully: exit status 1: the minimum allowed cpu-shares is 2\n: unknown"
            raise _cannot(container, text)
    container.host = host
    daemon.trace.state(container.actor, "updated", {name: changes[name] for name in changes if name in CHANGEABLE})
    return host_options.warnings(wanted)


def _changes(container: Container, wanted: HostConfig) -> dict[str, Any]:
    """The fields that were given. Raises Conflict for those that do not go with what is set."""
    host = container.host
    changes = {name: value for name in CHANGEABLE if (value := getattr(wanted, name))}
    if wanted.PidsLimit is not None:
        changes["PidsLimit"] = max(wanted.PidsLimit, 0)
    if changes.get("CpuPeriod") and host.NanoCpus:
        raise _cannot(container, "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set")
    if changes.get("CpuQuota") and host.NanoCpus:
        raise _cannot(container, "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set")
    for name, shown in (("CpuPeriod", "CPU Period"), ("CpuQuota", "CPU Quota")):
        if changes.get("NanoCpus") and getattr(host, name):
            raise _cannot(
                container, f"Conflicting options: Nano CPUs cannot be updated as {shown} has already been set"
            )
    memory, swap = changes.get("Memory", 0), changes.get("MemorySwap", 0)
    if memory and not swap and host.MemorySwap < memory:  # which refuses all of those without a limit
        raise _cannot(
            container,
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
        )
    return changes


def _cannot(container: Container, reason: str) -> ApiError:
    return Conflict(f"Cannot update container {container.id}: {reason}")
