"""How a container is watched over: restart policy, health check, and where its output goes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.pairs import mapping
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
