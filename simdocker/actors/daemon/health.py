"""Health checks: a command that dockerd runs in a container again and again while it lives.

The rules are those of dockerd's `daemon/health.go` (20.10): a container is `starting` until a probe
succeeds or `Retries` in a row have failed; what fails in the start period does not count. While
nobody probes (paused, ended) a container counts as unhealthy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simpy import AnyOf, Event

from simdocker.api.times import rfc3339
from simdocker.backends.ports import DriverError, Process

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.api.models import ContainerConfig

S = 1_000_000_000
DEFAULT_INTERVAL_NS = DEFAULT_TIMEOUT_NS = 30 * S
DEFAULT_RETRIES = 3
MAX_LOG = 5  # results that inspect shows
MAX_OUTPUT = 4096  # bytes of a probe's output that are kept
SIGKILL = 9
STARTING, HEALTHY, UNHEALTHY, NONE = "starting", "healthy", "unhealthy", "none"


class Health:
    """A container's health: `State.Health`. `stop` happens when its monitor is to end."""

    __slots__ = ("failing_streak", "log", "status", "stop")

    def __init__(self) -> None:
        self.status = STARTING
        self.failing_streak = 0
        self.log: list[dict[str, Any]] = []
        self.stop: Event | None = None

    def shown(self) -> dict[str, Any]:
        """As `docker inspect` shows it."""
        return {"Status": self.status, "FailingStreak": self.failing_streak, "Log": list(self.log)}


def command(config: ContainerConfig) -> list[str] | None:
    """What a probe executes, None for no health check."""
    check = config.Healthcheck
    kind, *words = (check.Test if check is not None else None) or ("",)
    if kind == "CMD":
        return words
    if kind == "CMD-SHELL":
        return [*(config.Shell or ("/bin/sh", "-c")), *words]
    return None


def started(daemon: Daemon, container: Container) -> None:
    """A container starts: it is `starting`, and its probes begin."""
    if command(container.config) is None:
        return
    health = container.health = container.health or Health()
    health.status = STARTING
    health.failing_streak = 0
    resumed(daemon, container)


def resumed(daemon: Daemon, container: Container) -> None:
    """The container runs (again): probe it."""
    health = container.health
    if health is not None:
        health.stop = Event(daemon.env)
        daemon.env.process(_monitor(daemon, container, health, health.stop))


def suspended(container: Container) -> None:
    """The container is paused: nobody probes it any more."""
    if left_alone(container):
        unprobed(container)


def left_alone(container: Container) -> bool:
    """The monitor ends: the container's process has ended, or dockerd → whether there was one."""
    health = container.health
    if health is None or health.stop is None:
        return False
    health.stop.succeed()
    health.stop = None
    return True


def unprobed(container: Container) -> None:
    """What nobody probes counts as unhealthy."""
    if container.health is not None:
        container.health.status = UNHEALTHY


def _monitor(daemon: Daemon, container: Container, health: Health, stop: Event) -> Process:
    """Process: wait for the interval, probe, judge, until stopped."""
    check, words = container.config.Healthcheck, command(container.config)
    assert check is not None
    assert words is not None
    running = daemon.env.cause  # each probe is made because it runs, not because of the one before
    while True:
        yield AnyOf(daemon.env, (stop, daemon.env.timeout(check.Interval or DEFAULT_INTERVAL_NS)))
        if stop.triggered:
            return
        began = daemon.env.now
        daemon.env.cause = running
        code, output = yield from _probe(daemon, container, words, check.Timeout or DEFAULT_TIMEOUT_NS)
        if stop.triggered:
            return
        health.log = [*health.log[1 - MAX_LOG :], {
            "Start": rfc3339(began), "End": rfc3339(daemon.env.now), "ExitCode": code, "Output": output,
        }]  # fmt: skip
        _judge(daemon, container, health, code, began)
        daemon.keep(container)


def _probe(daemon: Daemon, container: Container, words: list[str], limit_ns: int) -> Process:
    """Process → (exit code, output): one probe; one that takes too long is killed and counts as -1."""
    written = bytearray()
    try:
        process = yield from daemon.execs.run(container, words, lambda _, data: written.extend(data))
    except DriverError as error:
        return -1, str(error.args[0])
    yield AnyOf(daemon.env, (process.exited, daemon.env.timeout(limit_ns)))
    if not process.exited.triggered:
        daemon.runtime.signal(process, SIGKILL)
        return -1, f"Health check exceeded timeout ({_duration(limit_ns)})"
    daemon.env.follow(process.end_seq)
    return process.exited.value, written[:MAX_OUTPUT].decode(errors="replace")


def _judge(daemon: Daemon, container: Container, health: Health, code: int, began: int) -> None:
    check, before = container.config.Healthcheck, health.status
    assert check is not None
    if code == 0:
        health.failing_streak = 0
        health.status = HEALTHY
    elif before != STARTING or began - container.state.started_ns >= check.StartPeriod:
        health.failing_streak += 1
        if health.failing_streak >= (check.Retries or DEFAULT_RETRIES):
            health.status = UNHEALTHY
    if health.status != before:
        daemon.trace.state(container.actor, health.status, {"exit": code})
        daemon.containers.event(container, f"health_status: {health.status}")


def _duration(ns: int) -> str:
    """A timeout as Go prints it, in the units one gives such a time in."""
    return f"{ns // S}s" if ns % S == 0 else f"{ns / 1_000_000:g}ms"
