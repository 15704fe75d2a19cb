"""What the API shows of a container: one row of a list, and the whole of `inspect`.

Objects are made fresh when asked for, with the fields of Engine 20.10 in its order (an inspect is
printed in the order it was sent).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon.container import Container, State
from simdocker.actors.daemon.health import NONE, STARTING
from simdocker.actors.daemon.host_options import SHM_SIZE
from simdocker.actors.daemon.network_modes import network_name
from simdocker.api import ApiError
from simdocker.api.models import ContainerConfig, HealthConfig, HostConfig
from simdocker.api.times import ZERO, rfc3339, unix
from simdocker.api.units import human_duration

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

MASKED_PATHS = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
]
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def health_status(container: Container) -> str:
    """`starting`, `healthy`, `unhealthy`, or `none` without a health check."""
    return container.health.status if container.health is not None else NONE


def status_text(state: State, now_ns: int, health: str = NONE) -> str:
    """The STATUS column: `Up 5 seconds (Paused)`, `Exited (0) 2 minutes ago` (container.State.String)."""
    if state.running:
        up = human_duration(now_ns - state.started_ns)
        if state.paused:
            return f"Up {up} (Paused)"
        if state.restarting:
            return f"Restarting ({state.exit_code}) {human_duration(now_ns - state.finished_ns)} ago"
        if health != NONE:
            return f"Up {up} ({'health: starting' if health == STARTING else health})"
        return f"Up {up}"
    if state.removing:
        return "Removal In Progress"
    if state.dead:
        return "Dead"
    if state.started_ns < 0:
        return "Created"
    return f"Exited ({state.exit_code}) {human_duration(now_ns - state.finished_ns)} ago"


def command_text(container: Container) -> str:
    """The COMMAND column: an argument with a space is quoted."""
    if not container.args:
        return container.path
    return " ".join([container.path, *(f"'{arg}'" if " " in arg else arg for arg in container.args)])


def summary(daemon: Daemon, container: Container, *, size: bool = False) -> dict[str, Any]:
    """One element of `GET /containers/json`."""
    image = container.image
    row: dict[str, Any] = {
        "Id": container.id,
        "Names": ["/" + container.name],
        "Image": _image_name(daemon, container),
        "ImageID": image.id if image else "",
        "Command": command_text(container),
        "Created": unix(container.created_ns),
        "Ports": daemon.networks.ports(container),
    }
    if size:
        row |= _sizes(daemon, container, omit_empty=True)
    return row | {
        "Labels": dict(container.config.Labels or {}),
        "State": container.state.status,
        "Status": status_text(container.state, daemon.env.now, health_status(container)),
        "HostConfig": {"NetworkMode": container.host.NetworkMode or "default"},
        "NetworkSettings": daemon.networks.summary(container),
        "Mounts": daemon.volumes.list_mounts(container),
        **(container.half_started or {}),
    }


def half_started(daemon: Daemon, container: Container) -> dict[str, Any]:
    """What the list goes on showing of a start that fails now: dockerd lists containers from a copy that it
    writes before it gives back what the start had got (daemon/start.go)."""
    return {"Ports": daemon.networks.ports(container), "NetworkSettings": daemon.networks.summary(container)}


def _image_name(daemon: Daemon, container: Container) -> str:
    """The image as the user wrote it while that still leads to it, else its id."""
    image = container.image
    if image is None:
        return container.image_ref
    try:
        found = daemon.images.get(container.image_ref)
    except ApiError:  # renamed or untagged meanwhile
        return image.id
    return container.image_ref if found.id == image.id else image.id


def _sizes(daemon: Daemon, container: Container, *, omit_empty: bool = False) -> dict[str, int]:
    own = daemon.storage.size(container.id)
    sizes = {"SizeRw": own, "SizeRootFs": own + (container.image.size if container.image else 0)}
    return {key: value for key, value in sizes.items() if value} if omit_empty else sizes


def has_port(daemon: Daemon, container: Container, key: str, wanted: Collection[tuple[int, str]]) -> bool:
    """Whether a container publishes (`publish`) or exposes (`expose`) one of the ports asked for."""
    if key == "publish":
        ports = daemon.networks.ports(container)
        return any((port["PublicPort"], port["Type"]) in wanted for port in ports if "PublicPort" in port)
    exposed = (port.partition("/") for port in container.config.ExposedPorts or ())
    return any((int(number), proto or "tcp") in wanted for number, _, proto in exposed)


def inspect(daemon: Daemon, container: Container, *, size: bool = False) -> dict[str, Any]:
    """`GET /containers/{id}/json`."""
    image = container.image
    networked = container.sandbox_id != ""
    home = f"{daemon.settings.data_root}/containers/{container.id}"
    shown: dict[str, Any] = {
        "Id": container.id,
        "Created": rfc3339(container.created_ns),
        "Path": container.path,
        "Args": list(container.args),
        "State": _state(container),
        "Image": image.id if image else "",
        "ResolvConfPath": f"{home}/resolv.conf" if networked else "",
        "HostnamePath": f"{home}/hostname" if networked else "",
        "HostsPath": f"{home}/hosts" if networked else "",
        "LogPath": f"{home}/{container.id}-json.log" if container.log.opened and _in_file(container.host) else "",
        "Name": "/" + container.name,
        "RestartCount": container.restart_count,
        "Driver": daemon.storage.name,
        "Platform": container.platform,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": daemon.execs.unfinished(container) or None,
        "HostConfig": host_config(container.host) | _links(container),
        "GraphDriver": _graph_driver(daemon, container),
    }
    if size:
        shown |= _sizes(daemon, container)
    return shown | {
        "Mounts": daemon.volumes.inspect_mounts(container),
        "Config": config(container.config),
        "NetworkSettings": daemon.networks.settings(container),
    }


def _links(container: Container) -> dict[str, Any]:
    """`--link`s as the Engine writes them back: the other container, and its alias below this one's name."""
    if network_name(container.host) != "bridge":
        return {"Links": None} if container.host.Links else {}  # there it is the network's business
    shown = []
    for link in container.host.Links or ():
        name, _, alias = link.rpartition(":") if ":" in link else (link, "", link)
        shown.append(f"/{name}:/{container.name}/{alias}")
    return {"Links": shown} if shown else {}


def _in_file(host: HostConfig) -> bool:
    """Whether what the container writes goes into a file of `json-file`."""
    return host.LogConfig is None or host.LogConfig.Type in ("", "json-file")


def _state(container: Container) -> dict[str, Any]:
    state = container.state
    shown = {
        "Status": state.status,
        "Running": state.running,
        "Paused": state.paused,
        "Restarting": state.restarting,
        "OOMKilled": state.oom_killed,
        "Dead": state.dead,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": rfc3339(state.started_ns) if state.started_ns >= 0 else ZERO,
        "FinishedAt": rfc3339(state.finished_ns) if state.finished_ns >= 0 else ZERO,
    }
    return shown if container.health is None else shown | {"Health": container.health.shown()}


def _graph_driver(daemon: Daemon, container: Container) -> dict[str, Any]:
    """Where overlay2 keeps the layers."""
    own = daemon.storage.directory(container.id)
    chain = reversed(container.image.chain_ids) if container.image else ()
    lower = [f"{own}-init/diff", *(f"{daemon.storage.directory(id)}/diff" for id in chain)]
    return {
        "Data": {
            "LowerDir": ":".join(lower),
            "MergedDir": f"{own}/merged",
            "UpperDir": f"{own}/diff",
            "WorkDir": f"{own}/work",
        },
        "Name": "overlay2",
    }


def config(config: ContainerConfig) -> dict[str, Any]:
    """`Config` of a container or image; fields Go marks `omitempty` are left out when empty."""
    shown: dict[str, Any] = {
        "Hostname": config.Hostname,
        "Domainname": config.Domainname,
        "User": config.User,
        "AttachStdin": config.AttachStdin,
        "AttachStdout": config.AttachStdout,
        "AttachStderr": config.AttachStderr,
    }
    if config.ExposedPorts:
        shown["ExposedPorts"] = {port: {} for port in sorted(config.ExposedPorts)}
    shown |= {
        "Tty": config.Tty,
        "OpenStdin": config.OpenStdin,
        "StdinOnce": config.StdinOnce,
        "Env": list(config.Env) if config.Env is not None else None,
        "Cmd": list(config.Cmd) if config.Cmd is not None else None,
    }
    if config.Healthcheck is not None:
        shown["Healthcheck"] = _health(config.Healthcheck)
    shown |= {
        "Image": config.Image,
        "Volumes": {path: {} for path in sorted(config.Volumes)} if config.Volumes else None,
        "WorkingDir": config.WorkingDir,
        "Entrypoint": list(config.Entrypoint) if config.Entrypoint is not None else None,
    }
    if config.NetworkDisabled:
        shown["NetworkDisabled"] = True
    if config.MacAddress:
        shown["MacAddress"] = config.MacAddress
    shown["OnBuild"] = list(config.OnBuild) if config.OnBuild else None
    shown["Labels"] = dict(sorted((config.Labels or {}).items()))
    for name in ("StopSignal", "StopTimeout", "Shell"):
        value = getattr(config, name)
        if value not in (None, "", []):
            shown[name] = value
    return shown


def _health(health: HealthConfig) -> dict[str, Any]:
    shown: dict[str, Any] = {"Test": list(health.Test)} if health.Test else {}
    for name in ("Interval", "Timeout", "StartPeriod", "Retries"):
        if value := getattr(health, name):
            shown[name] = value
    return shown


def host_config(host: HostConfig) -> dict[str, Any]:
    """`HostConfig` as 20.10 writes it back, defaults filled in."""
    policy, log = host.RestartPolicy, host.LogConfig
    shown: dict[str, Any] = {
        "Binds": _copy(host.Binds),
        "ContainerIDFile": host.ContainerIDFile,
        "LogConfig": {
            "Type": (log.Type if log is not None else "") or "json-file",
            "Config": dict((log.Config if log is not None else None) or {}),
        },
        "NetworkMode": host.NetworkMode or "default",
        "PortBindings": {
            port: [{"HostIp": b.HostIp, "HostPort": b.HostPort} for b in bindings or ()]
            for port, bindings in sorted(host.PortBindings.items())
        }
        if host.PortBindings is not None
        else None,
        "RestartPolicy": {
            "Name": policy.Name if policy is not None else "",
            "MaximumRetryCount": policy.MaximumRetryCount if policy is not None else 0,
        },
        "AutoRemove": host.AutoRemove,
        "VolumeDriver": host.VolumeDriver,
        "VolumesFrom": _copy(host.VolumesFrom),
        "CapAdd": _copy(host.CapAdd),
        "CapDrop": _copy(host.CapDrop),
        "CgroupnsMode": host.CgroupnsMode or "host",
        "Dns": _copy(host.Dns),
        "DnsOptions": _copy(host.DnsOptions),
        "DnsSearch": _copy(host.DnsSearch),
        "ExtraHosts": _copy(host.ExtraHosts),
        "GroupAdd": _copy(host.GroupAdd),
        "IpcMode": host.IpcMode or "private",
        "Cgroup": host.Cgroup,
        "Links": _copy(host.Links),
        "OomScoreAdj": host.OomScoreAdj,
        "PidMode": host.PidMode,
        "Privileged": host.Privileged,
        "PublishAllPorts": host.PublishAllPorts,
        "ReadonlyRootfs": host.ReadonlyRootfs,
        "SecurityOpt": _copy(host.SecurityOpt),
    }
    for name in ("StorageOpt", "Tmpfs"):
        if value := getattr(host, name):
            shown[name] = dict(value)
    shown |= {"UTSMode": host.UTSMode, "UsernsMode": host.UsernsMode, "ShmSize": host.ShmSize or SHM_SIZE}
    if host.Sysctls:
        shown["Sysctls"] = dict(host.Sysctls)
    console = list(host.ConsoleSize or (0, 0))
    shown |= {"Runtime": host.Runtime or "runc", "ConsoleSize": console, "Isolation": host.Isolation}
    for name in (
        "CpuShares", "Memory", "NanoCpus", "CgroupParent", "BlkioWeight", "BlkioWeightDevice", "BlkioDeviceReadBps",
        "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "CpuPeriod", "CpuQuota",
        "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpusetCpus", "CpusetMems", "Devices", "DeviceCgroupRules",
        "DeviceRequests", "KernelMemory", "KernelMemoryTCP", "MemoryReservation", "MemorySwap",
    ):  # fmt: skip
        shown[name] = _copy(getattr(host, name))
    shown |= {
        "MemorySwappiness": None if host.MemorySwappiness == -1 else host.MemorySwappiness,
        "OomKillDisable": bool(host.OomKillDisable),
        "PidsLimit": host.PidsLimit,
        "Ulimits": _copy(host.Ulimits),
        "CpuCount": host.CpuCount,
        "CpuPercent": host.CpuPercent,
        "IOMaximumIOps": host.IOMaximumIOps,
        "IOMaximumBandwidth": host.IOMaximumBandwidth,
    }
    if host.Mounts:
        shown["Mounts"] = [_mount(mount) for mount in host.Mounts]
    privileged = host.Privileged
    shown["MaskedPaths"] = None if privileged else list(host.MaskedPaths or MASKED_PATHS)
    shown["ReadonlyPaths"] = None if privileged else list(host.ReadonlyPaths or READONLY_PATHS)
    if host.Init is not None:
        shown["Init"] = host.Init
    return shown


def _mount(mount: Any) -> dict[str, Any]:
    """A `--mount` as it was asked for, empty fields left out."""
    shown: dict[str, Any] = {"Type": mount.Type}
    for name in ("Source", "Target", "ReadOnly", "Consistency", "BindOptions", "VolumeOptions", "TmpfsOptions"):
        if value := getattr(mount, name):
            shown[name] = value
    return shown


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value
