"""What dockerd checks and derives before it makes or runs a container.

Each message is the Engine's own, recorded in `engine-errors.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from simdocker.actors.daemon import host_options
from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.signals import parse_signal
from simdocker.api import BadRequest, Conflict
from simdocker.api.detachkeys import key_codes
from simdocker.api.gotext import digits, integer
from simdocker.api.models import ContainerConfig, ContainerCreateBody, HealthConfig, HostConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

MIB = 1 << 20
MS = 1_000_000
MINIMUM_MEMORY = 6 * MIB  # runc needs it (20.10 and later)
RESTART_POLICIES = frozenset(("", "no", "always", "unless-stopped", "on-failure"))
DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_CAPABILITIES = frozenset(
    (
        "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
        "AUDIT_WRITE"
    ).split()
)
ALL_CAPABILITIES = DEFAULT_CAPABILITIES | frozenset(
    (
        "DAC_READ_SEARCH LINUX_IMMUTABLE NET_BROADCAST NET_ADMIN IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_PTRACE "
        "SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG LEASE AUDIT_CONTROL MAC_OVERRIDE "
        "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
    ).split()
)


def check(body: ContainerCreateBody, host: HostConfig, daemon: Daemon) -> list[str]:
    """Raises BadRequest for what `POST /containers/create` refuses whatever the image, in dockerd's order
    (daemon/container.go `verifyContainerSettings`); returns its warnings.

    1. The configuration.
    2. Its host's part.
    3. What this host can give.
    4. Networks.
    """
    if body.WorkingDir and not body.WorkingDir.startswith("/"):
        raise BadRequest(f"the working directory '{body.WorkingDir}' is invalid, it needs to be an absolute path")
    if body.StopSignal and parse_signal(body.StopSignal) < 0:
        raise BadRequest(f"Invalid signal: {body.StopSignal}")
    for entry in body.Env or ():
        if not entry or entry.startswith("="):
            raise BadRequest(f"invalid environment variable: {entry}")
    if body.Healthcheck is not None:
        _check_health(body.Healthcheck)
    policy = host.RestartPolicy
    if policy is not None and policy.Name not in ("", "no") and host.AutoRemove:
        raise BadRequest("can't create 'AutoRemove' container with restart policy")
    daemon.volumes.check(host)
    if host.PortBindings:
        _check_ports(host)
    if policy is not None and (policy.Name or policy.MaximumRetryCount):
        check_restart_policy(policy.Name, policy.MaximumRetryCount)
    if host.CapAdd or host.CapDrop:
        _check_capabilities((*(host.CapAdd or ()), *(host.CapDrop or ())))
    if host.Memory or host.MemorySwap or host.NanoCpus or host.MemoryReservation or host.CpuQuota or host.CpuPeriod:
        check_resources(host, int(daemon.host_facts.get("NCPU", 2)))
    host_options.check(host, int(daemon.host_facts.get("NCPU", 2)))
    if host.Runtime and host.Runtime not in daemon.settings.runtimes_known(daemon.host_facts.get("Runtimes", ())):
        raise BadRequest(f"Unknown runtime specified {host.Runtime}")
    networking = body.NetworkingConfig
    if networking is not None and networking.EndpointsConfig and len(networking.EndpointsConfig) > 1:
        names = ", ".join(sorted(networking.EndpointsConfig))
        raise BadRequest(f"Container cannot be connected to network endpoints: {names}")
    return host_options.warnings(host)


def check_restart_policy(name: str, maximum: int) -> None:
    """Raises BadRequest for a policy dockerd does not know or a count where none is allowed."""
    if name not in RESTART_POLICIES:
        raise BadRequest(f"invalid restart policy '{name}'")
    if maximum and name not in ("", "on-failure"):
        raise BadRequest(f"maximum retry count cannot be used with restart policy '{name}'")
    if maximum < 0:
        raise BadRequest("maximum retry count cannot be negative")


def _check_capabilities(named: Sequence[str]) -> None:
    for capability in named:
        if _capability(capability) not in ALL_CAPABILITIES | {"ALL"}:
            raise BadRequest(f'invalid CapAdd: unknown capability: "CAP_{_capability(capability)}"')


def _check_health(health: HealthConfig) -> None:
    for name, value in (
        ("Interval", health.Interval),
        ("Timeout", health.Timeout),
        ("StartPeriod", health.StartPeriod),
    ):
        if value and value < MS:
            raise BadRequest(f"{name} in Healthcheck cannot be less than 1ms")
    if health.Retries < 0:
        raise BadRequest("Retries in Healthcheck cannot be negative")


def _check_ports(host: HostConfig) -> None:
    for port, bindings in (host.PortBindings or {}).items():
        number, _, proto = port.partition("/")
        if not _is_port(number) or proto.lower() not in ("", "tcp", "udp", "sctp"):
            raise BadRequest(f'invalid port specification: "{number}"')
        for binding in bindings or ():
            first, _, last = binding.HostPort.partition("-")
            if (first and not _is_port(first)) or (last and not _is_port(last)):
                raise BadRequest(f'invalid port specification: "{binding.HostPort}"')


def _is_port(text: str) -> bool:
    return digits(text) and int(text) <= 65535


def check_resources(host: HostConfig, cpus: int, *, update: bool = False) -> None:
    """Raises BadRequest for limits dockerd refuses; an `update` may name a swap limit alone."""
    if 0 < host.Memory < MINIMUM_MEMORY:
        raise BadRequest("Minimum memory limit allowed is 6MB")
    if host.Memory > 0 and 0 < host.MemorySwap < host.Memory:
        raise BadRequest("Minimum memoryswap limit should be larger than memory limit, see usage")
    if host.Memory == 0 and host.MemorySwap > 0 and not update:
        raise BadRequest("You should always set the Memory limit when using Memoryswap limit, see usage")
    if host.MemorySwappiness is not None and not -1 <= host.MemorySwappiness <= 100:
        raise BadRequest(f"Invalid value: {host.MemorySwappiness}, valid memory swappiness range is 0-100")
    if 0 < host.MemoryReservation < MINIMUM_MEMORY:
        raise BadRequest("Minimum memory reservation allowed is 6MB")
    if 0 < host.Memory < host.MemoryReservation:
        raise BadRequest("Minimum memory limit can not be less than memory reservation limit, see usage")
    if host.NanoCpus and host.CpuPeriod:
        raise BadRequest("Conflicting options: Nano CPUs and CPU Period cannot both be set")
    if host.NanoCpus and host.CpuQuota:
        raise BadRequest("Conflicting options: Nano CPUs and CPU Quota cannot both be set")
    if host.NanoCpus < 0 or host.NanoCpus > cpus * 10**9:
        raise BadRequest(f"Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available")
    if host.CpuPeriod and not 1000 <= host.CpuPeriod <= 1_000_000:
        raise BadRequest("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
    if 0 < host.CpuQuota < 1000:
        raise BadRequest("CPU cfs quota can not be less than 1ms (i.e. 1000)")


def must_run(container: Container) -> None:
    """Raises Conflict unless the container runs (paused counts as running)."""
    if not container.state.running:
        raise Conflict(f"Container {container.id} is not running")
    if container.state.restarting:
        raise Conflict(f"Container {container.id} is restarting, wait until the container is running")


def not_removable(container: Container) -> str:
    """Why a container in this state cannot be removed without force."""
    advice = {
        "running": "Stop the container before attempting removal or force remove",
        "paused": "Unpause and then stop the container before attempting removal or force remove",
        "restarting": "Stop the container before attempting removal or force remove",
    }
    status = container.state.status
    return f"You cannot remove a {status} container {container.id}. {advice[status]}"


def environment(config: ContainerConfig, linked: Sequence[str] = (), *, tty: bool) -> Sequence[str]:
    """The environment of a process with or without a terminal: PATH, HOSTNAME and TERM unless the
    configuration says otherwise, what links tell, then the rest in its order
    (container.CreateDaemonEnvironment)."""
    hostname = "HOSTNAME=" + config.Hostname
    ordinary = _ordinary(tuple(config.Env or ())) if not linked else None
    if ordinary is not None:
        path, *others = ordinary
        return [path, hostname, "TERM=xterm", *others] if tty else [path, hostname, *others]
    env = [DEFAULT_PATH, hostname]
    if tty:
        env.append("TERM=xterm")
    env += linked
    override(env, config.Env or ())
    return env


@lru_cache(maxsize=1024)
def _ordinary(entries: tuple[str, ...]) -> list[str] | None:
    """PATH and what else an image's environment sets, worked out once an image; None when it touches
    what differs between containers."""
    if any(entry.startswith(("HOSTNAME", "TERM")) for entry in entries):
        return None
    env = [DEFAULT_PATH]
    override(env, entries)
    return env if env and env[0].startswith("PATH=") else None


def override(env: list[str], entries: Sequence[str]) -> None:
    """Replace or append each `NAME=value`; a bare `NAME` removes the variable."""
    places = {entry.partition("=")[0]: place for place, entry in enumerate(env)}
    removed = []
    for entry in entries:
        name, equals, _ = entry.partition("=")
        place = places.get(name)
        if not equals:
            if place is not None:
                removed.append(place)
        elif place is None:
            places[name] = len(env)
            env.append(entry)
        else:
            env[place] = entry
    for place in sorted(removed, reverse=True):
        del env[place]


def capabilities(host: HostConfig) -> frozenset[str] | None:
    """The capability set asked for, None for Docker's default 14."""
    if host.Privileged:
        return ALL_CAPABILITIES
    if not host.CapAdd and not host.CapDrop:
        return None
    added = {_capability(name) for name in host.CapAdd or ()}
    dropped = {_capability(name) for name in host.CapDrop or ()}
    if "ALL" in added:
        return ALL_CAPABILITIES - dropped
    if "ALL" in dropped:
        return frozenset(added)
    return frozenset((DEFAULT_CAPABILITIES - dropped) | added)


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def quota_as_nano_cpus(host: HostConfig) -> int:
    """`--cpu-quota` over `--cpu-period` in billionths of a processor, 0 for no limit."""
    return host.CpuQuota * 10**9 // (host.CpuPeriod or 100_000) if host.CpuQuota > 0 else 0


def number(text: str) -> int:
    """An integer query parameter. Raises BadRequest with Go's sentence."""
    try:
        return integer(text)
    except ValueError as fault:
        raise BadRequest(str(fault)) from None


def detach_keys(text: str) -> bool:
    """Whether `text` names keys that can be typed; "" stands for the default ones."""
    if not text:
        return True
    try:
        key_codes(text)
    except ValueError:
        return False
    return True
