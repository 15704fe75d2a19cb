"""`docker` as a program of a simulated host: the client actor, standing on a simulated process.

So a scenario's line is an ordinary shell line: `docker ps -q | wc -l`, `id=$(docker run -d …)`.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Callable, Mapping
from typing import Any, cast

from simdocker.actors.client.client import Client
from simdocker.backends.sim import signals
from simdocker.backends.sim import terminal as pty
from simdocker.backends.sim.files import MountedFiles
from simdocker.backends.sim.openfile import RegularFile
from simdocker.backends.sim.pipe import WriteEnd
from simdocker.backends.sim.process import Process as SimulatedProcess
from simdocker.backends.sim.program import Blocking, Process, fail, program
from simdocker.content.blob import Blob

DOCKER = "docker"
TERMINATING = (signals.INT, signals.TERM)
PATIENCE = 3  # cmd/docker forceExitAfter3TerminationSignals: it forwards no more of them than that
FORWARDED = (signals.HUP, signals.INT, signals.QUIT, signals.USR1, signals.USR2, signals.TERM)


class HostTerminal:
    """A client's `Terminal` on a simulated process. Output never blocks: a pipe takes what the
    command writes, and the reader catches up."""

    __slots__ = ("_forwarding", "_process", "_signals", "cwd", "env", "height", "stdin_tty", "stdout_tty", "width")

    def __init__(self, process: SimulatedProcess) -> None:
        self._process = process
        self.env: Mapping[str, str] = process.env
        self.cwd = process.cwd
        fds = process.fds
        self.stdin_tty = 0 in fds and fds[0].isatty()
        self.stdout_tty = 1 in fds and fds[1].isatty()
        self.width = self.height = 0
        if isinstance(screen := fds.get(1), pty.Terminal):
            self.width, self.height = screen.columns, screen.rows
        self._signals = 0
        self._forwarding = False

    @property
    def filesystem(self) -> MountedFiles:
        return MountedFiles(self._process.namespace, self._process.kernel.now_ns)

    def out(self, data: str | bytes | Blob) -> None:
        file = self._process.fds.get(1)
        if not isinstance(data, Blob):
            self._put(1, data)
        elif isinstance(file, RegularFile):
            file.put(data)
        else:
            for block in data.blocks():
                self._put(1, block)

    def err(self, data: str | bytes) -> None:
        self._put(2, data)

    def _put(self, fd: int, data: str | bytes) -> None:
        file: Any = self._process.fds.get(fd)
        if file is None:
            return
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        if isinstance(file, WriteEnd):
            if file.pipe.readers:
                file.pipe.buffer += raw
                file.pipe.wake()
            elif self._forwarding:  # SIGPIPE too: the write fails instead
                raise BrokenPipeError(f"write /dev/{'stdout' if fd == 1 else 'stderr'}: broken pipe")
            else:
                file.pipe.broken()
        else:
            file.put(raw)

    def on_signal(self, handler: Callable[[int], None] | None) -> None:
        def forward(number: int) -> None:
            self._signals += number in TERMINATING
            if self._signals < PATIENCE:
                handler(number)  # type: ignore[misc]  # only installed where there is one
            else:
                self.err("\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n")
                self._process.die(1)

        self._forwarding = handler is not None
        self._process.signals(FORWARDED, forward if handler is not None else "default")

    def on_resize(self, handler: Callable[[], None] | None) -> None:
        """The window of a simulated terminal stays as it is."""

    def set_raw(self, raw: bool) -> None:
        terminal = self._process.fds.get(0)
        if isinstance(terminal, pty.Terminal):
            terminal.raw = raw

    def sleep(self, ns: int) -> Blocking:
        return self._process.sleep(ns)

    def read_stdin(self) -> Blocking:
        if 0 not in self._process.fds:
            return b""
        return (yield from self._process.read(0))

    def read_file(self, path: str) -> bytes:
        return self._process.read_file(path)

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        if self.is_dir(path):
            raise fail(errno.EISDIR, path)
        fresh = not self.exists(path)
        self._process.write_file(path, data)
        if fresh:
            self._process.chmod(path, mode)

    def make_directory(self, path: str, mode: int) -> None:
        missing = []
        while not self.exists(path):
            missing.append(path)
            path = posixpath.dirname(path)
        for directory in reversed(missing):
            self._process.mkdir(directory, mode)

    def exists(self, path: str) -> bool:
        return self._process.access(path, 0)

    def is_dir(self, path: str) -> bool:
        try:
            return self._process.stat(path).st_mode & 0o170000 == 0o040000
        except OSError:
            return False

    def abspath(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.cwd, path))


@program(DOCKER)
def docker(process: Process) -> Blocking:
    """Process → exit code: one docker command line on the host's client."""
    task = cast(SimulatedProcess, process)
    client = task.kernel.client
    assert isinstance(client, Client)
    return client.run(process.argv[1:], HostTerminal(task))
