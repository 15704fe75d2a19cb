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


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop(env: Environment, error: BaseException) -> None:
    """Have `env.run` raise `error` at its next event."""

    def fail(*_event: object) -> None:
        raise error

    # The wall clock may be asleep until its next event and has to be woken; the virtual one never is for long.
    soon = getattr(env, "call_soon_threadsafe", None)
    if soon is not None:
        soon(fail)
    else:
        env.timeout(0).callbacks.append(fail)


class Terminated(BaseException):
    """A signal asked the play to end. The argument is its number."""


@contextmanager
def stopped_by_ctrl_c(env: Environment) -> Iterator[None]:
    """While inside, SIGINT stops `env.run` with KeyboardInterrupt, and SIGTERM or SIGHUP with Terminated, so that a
    play on a real machine can put away what it made. A second SIGINT does not wait."""

    def ask(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            stop(env, KeyboardInterrupt())
        else:
            stop(env, Terminated(number))

    asked = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT]
    before = {number: signal.signal(number, ask) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
