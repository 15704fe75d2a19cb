"""Ending a play early, between two of its events, so that what was recorded is whole.

An exception in the middle of a simulated process would be taken for that process's own failure: an
OSError for one of the simulated kernel's.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simdocker.des import Environment


def stop(env: Environment, error: BaseException) -> None:
    """Have `env.run` raise `error` at its next event."""

    def fail(*_event: object) -> None:
        raise error

    # The wall clock may be asleep until its next event and has to be woken; the virtual one never is.
    soon = getattr(env, "call_soon_threadsafe", None)
    if soon is not None:
        soon(fail)
    else:
        env.timeout(0).callbacks.append(fail)


@contextmanager
def stopped_by_ctrl_c(env: Environment) -> Iterator[None]:
    """While inside, SIGINT stops `env.run` with KeyboardInterrupt. A second one does not wait."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop(env, KeyboardInterrupt())

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
