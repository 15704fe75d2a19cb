"""The person's keyboard while a line runs.

Between two prompts the real terminal neither echoes nor edits: the simulated one at the other end
does (`backends/sim/terminal.py`), and when docker makes that one raw, the container's. Ctrl-C and
Ctrl-\\ stay signals, so that they are noticed without reading: what else is typed while nobody waits
for it stays where it is, and the next prompt finds it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
from typing import Any

KEYS = {signal.SIGINT: b"\x03", signal.SIGQUIT: b"\x1c"}
DISABLED = b"\x00"  # _POSIX_VDISABLE
READ = 4096


class HungUp(Exception):
    """The terminal is gone."""


class TerminalKeyboard:
    """Standard input as a keyboard; a context manager that changes the terminal and puts it back."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._saved: list[Any] = []
        self._handlers: dict[signal.Signals, Any] = {}
        self.ahead = b""  # typed before it was asked for, and read by somebody else
        self._signals = b""
        self._bell = self._ring = -1  # a pipe that wakes a wait when a signal comes

    def __enter__(self) -> TerminalKeyboard:
        self._saved = termios.tcgetattr(self._fd)
        changed = termios.tcgetattr(self._fd)
        changed[0] &= ~(termios.IXON | termios.ICRNL)  # Ctrl-Q is the second detach key
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        changed[6][termios.VSUSP] = DISABLED
        termios.tcsetattr(self._fd, termios.TCSADRAIN, changed)
        self._signals = b""
        self._bell, self._ring = os.pipe()
        os.set_blocking(self._ring, False)
        for number in KEYS:
            self._handlers[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._bell)
        os.close(self._ring)
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)

    def _signalled(self, number: int, frame: object) -> None:
        self._signals += KEYS[signal.Signals(number)]
        os.write(self._ring, b"!")

    def pressed(self) -> bytes:
        """The signals' keys pressed since the last look."""
        typed, self._signals = self._signals, b""
        return typed

    def wait(self, seconds: float | None, *, everything: bool) -> bytes:
        """Wait until something is typed or the time is over. Raises HungUp."""
        if self._signals:
            return self.pressed()
        if everything and self.ahead:
            typed, self.ahead = self.ahead, b""
            return typed
        watched = [self._bell, self._fd] if everything else [self._bell]
        ready, _, _ = select.select(watched, [], [], None if seconds is None else max(0.0, seconds))
        if self._bell in ready:
            os.read(self._bell, READ)
        if self._signals or self._fd not in ready:
            return self.pressed()
        try:
            typed = os.read(self._fd, READ)
        except OSError:
            typed = b""
        if not typed:
            raise HungUp
        return typed


class NoKeyboard:
    """Nobody can type: the session's input is a file or a pipe."""

    def pressed(self) -> bytes:
        """Nothing."""
        return b""

    def wait(self, seconds: float | None, *, everything: bool) -> bytes:
        """Let the time pass; without a terminal it is always known how much."""
        assert seconds is not None
        time.sleep(max(0.0, seconds))
        return b""
