"""What the options of `docker run` ask the daemon for: the body of `POST /containers/create`.

Field for field the request of docker CLI 28. A body that depends on nothing but the words (no file, no
relative path, no variable of the client's) is made once per command line and sent again by every run.
"""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.options.devices import device
from simdocker.actors.client.options.environment import label_lines, last_of_each, variables
from simdocker.actors.client.options.mounts import placed, tmpfs, volumes
from simdocker.actors.client.options.networks import check_mac, endpoints, network_mode
from simdocker.actors.client.options.policies import health_check, logging, restart_policy, storage_options
from simdocker.actors.client.options.ports import exposed, published
from simdocker.actors.client.options.security import capabilities, namespaces, security_options
from simdocker.actors.client.pairs import mapping
from simdocker.actors.client.terminal import Terminal
from simdocker.api.models import ContainerCreateBody, HostConfig, NetworkingConfig


def depends_on_terminal(flags: Flags) -> bool:
    """Whether the body takes something from the client's files, directory or variables."""
    given = flags.given
    return (
        any(name in given for name in ("env-file", "label-file", "security-opt"))
        or any("=" not in text for text in given.get("env", ()))
        or any(spec.startswith(".") for spec in given.get("volume", ()))
        or any(mount.Source.startswith(".") for mount in given.get("mount", ()))
    )


def create_body(
    flags: Flags, args: list[str], terminal: Terminal, *, detach: bool = False, console: tuple[int, int] = (0, 0)
) -> ContainerCreateBody:
    """The body for `IMAGE [COMMAND] [ARG...]`. Raises ValueError with the CLI's sentence for the first
    option that cannot be used, in the order in which the CLI looks at them."""
    check_mac(flags.text("mac-address"))
    streams = flags.many("attach")
    stdin = flags.on("interactive")
    attach: dict[str, Any] = {
        "AttachStdin": not detach and (stdin or "stdin" in streams),
        "AttachStdout": not detach and (not streams or "stdout" in streams),
        "AttachStderr": not detach and (not streams or "stderr" in streams),
    }
    swappiness = flags.number("memory-swappiness")
    if swappiness != -1 and not 0 <= swappiness <= 100:
        raise ValueError(f"invalid value: {swappiness}. Valid memory swappiness range is 0-100")
    binds, anonymous = volumes(flags.many("volume"), terminal.abspath)
    bindings = published(flags.many("publish"))
    ports = dict.fromkeys([*bindings, *exposed(flags.many("expose"))])
    devices = [device(text) for text in flags.many("device")]
    modes: dict[str, Any] = namespaces(flags)
    env = variables(last_of_each(flags.many("env")), flags.many("env-file"), terminal)
    labels = mapping(label_lines(flags.many("label"), flags.many("label-file"), terminal))
    policy = restart_policy(flags.text("restart"))
    log = logging(flags.text("log-driver"), flags.many("log-opt"))
    security = security_options(flags.many("security-opt"), terminal)
    storage = storage_options(flags.many("storage-opt"))
    health = health_check(flags)
    add, drop = capabilities(flags.many("cap-add"), flags.many("cap-drop"))
    auto_remove = flags.on("rm")
    if auto_remove and policy.Name not in ("", "no"):
        raise ValueError("conflicting options: cannot specify both --restart and --rm")
    host = HostConfig(
        Binds=binds or None,
        ContainerIDFile=flags.text("cidfile"),
        LogConfig=log,
        NetworkMode=network_mode(flags),
        PortBindings=bindings,
        RestartPolicy=policy,
        AutoRemove=auto_remove,
        VolumeDriver=flags.text("volume-driver"),
        VolumesFrom=flags.many("volumes-from") or None,
        ConsoleSize=console,
        Annotations=flags.get("annotation") or None,
        CapAdd=add,
        CapDrop=drop,
        Dns=flags.many("dns"),
        DnsOptions=flags.many("dns-option"),
        DnsSearch=flags.many("dns-search"),
        ExtraHosts=flags.many("add-host") or None,
        GroupAdd=flags.many("group-add") or None,
        IpcMode=flags.text("ipc"),
        Links=flags.many("link") or None,
        OomScoreAdj=flags.number("oom-score-adj"),
        Privileged=flags.on("privileged"),
        PublishAllPorts=flags.on("publish-all"),
        ReadonlyRootfs=flags.on("read-only"),
        StorageOpt=storage,
        Tmpfs=tmpfs(flags.many("tmpfs")),
        ShmSize=flags.number("shm-size"),
        Sysctls=flags.get("sysctl") or None,
        Runtime=flags.text("runtime"),
        Isolation=flags.text("isolation"),
        CpuShares=flags.number("cpu-shares"),
        Memory=flags.number("memory"),
        NanoCpus=flags.number("cpus"),
        CgroupParent=flags.text("cgroup-parent"),
        BlkioWeight=flags.number("blkio-weight"),
        BlkioWeightDevice=flags.many("blkio-weight-device"),
        BlkioDeviceReadBps=flags.many("device-read-bps"),
        BlkioDeviceWriteBps=flags.many("device-write-bps"),
        BlkioDeviceReadIOps=flags.many("device-read-iops"),
        BlkioDeviceWriteIOps=flags.many("device-write-iops"),
        CpuPeriod=flags.number("cpu-period"),
        CpuQuota=flags.number("cpu-quota"),
        CpuRealtimePeriod=flags.number("cpu-rt-period"),
        CpuRealtimeRuntime=flags.number("cpu-rt-runtime"),
        CpusetCpus=flags.text("cpuset-cpus"),
        CpusetMems=flags.text("cpuset-mems"),
        Devices=devices,
        DeviceCgroupRules=flags.many("device-cgroup-rule") or None,
        DeviceRequests=flags.many("gpus") or None,
        KernelMemory=flags.number("kernel-memory"),
        MemoryReservation=flags.number("memory-reservation"),
        MemorySwap=flags.number("memory-swap"),
        MemorySwappiness=swappiness,
        OomKillDisable=flags.on("oom-kill-disable"),
        Init=flags.on("init") if flags.changed("init") else None,
        PidsLimit=flags.number("pids-limit"),
        Ulimits=[limit for _, limit in sorted(flags.get("ulimit").items())],
        Mounts=placed(flags.many("mount"), terminal.abspath),
        **modes,
        **security,
    )
    entrypoint = [flags.text("entrypoint")] if flags.changed("entrypoint") else None
    return ContainerCreateBody(
        Hostname=flags.text("hostname"),
        Domainname=flags.text("domainname"),
        User=flags.text("user"),
        **attach,
        ExposedPorts={port: {} for port in ports} or None,
        Tty=flags.on("tty"),
        OpenStdin=stdin,
        StdinOnce=stdin and attach["AttachStdin"],
        Env=env,
        Cmd=args[1:] or None,
        Healthcheck=health,
        Image=args[0],
        Volumes=anonymous,
        WorkingDir=flags.text("workdir"),
        Entrypoint=entrypoint,
        Labels=labels,
        StopSignal=flags.text("stop-signal"),
        StopTimeout=flags.number("stop-timeout") if flags.changed("stop-timeout") else None,
        HostConfig=host,
        NetworkingConfig=NetworkingConfig(EndpointsConfig=endpoints(flags)),
    )
