"""Restart policies: whether a container that has ended is started again, and after how long
(dockerd's `restartmanager`). The waiting is `Endings`'; a dockerd that starts does not wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container

S = 1_000_000_000
MS = 1_000_000
FIRST_DELAY_NS = 100 * MS  # dockerd: 100 ms, doubled up to a minute
MAX_DELAY_NS = 60 * S
STEADY_RUN_NS = 10 * S  # a run this long resets the back-off


def delay(container: Container, code: int, ran_ns: int) -> int | None:
    """How long to wait after a run of `ran_ns` that ended with `code`, None for no restart."""
    if container.manually_stopped or not _wanted(container, code):
        return None
    if container.restart_delay_ns == 0 or ran_ns > STEADY_RUN_NS:
        container.restart_delay_ns = FIRST_DELAY_NS
    else:
        container.restart_delay_ns = min(2 * container.restart_delay_ns, MAX_DELAY_NS)
    return container.restart_delay_ns


def at_start(container: Container) -> bool:
    """Whether a dockerd that has just started starts it: with `always` even one that somebody stopped."""
    policy, state = container.host.RestartPolicy, container.state
    if state.started_ns < 0 or state.removing:
        return False
    stopped = container.manually_stopped and policy is not None and policy.Name == "unless-stopped"
    return not stopped and _wanted(container, state.exit_code)


def forget(container: Container) -> None:
    """Nobody is there to start it again: dockerd has ended."""
    timer, container.restart_timer = container.restart_timer, None
    if timer is not None:
        timer.succeed()


def _wanted(container: Container, code: int) -> bool:
    policy = container.host.RestartPolicy
    if policy is None or policy.Name in ("", "no"):
        return False
    most = policy.MaximumRetryCount
    return policy.Name != "on-failure" or (code != 0 and not (most and container.restart_count >= most))
