"""How simulated time passes while a line runs at a prompt.

A person wants two things of a simulator that contradict each other: an answer at once, and a world
in which things happen one after another. So by default time does not pass but jumps: from event to
event to the end of the line, however long a pull, `sleep 60` or `docker stop` takes (`:time` says how
long it took). It passes as on the wall, one simulated second a second, only where jumping would feel
wrong:

* while a program waits for what the person types (`docker run -it busybox sh`): what goes on beside
  it then goes on as fast as the person looks at it;
* while the line prints, sleeps, prints and sleeps, as `docker logs -f` of a ticking container or `top`
  do: it would print forever in no time. A few such rounds are jumped over, so that `docker run -d …;
  sleep 5` and other short scripts still end at once, and never while something is being downloaded;
* when nothing is left to happen (`docker run redis`), or after an hour of simulated time, which no
  command takes: from then on everybody waits for Ctrl-C.

With `--speed` it always passes as on the wall, so many times as fast.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Protocol

from simpy.core import Infinity

from simdocker.backends.sim.task import Task
from simdocker.des.clock import MS, S
from simdocker.scenario.session import BATCH, nobody_waits, pass_until

if TYPE_CHECKING:
    from simdocker.des import Environment
    from simdocker.scenario.lines import Line
    from simdocker.scenario.session import Entry, Session

ENOUGH = 3600 * S  # a scenario's step is interrupted after the same time
SLEEP = 50 * MS  # what sleeps for less is at work
ROUNDS = 3
INTERRUPT = b"\x03"


class Keyboard(Protocol):
    """Where keys come from while a line runs."""

    def pressed(self) -> bytes:
        """The keys that are signals (Ctrl-C, Ctrl-\\) pressed since the last look, without waiting."""

    def wait(self, seconds: float | None, *, everything: bool) -> bytes:
        """Wait until something is typed or the time is over (None: for ever); `everything`: not only signals."""


class Pace:
    """Conducts the lines of one session. `speed` is simulated seconds a second, None for the default above."""

    def __init__(self, session: Session, keyboard: Keyboard, speed: float | None) -> None:
        self.session = session
        self.keyboard = keyboard
        self.speed = speed
        self._rounds = 0
        self._printed = 0  # bytes, when the line last slept
        self._wakes: float = 0  # when that sleep ends

    def conduct(self, line: Line, entry: Entry) -> None:
        """Let time pass until the line has ended, and hand it what is typed."""
        self._rounds = self._printed = self._wakes = 0
        while not line.done.processed:
            if self._jumps(line, entry):
                self._jump(line, entry)
            else:
                self._as_on_the_wall(line, entry)

    def _jumps(self, line: Line, entry: Entry) -> bool:
        """Whether the next event happens at once."""
        env, terminal = line.session.env, line.session.terminal
        if self.speed is not None or (terminal is not None and terminal.awaited):
            return False
        if not env._queue or env.peek() > entry.started_ns + ENOUGH:
            return False
        return env.peek() - env.now < SLEEP or not self._ticks(line)

    def _ticks(self, line: Line) -> bool:
        """Whether the line only prints and sleeps, with nothing being downloaded."""
        if not is_sleep(line.session.env) or len(self.session.world.network.fluid):
            return False
        wakes, printed = line.session.env.peek(), line.written
        if wakes != self._wakes:
            self._rounds += printed > self._printed
            self._wakes, self._printed = wakes, printed
        return self._rounds > ROUNDS

    def _jump(self, line: Line, entry: Entry) -> None:
        env = line.session.env
        for _ in range(BATCH):
            env.step()
            if line.done.processed or env.aside or not self._jumps(line, entry):
                break
        typed = self.keyboard.pressed()
        if typed:
            self._type(line, entry, typed, env.now)

    def _as_on_the_wall(self, line: Line, entry: Entry) -> None:
        env = line.session.env
        speed = self.speed or 1.0
        began_ns, began, steps = env.now, time.monotonic_ns(), 0
        while not line.done.processed and not self._jumps(line, entry):
            now = began_ns + int((time.monotonic_ns() - began) * speed)
            if env.peek() <= now:
                env.step()
                steps += 1
                if steps % BATCH:
                    continue
                typed = self.keyboard.pressed()  # also where the simulator cannot keep up with the wall
            else:
                sys.stdout.flush()
                typed = self._listen(line, entry, now, speed)
            if typed:
                self._type(line, entry, typed, began_ns + int((time.monotonic_ns() - began) * speed))

    def _listen(self, line: Line, entry: Entry, now: int, speed: float) -> bytes:
        """What is typed until the next event is due. Without a terminal nobody is there to end a line."""
        terminal, due = line.session.terminal, line.session.env.peek()
        if terminal is None:
            patience = entry.started_ns + ENOUGH + S * len(entry.keys)
            if now >= patience:
                return _lose_patience(patience - entry.started_ns)
            due = min(due, patience)
        seconds = (due - now) / speed / S if due != Infinity else None
        return self.keyboard.wait(seconds, everything=terminal is not None and terminal.awaited)

    def _type(self, line: Line, entry: Entry, typed: bytes, at_ns: int) -> None:
        """Keys arrive between two instants, never in the middle of one: so a replay finds the place again."""
        env, terminal = line.session.env, line.session.terminal
        pass_until(env, max(at_ns, env.now + 1))
        if line.done.processed:
            return
        entry.keys.append((env.now - entry.started_ns, typed))
        if terminal is None:
            line.interrupt()
        else:
            terminal.typed(typed)


class Unattended:
    """Conducts lines that nobody watches: as fast as it goes, and as a scenario's player, which presses
    Ctrl-C on a line that has not ended after an hour, and again each second if it does not heed that.
    `look` is called every few events, and raises to leave the line."""

    def __init__(self, look: Callable[[], None] = nobody_waits) -> None:
        self._look = look

    def conduct(self, line: Line, entry: Entry) -> None:
        """Let time jump until the line has ended."""
        env = line.session.env
        patience = ENOUGH
        for steps in count(1):
            if line.done.processed:
                return
            if steps % BATCH == 0:
                self._look()
            if env.peek() <= entry.started_ns + patience:
                env.step()
            else:
                pass_until(env, entry.started_ns + patience)
                entry.keys.append((patience, _lose_patience(patience)))
                line.interrupt()
                patience += S


def _lose_patience(after_ns: int) -> bytes:
    """The key that ends a line which nobody is there to end, and a sentence that says so."""
    if after_ns == ENOUGH:
        print("simdocker: after an hour it still runs and nobody is there to end it: Ctrl-C", file=sys.stderr)
    return INTERRUPT


def is_sleep(env: Environment) -> bool:
    """Whether the next event ends a program's own sleep."""
    callbacks = env._queue[0][3].callbacks or ()
    return any(isinstance(owner := getattr(call, "__self__", None), Task) and owner.sleeping for call in callbacks)
