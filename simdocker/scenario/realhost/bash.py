"""The terminal session of a real host: a bash that lives as long as the play; `lines.HostSession` is the simulated one.

The shell reads lines from one descriptor and reports each one's exit code on another; a line does not see either. Each
line has its standard output and error to itself: two named pipes, read as things are written. A line that ends the
shell (`exit`), or in which Ctrl-C ends it, ends the session, and the next line opens a new one.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Generator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from simpy import Event

from simdocker.des.wall import WallClock
from simdocker.scenario.realhost import shim

INTERRUPTED = 130
BLOCK = 1 << 16
DESK = "desk"
ABOVE = 20  # bash moves the descriptors that a redirection covers to 10 and above

LOOP = (
    "exec 9<&{lines} 8>&{codes} {lines}<&- {codes}>&-; again() {{ return $1; }}; code=0; "
    'while IFS= read -r -d "" -u 9 line && IFS= read -r -d "" -u 9 out && IFS= read -r -d "" -u 9 err; do '
    'again $code; eval "$line" >"$out" 2>"$err" 8>&- 9<&-; code=$?; printf "%s %s\\n" $code "$PWD" >&8; done'
)
"""What the shell does. `again` gives a line the last one's `$?`."""


def begin(leash: Path | None, *, owning: bool = False) -> None:
    """In the new process; it may be `owning` the terminal that is its standard input. What is ignored stays so in
    all that is started: a play in the background of a script ignores SIGINT, its lines must not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if owning:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if leash is not None:
        leash.write_text("0")


def _moved_up(fd: int) -> int:
    """The same descriptor under a number that the shell does not put another in the place of."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, ABOVE)
    os.close(fd)
    return moved


def install_shim(directory: Path) -> None:
    """Put `docker` into directory/bin."""
    program = directory / "bin" / "docker"
    program.parent.mkdir()
    source = (
        Path(shim.__file__).read_text(encoding="utf-8").replace('DESK = ""', f"DESK = {str(directory / DESK)!r}", 1)
    )
    program.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
    program.chmod(0o755)


class Line:
    """One line at work. `done` happens when it has ended; then `exit_code` holds."""

    def __init__(self, session: BashSession, source: str) -> None:
        self.session = session
        self.source = source
        self.cause = session.clock.cause
        self.done = Event(session.clock)
        self.exit_code = 0
        self.output: list[tuple[int, bytes]] = []
        self.pipes: dict[int, int] = {}  # our end → the line's descriptor

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to whatever the line has in the foreground."""
        self.session.signal(signal.SIGINT)

    def kill(self) -> None:
        """The line does not heed Ctrl-C: SIGKILL to all of the session."""
        self.session.signal(signal.SIGKILL)
        self.exit_code = INTERRUPTED


class BashSession:
    """One bash in `directory`, which is this session's alone; it starts out in `cwd`. `leash` is the cgroup.procs of
    the cgroup that it and all it starts belong to."""

    def __init__(
        self, clock: WallClock, directory: Path, cwd: str, env: Mapping[str, str], leash: Path | None = None
    ) -> None:
        self.clock = clock
        self.directory = directory
        self.cwd = cwd
        self.ended = False
        self.current: Line | None = None
        self._count = 0
        self._open: set[int] = set()
        (lines, self._lines), (self._codes, codes) = os.pipe(), os.pipe()
        lines, codes = _moved_up(lines), _moved_up(codes)
        path = f"{directory}/bin:{os.environ.get('PATH') or os.defpath}"
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", LOOP.format(lines=lines, codes=codes)],
            cwd=cwd,
            env={**env, "PATH": path, "PWD": cwd},
            stdin=subprocess.DEVNULL,
            pass_fds=(lines, codes),
            start_new_session=True,
            preexec_fn=partial(begin, leash),
        )
        os.close(lines)
        os.close(codes)
        os.set_blocking(self._codes, False)
        clock.process(self._watch())

    @property
    def pid(self) -> int:
        """The shell's, which leads its process group."""
        return self._bash.pid

    def start(self, source: str) -> Line:
        """Type a line."""
        line = self.current = Line(self, source)
        paths = []
        for fd in (1, 2):
            self._count += 1
            path = self.directory / str(self._count)
            os.mkfifo(path)
            pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            line.pipes[pipe] = fd
            self.clock.process(self._listen(pipe, fd, line))
            paths.append(str(path))
        os.write(self._lines, b"".join(os.fsencode(text) + b"\0" for text in (source, *paths)))
        return line

    def signal(self, number: int) -> None:
        """To the shell and all it started; background jobs of a shell without a terminal ignore SIGINT."""
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, number)

    def close(self) -> None:
        """End the shell and its jobs."""
        self.signal(signal.SIGKILL)
        self._bash.wait()
        if not self.ended:
            self.ended = True
            self._shut(self._codes)
        for pipe in tuple(self._open):
            self._shut(pipe)
        os.close(self._lines)

    def _shut(self, fd: int) -> None:
        self._open.discard(fd)
        self.clock.forget(fd)
        os.close(fd)

    def _watch(self) -> Generator[Event, Any, None]:
        """Process: hear how each line ended, until the shell has."""
        while True:
            yield self.clock.readable(self._codes)
            said = os.read(self._codes, BLOCK).decode("utf-8", "surrogateescape")
            if not said:
                break
            code, _, self.cwd = said.rstrip("\n").partition(" ")
            self._line_ended(int(code))
        self.ended = True
        os.close(self._codes)
        status = self._bash.wait()
        self._line_ended(status if status >= 0 else 128 - status)

    def _listen(self, pipe: int, fd: int, line: Line) -> Generator[Event, Any, None]:
        """Process: what a line prints, until nobody can any more: its background jobs may outlive it."""
        self._open.add(pipe)
        ended = False
        while not ended:
            yield self.clock.readable(pipe)
            ended = _drained(pipe, fd, line)
        self._shut(pipe)

    def _line_ended(self, code: int) -> None:
        line, self.current = self.current, None
        if line is None:
            return
        for pipe, fd in line.pipes.items():
            if pipe in self._open:
                _drained(pipe, fd, line)
        line.exit_code = line.exit_code or code
        line.done.succeed()


def _drained(pipe: int, fd: int, line: Line) -> bool:
    """Take what a pipe holds now; whether nobody can write to it any more."""
    with suppress(BlockingIOError):
        while data := os.read(pipe, BLOCK):
            line.output.append((fd, data))
        return True
    return False
