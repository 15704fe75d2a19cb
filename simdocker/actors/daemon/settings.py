"""How a dockerd is configured: the keys of /etc/docker/daemon.json, spelled as there.

Whoever makes a daemon hands it a `Settings`; what is left out is dockerd's default.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import field

from simdocker.actors.daemon.ipam import DEFAULT_POOLS, Pools, Subnet, dotted, parse_address, parse_subnet

LOG_DRIVERS = "awslogs fluentd gcplogs gelf journald json-file local logentries splunk syslog".split()
NO_LOG = "none"
RUNC = "runc"
STOCK_RUNTIMES = {name: {"path": RUNC} for name in ("io.containerd.runc.v2", "io.containerd.runtime.v1.linux", RUNC)}
"""Those that dockerd knows of itself (20.10.24, measured): its two shims, with runc behind them."""
MIRROR = re.compile(r"https?://[^/?#@]+/?")


class _Directives(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Base: keys with dashes, and none that dockerd does not know."""


class Pool(_Directives, frozen=True):
    """One of `default-address-pools`: networks get parts of `base` with `size` bits of network each."""

    base: str
    size: int

    def __post_init__(self) -> None:
        subnet = parse_subnet(self.base)
        if subnet is None:
            raise ValueError(f"invalid base pool {self.base!r}: invalid CIDR address: {self.base}")
        if self.size < subnet[1]:
            raise ValueError(f"the size of {self.base} must be at least {subnet[1]}, not {self.size}")


class Ulimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="pascal", omit_defaults=True):
    """One of `default-ulimits`: what containers get that ask for no other limit of that name."""

    name: str
    soft: int = 0
    hard: int = 0


class OCIRuntime(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """One of `runtimes`: a program that makes containers of OCI bundles, and what it is told before the command."""

    path: str = ""  # the machine's runc
    runtime_args: list[str] = field(default_factory=list)

    @property
    def command(self) -> tuple[str, ...]:
        return (self.path or RUNC, *self.runtime_args)


class Settings(_Directives, frozen=True):
    """One daemon's configuration."""

    data_root: str = "/var/lib/docker"
    registry_mirrors: list[str] = field(default_factory=list)  # of Docker Hub, asked before it
    insecure_registries: list[str] = field(default_factory=list)  # may be spoken to without TLS
    default_address_pools: list[Pool] = field(default_factory=list)
    bip: str = ""  # docker0's own address with its prefix length
    log_driver: str = "json-file"
    log_opts: dict[str, str] = field(default_factory=dict)
    live_restore: bool = False  # containers go on while dockerd is away
    shutdown_timeout: int = 15
    max_concurrent_downloads: int = 3
    max_concurrent_uploads: int = 5
    max_download_attempts: int = 5
    debug: bool = False
    labels: list[str] = field(default_factory=list)
    default_ulimits: dict[str, Ulimit] = field(default_factory=dict)
    runtimes: dict[str, OCIRuntime] = field(default_factory=dict)
    default_runtime: str = RUNC  # who makes the containers that ask for none

    def __post_init__(self) -> None:
        for mirror in self.registry_mirrors:
            if not MIRROR.fullmatch(mirror):
                raise ValueError(f'invalid mirror: "{mirror}" is not a valid URI: write http://HOST or https://HOST')
        if self.bip:
            address, _, _ = self.bip.partition("/")
            if parse_subnet(self.bip) is None or parse_address(address) is None:
                raise ValueError(f"bip is {self.bip!r}, but it is docker0's address with its length, as 10.9.0.1/24")
        if not self.data_root.startswith("/"):
            raise ValueError(f"data-root is {self.data_root!r}, but it must be an absolute path")
        if self.log_driver not in (*LOG_DRIVERS, NO_LOG):
            raise ValueError(f"logger: no log driver named '{self.log_driver}' is registered")
        if self.max_concurrent_downloads < 1 or self.max_concurrent_uploads < 1:
            raise ValueError("a daemon needs at least one download and one upload at a time")
        if RUNC in self.runtimes:
            raise ValueError(f"runtime name '{RUNC}' is reserved")
        if self.default_runtime not in (RUNC, *self.runtimes):
            raise ValueError(f"specified default runtime '{self.default_runtime}' does not exist")

    @property
    def pools(self) -> Sequence[Subnet]:
        """The subnets that networks get which ask for none."""
        given = [(parse_subnet(pool.base), pool.size) for pool in self.default_address_pools]
        return Pools([(base, size) for base, size in given if base is not None]) if given else DEFAULT_POOLS

    def runtimes_known(self, installed: Sequence[str] = ()) -> dict[str, Any]:
        """`Runtimes` of `docker info`: its own, those `installed` on a machine that offers them, and the configured."""
        configured = {name: msgspec.to_builtins(runtime) for name, runtime in self.runtimes.items()}
        found: dict[str, Any] = {name: {"path": name} for name in installed} | STOCK_RUNTIMES | configured
        return dict(sorted(found.items()))

    def runtime(self, name: str) -> tuple[str, ...]:
        """The program that runs a container which asks for the runtime `name`, and its arguments; () for the
        machine's own way, which whoever asks for none gets unless `default-runtime` says otherwise."""
        if not name and self.default_runtime == RUNC:
            return ()
        named = self.runtimes.get(name or self.default_runtime)
        return named.command if named is not None else (RUNC if name in STOCK_RUNTIMES else name,)

    @property
    def docker0(self) -> tuple[Subnet, str]:
        """The default bridge's subnet and its own address there: the first of the pools, or `bip`."""
        subnet = parse_subnet(self.bip)
        if subnet is not None:
            return subnet, self.bip.partition("/")[0]
        subnet = self.pools[0]
        return subnet, dotted(subnet[0] + 1)


DEFAULTS = Settings()
