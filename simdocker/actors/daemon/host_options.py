"""What a container asks of its host besides memory and ports: namespaces to share, processors, devices.

Checked when the container is made (the sentences are those of dockerd's `verifyPlatformContainerSettings`
and `runconfig`), and put into the runtime's words when it starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec.structs import replace

from simdocker.actors.daemon import gojson
from simdocker.api import BadRequest, Conflict, InternalError, NotFound
from simdocker.backends.ports import NO_NAMESPACES, NO_RESOURCES, MountPoint, Resources

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.settings import Settings
    from simdocker.api.models import HostConfig

CONTAINER = "container:"
KERNEL_MEMORY_DEPRECATED = "Specifying a kernel memory limit is deprecated and will be removed in a future release."
OOM_KILL_DISABLED = (
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running "
    "out of resources."
)
NO_BLKIO_WEIGHT = "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded."
_DEVICE_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}")
_TRUTHS = frozenset(("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"))  # Go's ParseBool
SHM_SIZE = 64 << 20  # Docker's default /dev/shm


def check(host: HostConfig, cpus: int) -> None:
    """Raises BadRequest; `cpus` is how many processors the host has."""
    if host.PidMode:
        _check_mode("PID", host.PidMode, ("host",), CONTAINER)
    if host.UTSMode:
        _check_mode("UTS", host.UTSMode, ("host",))
    if host.CgroupnsMode:
        _check_mode("cgroup namespace", host.CgroupnsMode, ("private", "host"))
    if host.Isolation and host.Isolation.lower() != "default":
        raise BadRequest(f"Invalid isolation: \"{host.Isolation}\" - linux only supports 'default'")
    if not -1000 <= host.OomScoreAdj <= 1000:
        raise BadRequest(f"Invalid value {host.OomScoreAdj}, range for oom score adj is [-1000, 1000]")
    check_processors(host, cpus)


def check_security(host: HostConfig) -> None:
    """Raises InternalError for a `--security-opt` that dockerd does not know (daemon.parseSecurityOpt)."""
    for option in host.SecurityOpt or ():
        if option in ("no-new-privileges", "disable"):
            continue
        name, parted, value = option.partition("=" if "=" in option else ":")
        if not parted:
            raise InternalError(f"invalid --security-opt 1: {json.dumps(option)}")
        known = name in ("label", "apparmor", "seccomp") or (name == "no-new-privileges" and value in _TRUTHS)
        if not known:
            raise InternalError(f"invalid --security-opt 2: {json.dumps(option)}")


def check_device_rules(host: HostConfig) -> None:
    """Raises InternalError, which dockerd does only when it starts the container (oci/oci.go)."""
    for rule in host.DeviceCgroupRules or ():
        if not _DEVICE_RULE.fullmatch(rule):
            raise InternalError(f"invalid device cgroup rule format: '{rule}'")


def warnings(host: HostConfig) -> list[str]:
    """What dockerd only warns of (daemon.verifyPlatformContainerResources): what it leaves out, as the recorded
    engine's kernel has no such thing, and what may end badly."""
    said = [KERNEL_MEMORY_DEPRECATED] * (host.KernelMemory > 0)
    if host.OomKillDisable and not host.Memory:
        said.append(OOM_KILL_DISABLED)
    return said + [NO_BLKIO_WEIGHT] * (host.BlkioWeight > 0)


def check_ipc(host: HostConfig) -> None:
    """Raises BadRequest, which dockerd does only when it starts the container (`setupIpcDirs`)."""
    if host.IpcMode:
        _check_mode("IPC", host.IpcMode, ("none", "private", "shareable", "host"), CONTAINER)


def check_processors(host: HostConfig, cpus: int) -> None:
    """Raises BadRequest for processors or memory nodes that are not there."""
    if host.CpusetCpus:
        _check_set("cpuset cpus", "CPUs", host.CpusetCpus, cpus)
    if host.CpusetMems:
        _check_set("cpuset mems", "memory nodes", host.CpusetMems, 1)


def _check_mode(what: str, mode: str, known: tuple[str, ...], prefix: str = "\0") -> None:
    if mode not in known and not mode.startswith(prefix):
        raise BadRequest(f"Invalid {what} mode: {mode}")


def _check_set(option: str, what: str, text: str, count: int) -> None:
    try:
        wanted = number_set(text)
    except ValueError:
        raise BadRequest(f"Invalid value {text} for {option}: invalid format: {text}") from None
    if any(number >= count for number in wanted):
        available = f"0-{count - 1}" if count > 1 else "0"
        raise BadRequest(f"Requested {what} are not available - requested {text}, available: {available}")


def number_set(text: str) -> list[int]:
    """`0-2,5` as numbers in order (the kernel's list format). Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last) if dash else int(first)
        if low > high:
            raise ValueError(part)
        found.update(range(low, high + 1))
    return sorted(found)


def devices(daemon: Daemon, host: HostConfig) -> Iterator[MountPoint]:
    """`--device`: each device of the host bound to its place in the container. Raises InternalError."""
    for device in host.Devices or ():
        path = device["PathOnHost"]
        if not daemon.volume_driver.host_path_exists(path):
            raise InternalError(
                f'error gathering device information while adding custom device "{path}": no such file or directory'
            )
        yield MountPoint("bind", path, device["PathInContainer"] or path)


def security(host: HostConfig) -> list[str] | None:
    """`--security-opt`, with SELinux's labels off where a container shares the host's processes or rights
    (daemon.generateSecurityOpt)."""
    given = host.SecurityOpt
    shares = host.Privileged or "host" in (host.IpcMode, host.PidMode)
    if not shares or any(option.startswith("label") for option in given or ()):
        return given
    return [*(given or ()), "label=disable"]


def ulimits(settings: Settings, host: HostConfig) -> list[dict[str, Any]] | None:
    """`--ulimit`s, and those of `default-ulimits` whose names are not among them (daemon.adaptContainerSettings;
    dockerd adds them in no order)."""
    if not settings.default_ulimits:
        return host.Ulimits
    given = host.Ulimits or []
    names = {limit["Name"] for limit in given}
    return [
        *given,
        *(
            {"Name": limit.name, "Hard": limit.hard, "Soft": limit.soft}
            for _, limit in sorted(settings.default_ulimits.items())
            if limit.name not in names
        ),
    ]


def resources(host: HostConfig) -> Resources:
    """What the container's cgroup is told besides the limits that every runtime knows."""
    if not (
        host.CpusetCpus or host.CpuShares or host.CpuPeriod or host.MemorySwap or host.MemoryReservation
        or host.OomKillDisable or host.MemorySwappiness is not None
    ):  # fmt: skip
        return NO_RESOURCES
    return Resources(
        tuple(number_set(host.CpusetCpus)) if host.CpusetCpus else (),
        host.CpuShares,
        host.CpuPeriod,
        host.MemorySwap,
        host.MemoryReservation,
        -1 if host.MemorySwappiness is None else host.MemorySwappiness,
        bool(host.OomKillDisable),
    )


def rlimits(host: HostConfig) -> dict[str, tuple[int, int]] | None:
    """`--ulimit`s by name: soft and hard limit."""
    return {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in host.Ulimits} if host.Ulimits else None


def joining(daemon: Daemon, host: HostConfig) -> HostConfig:
    """With the containers whose processes and IPC it joins by their ids (`adaptSharedNamespaceContainer`).
    Raises BadRequest."""
    if not host.PidMode.startswith(CONTAINER) and not host.IpcMode.startswith(CONTAINER):
        return host
    try:
        pid, ipc = (
            CONTAINER + daemon.containers.get(mode.removeprefix(CONTAINER)).id if mode.startswith(CONTAINER) else mode
            for mode in (host.PidMode, host.IpcMode)
        )
    except NotFound as error:
        raise BadRequest(error.message) from None
    return replace(host, PidMode=pid, IpcMode=ipc)


def shared_namespaces(daemon: Daemon, host: HostConfig) -> Mapping[str, str]:
    """Those that it joins instead of getting its own, and of which container ("" for the host). Raises
    NotFound, Conflict for one that does not run, InternalError for IPC that is not shareable."""
    if not (host.PidMode or host.IpcMode or host.UTSMode):
        return NO_NAMESPACES
    shared = {}
    for name, mode in (("pid", host.PidMode), ("ipc", host.IpcMode), ("uts", host.UTSMode)):
        if mode == "host":
            shared[name] = ""
        elif mode.startswith(CONTAINER):
            other = _running(daemon, mode)
            if name == "ipc" and other.host.IpcMode != "shareable":
                raise InternalError(
                    f"can't join IPC of container {other.id}: non-shareable IPC "
                    "(hint: use IpcMode:shareable for the donor container)"
                )
            shared[name] = other.id
    return shared


def _running(daemon: Daemon, mode: str) -> Container:
    other = daemon.containers.get(mode.removeprefix(CONTAINER))
    if not other.running:
        raise Conflict(f"container {other.id} is not running")
    return other


def seccomp(host: HostConfig) -> str:
    """The seccomp profile of its processes, "default", "unconfined" or the text that came with the request; a
    privileged container has none (daemon/seccomp_linux.go). Raises InternalError for a text that is not JSON."""
    if host.Privileged:
        return "unconfined"
    asked = [option.partition("=")[2] for option in host.SecurityOpt or () if option.startswith("seccomp=")]
    profile = asked[-1] if asked else "default"
    if profile in ("", "builtin", "default", "unconfined"):
        return profile if profile == "unconfined" else "default"
    if fault := gojson.problem(profile):
        raise InternalError(f"Decoding seccomp profile failed: {fault}")
    return profile


def no_new_privileges(host: HostConfig) -> bool:
    """Whether `--security-opt no-new-privileges` is asked for."""
    return any(
        option in ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")
        for option in host.SecurityOpt or ()
    )


def no_device_driver(host: HostConfig) -> NoReturn:
    """`--gpus` on a host that has none (daemon/devices_linux.go). Raises InternalError."""
    request = (host.DeviceRequests or [{}])[0]
    wanted = "".join(f"[{' '.join(alternative)}]" for alternative in request.get("Capabilities") or ())
    raise InternalError(f'could not select device driver "{request.get("Driver") or ""}" with capabilities: [{wanted}]')
