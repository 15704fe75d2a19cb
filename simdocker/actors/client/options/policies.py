"""How a container is watched over: restart policy, health check, logging, and its place in the world of platforms."""

from __future__ import annotations

import re
from collections.abc import Iterable

from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.pairs import mapping
from simdocker.actors.client.values import go_quote
from simdocker.api.models import HealthConfig, LogConfig, RestartPolicy


def restart_policy(text: str) -> RestartPolicy:
    """`no`, `always`, `unless-stopped`, `on-failure[:max]`; the daemon checks the name. Raises ValueError."""
    name, colon, most = text.partition(":")
    if colon and not name:
        raise ValueError("invalid restart policy format: no policy provided before colon")
    if most and not re.fullmatch(r"[+-]?\d+", most, re.ASCII):
        raise ValueError("invalid restart policy format: maximum retry count must be an integer")
    return RestartPolicy(Name=name, MaximumRetryCount=int(most or 0))


def health_check(flags: Flags) -> HealthConfig | None:
    """`Healthcheck`, None when no flag speaks of it. Raises ValueError."""
    command = flags.text("health-cmd")
    amounts = {
        name: flags.number("health-" + name)
        for name in ("interval", "timeout", "retries", "start-period", "start-interval")
    }
    asked = bool(command or any(amounts.values()))
    if flags.on("no-healthcheck"):
        if asked:
            raise ValueError("--no-healthcheck conflicts with --health-* options")
        return HealthConfig(Test=["NONE"])
    if not asked:
        return None
    for name, amount in amounts.items():
        if amount < 0:
            raise ValueError(f"--health-{name} cannot be negative")
    return HealthConfig(
        Test=["CMD-SHELL", command] if command else None,
        Interval=amounts["interval"],
        Timeout=amounts["timeout"],
        Retries=amounts["retries"],
        StartPeriod=amounts["start-period"],
        StartInterval=amounts["start-interval"],
    )


def logging(driver: str, options: Iterable[str]) -> LogConfig:
    """`LogConfig`. Raises ValueError."""
    table = mapping(options)
    if driver == "none" and table:
        raise ValueError(f"invalid logging opts for driver {driver}")
    return LogConfig(Type=driver, Config=table)


def storage_options(given: Iterable[str]) -> dict[str, str] | None:
    """`StorageOpt`. Raises ValueError."""
    texts = list(given)
    if any("=" not in text for text in texts):
        raise ValueError("invalid storage option")
    return mapping(texts) or None


_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "armhf": "arm",
    "armel": "arm",
}
_KNOWN_OS = ("linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "aix", "plan9")
_KNOWN_ARCHITECTURES = (
    "386",
    "amd64",
    "arm",
    "arm64",
    "loong64",
    "mips64le",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390x",
    "wasm",
)
_COMPONENT = r"^[A-Za-z0-9_.-]+$"


def platform(text: str) -> str:
    """containerd's platforms.Parse: `linux` → `linux/amd64`, `arm64` → `linux/arm64`. Raises ValueError."""
    parts = text.split("/")
    if len(parts) > 3:
        raise ValueError(f"{go_quote(text)}: cannot parse platform specifier: invalid argument")
    for part in parts:
        if not re.match(_COMPONENT, part):
            raise ValueError(
                f"{go_quote(part)} is an invalid component of {go_quote(text)}: "
                f"platform specifier component must match {go_quote(_COMPONENT)}: invalid argument"
            )
    parts = [part.lower() for part in parts]
    if len(parts) == 1:
        word = _ARCHITECTURES.get(parts[0], parts[0])
        if word in _KNOWN_OS:
            return f"{word}/amd64"
        if word in _KNOWN_ARCHITECTURES:
            return f"linux/{word}"
        raise ValueError(f"{go_quote(text)}: unknown operating system or architecture: invalid argument")
    parts[1] = _ARCHITECTURES.get(parts[1], parts[1])
    if parts[1:] == ["arm64", "v8"]:
        parts.pop()
    return "/".join(parts)
