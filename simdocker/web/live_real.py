"""A page over this machine's kernel: one bash on a terminal of its own, with real containers behind its docker.

All pages share it, as an audience shares a projector: who opens one later is told what happened before. The
real world has no way back, so there is neither undo nor branch here. `Live` is the simulated one.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from simdocker.web.telling import Teller, opening

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.trace import Record, Trace

Say = Callable[[Mapping[str, Any]], None]
REMEMBERED = 64_000  # bytes of the terminal for a page that is opened later
ROOM = 1024  # bytes of keys at once: a quarter of what a terminal holds for its reader
NO_WAY_BACK = "on a real machine there is no way back: undo, redo, reset and fork are for simulated worlds"


class RealWorld:
    """What all pages watch. `master` is the terminal's other end, which is read until its last user has closed it.
    Times are told since now: the clock of a real host counts from long ago."""

    def __init__(self, scenario: Scenario, trace: Trace, host: str, master: int) -> None:
        self._host = host
        self._began = trace.env.now
        self._master = master
        self._teller = Teller(opening(scenario, backend="linux"))
        self._pages: list[Say] = []
        self._printed = ""
        self._told = threading.Lock()  # the world, the terminal's reader and each page have threads of their own
        trace.listen(self._heard)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def open(self, say: Say) -> Window:
        """A page is opened: it is told everything so far, and then what comes."""
        with self._told:
            say(
                {
                    "is": "world",
                    "real": True,
                    "branch": "main",
                    "branches": ["main"],
                    "hosts": [self._host],
                    "entries": [],
                    "undone": 0,
                    "prompt": "",
                    "story": msgspec.to_builtins(self._teller.story),
                }
            )
            if self._printed:
                say({"is": "output", "fd": 1, "data": self._printed})
            self._pages.append(say)
        return Window(self, say)

    def leave(self, say: Say) -> None:
        """A page was closed."""
        with self._told, suppress(ValueError):
            self._pages.remove(say)

    def type(self, keys: bytes) -> None:
        """Keys for the terminal. What it has no room for, because nothing there reads, is lost as at any other: to
        wait for it would keep all pages waiting."""
        with suppress(OSError):  # the shell has ended
            for begun in range(0, len(keys), ROOM):
                if not select.select([], [self._master], [], 0)[1]:
                    return
                os.write(self._master, keys[begun : begun + ROOM])

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size; the programs in it are told by SIGWINCH."""
        with suppress(OSError):
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _heard(self, record: Record) -> None:
        with self._told:
            event = msgspec.to_builtins(self._teller.add(replace(record, t_ns=record.t_ns - self._began)))
            steps = [[number, msgspec.to_builtins(self._teller.story.steps[number])] for number in self._teller.stale()]
            for say in self._pages:
                say({"is": "events", "events": [event], "steps": steps})

    def _read(self) -> None:
        text = getincrementaldecoder("utf-8")("replace")  # a piece may end in the middle of a letter
        while True:
            try:
                read = os.read(self._master, 1 << 14)
            except OSError:  # EIO: the last program has closed the terminal
                read = b""
            with self._told:
                if not read:
                    return
                data = text.decode(read)
                self._printed = (self._printed + data)[-REMEMBERED:]
                for say in self._pages:
                    say({"is": "output", "fd": 1, "data": data})


class Window:
    """One page's side of the world they share."""

    def __init__(self, world: RealWorld, say: Say) -> None:
        self._world = world
        self._say = say

    def ask(self, request: Mapping[str, Any]) -> None:
        """`keys` {keys} and `size` {columns, rows}; anything else is not to be had here."""
        if request.get("do") == "keys":
            self._world.type(str(request.get("keys", "")).encode("utf-8", "replace"))
        elif request.get("do") == "size":
            columns, rows = request.get("columns"), request.get("rows")
            if isinstance(columns, int) and isinstance(rows, int) and 0 < columns < 1000 and 0 < rows < 1000:
                self._world.resize(columns, rows)
        else:
            self._say({"is": "sorry", "text": NO_WAY_BACK})

    def close(self) -> None:
        """The page is gone; the world goes on."""
        self._world.leave(self._say)
