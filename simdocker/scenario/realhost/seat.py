"""Where the user of a real host sits: a home, terminal sessions one after another, and the client actor as `docker`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from simdocker.actors.client.client import Client
from simdocker.des import NO_CAUSE, CostProfile
from simdocker.scenario.realhost.bash import DESK, BashSession, Line, begin, install_shim
from simdocker.scenario.realhost.desk import Desk

if TYPE_CHECKING:
    from simdocker.actors.client.connection import Connect
    from simdocker.des import RandomStreams
    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace

ENVIRONMENT = {"LANG": "C.UTF-8", "TZ": "UTC"}
PROMPT = """PS1='{name}$([ "$PWD" = "$HOME" ] || printf :%s "$PWD")$ '
"""


class Seat:
    """The seat at host `name`, with all its files in the directory `rooms`. `connect` is the way to a daemon; `leash`
    what the sessions are tied to (`BashSession`); `opened` is told the pid of each session's shell."""

    def __init__(
        self,
        name: str,
        clock: WallClock,
        trace: Trace,
        streams: RandomStreams,
        rooms: Path,
        connect: Connect,
        leash: Path | None = None,
        opened: Callable[[int], None] | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.trace = trace
        self.home = str(rooms / "home")
        Path(self.home).mkdir()
        self._streams = streams
        self._rooms = rooms
        self._connect = connect
        self._leash = leash
        self._told = opened
        self._session: BashSession | None = None
        self._opened: list[BashSession] = []
        self._desks: list[Desk] = []

    def start_line(self, line: str, *, private: bool = False) -> Line:
        """Start a shell line in the terminal session (`private`: in one of its own)."""
        if private:
            return self._open(self.home).start(line)
        if self._session is None or self._session.ended:
            self._session = self._open(self._session.cwd if self._session is not None else self.home)
        return self._session.start(line)

    def _open(self, cwd: str) -> BashSession:
        directory = self._rooms / f"session-{len(self._opened) + 1}"
        directory.mkdir()
        install_shim(directory)
        session = BashSession(self.clock, directory, cwd, {"HOME": self.home, **ENVIRONMENT}, self._leash)

        def cause() -> int:
            return session.current.cause if session.current is not None else self.clock.cause

        self._opened.append(session)
        if self._told is not None:
            self._told(session.pid)
        self._desks.append(self.desk(directory / DESK, cause))
        return session

    def sit_down(self, terminal: int | None = None) -> subprocess.Popen[bytes]:
        """A bash for a person, at `terminal` or by default at the terminal and streams of this very process. It is for
        the caller to wait for. What is typed there is nobody's doing in the trace: a person's."""
        directory = self._rooms / "terminal"
        directory.mkdir()
        install_shim(directory)
        self._desks.append(self.desk(directory / DESK, lambda: NO_CAUSE))
        profile = directory / "bashrc"
        profile.write_text(PROMPT.format(name=self.name))
        env = {"HOME": self.home, **ENVIRONMENT, "PATH": f"{directory}/bin:{os.environ.get('PATH') or os.defpath}"}
        if terminal is not None:
            env["TERM"] = "xterm-256color"
        elif "TERM" in os.environ:
            env["TERM"] = os.environ["TERM"]
        interactive = terminal is not None or (sys.stdin.isatty() and sys.stdout.isatty())
        argv = ["bash", "--noprofile", "--rcfile", str(profile), *(["-i"] if interactive else [])]
        return subprocess.Popen(
            argv,
            cwd=self.home,
            env=env,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=terminal is not None,
            preexec_fn=partial(begin, self._leash, owning=terminal is not None),
        )

    def desk(self, address: Path, cause: Callable[[], int]) -> Desk:
        """A desk at which the `docker` of a shell is attended to."""
        profile = CostProfile.load("instant")

        def hire(connect: Connect) -> Client:
            return Client(self.name, self.clock, self.trace, profile, self._streams, connect)

        return Desk(address, self.clock, hire, self._connect, cause)

    def place_file(self, name: str, text: str) -> None:
        """Put a text into the user's working directory."""
        path = Path(self.home, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Everybody gets up."""
        for session in self._opened:
            session.close()
        for desk in self._desks:
            desk.close()
