"""Redirections: opening what `<`, `>`, `>>`, `<<` and `>&` name, for one command or for good."""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim.program import OpenFile
from simdocker.backends.sim.shell import expand
from simdocker.backends.sim.shell.ast import Redirect
from simdocker.backends.sim.shell.state import ShellExit, ShellFailure

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.backends.sim.shell.interpreter import Shell

_FLAGS = {"<": "r", ">": "w", ">>": "a", ">|": "w", "<>": "r+", "&>": "w", "&>>": "a"}
_CREATE = {errno.ENOENT: "nonexistent directory"}
_OPEN = {errno.ENOENT: "no such file"}
PIPE_ROOM = 65536
SAVED_FROM = 10


def pipe(sh: Shell, *, first: bool = False) -> tuple[OpenFile, OpenFile]:
    """pipe(2). Raises ShellFailure. Before it complains of a pipeline's `first`, ash closes the descriptor -1 of
    the pipe before it, which gives the message another errno."""
    try:
        return sh.p.pipe()
    except OSError as error:
        text = "Bad file descriptor" if first and not sh.state.bash else error.strerror
        raise ShellFailure(f"can't create pipe: {text}") from None


class Redirections:
    """The redirections of one command. `opened` are the files that `close` gives back."""

    __slots__ = ("opened", "saved", "saving", "sh", "status")

    def __init__(self, sh: Shell, *, saving: bool = True) -> None:
        self.sh = sh
        self.saving = saving  # a subshell has nothing to come back to
        self.saved = 0
        self.opened: list[OpenFile] = []
        self.status = 1

    def close(self) -> None:
        for file in self.opened:
            file.close()
        self.opened = []

    def open_or_complain(self, redirects: list[Redirect]) -> Generator[Event, Any, dict[int, OpenFile] | None]:
        """Process: the descriptor table for a command; None, after the message, when one fails."""
        if not redirects:
            return self.sh.p.fds
        try:
            return (yield from self.open(redirects))
        except ShellFailure as failure:
            self.close()
            self.status = failure.status
            yield from self.sh.complain(failure.message)
            return None

    def open(self, redirects: list[Redirect]) -> Generator[Event, Any, dict[int, OpenFile]]:
        """Process: the descriptor table for a command. Raises ShellFailure."""
        fds = dict(self.sh.p.fds)
        for redirect in redirects:
            yield from self._apply(redirect, fds)
        return fds

    def _apply(self, redirect: Redirect, fds: dict[int, OpenFile]) -> Generator[Event, Any, None]:
        sh, operator = self.sh, redirect.operator
        if redirect.here is not None or operator == "<<<":
            body = yield from expand.text(sh, redirect.here or redirect.target)
            self._save(redirect.fd)
            fds[redirect.fd] = self._here(body + ("\n" if redirect.here is None else ""))
            return
        target = yield from expand.text(sh, redirect.target)
        if operator in (">&", "<&"):
            if target == "-":
                fds.pop(redirect.fd, None)
                return
            if target.isdigit():
                source = fds.get(int(target))
                if source is None:
                    message = "Bad file descriptor"
                    raise ShellFailure(f"{target}: {message}", 1)
                self._save(redirect.fd)
                fds[redirect.fd] = source
                return
            if operator == "<&" or redirect.fd != 1:
                raise ShellFailure(
                    f"{target}: ambiguous redirect" if sh.state.bash else "syntax error: bad fd number", 1
                )
            operator = "&>"
        flags = _FLAGS[operator]
        if operator == ">" and "C" in sh.state.options and self._is_file(target):
            raise ShellFailure(f"can't create {target}: File exists", 1)
        try:
            file = sh.p.open(target, flags)
        except OSError as error:
            raise self._failure(operator, target, error) from None
        self.opened.append(file)
        self._save(redirect.fd)
        fds[redirect.fd] = file
        if operator in ("&>", "&>>"):
            fds[2] = file

    def _save(self, fd: int) -> None:
        """ash keeps what it redirects under a number from 10 on until the command is over, and ends without a
        word when the limit leaves it none."""
        if not self.saving or fd not in self.sh.p.fds or self.sh.state.bash:
            return
        soft = self.sh.p.getrlimit("nofile")[0]
        if 0 <= soft < SAVED_FROM + len(self.sh.p.fds) + len(self.opened):
            free = (number for number in range(SAVED_FROM, soft) if number not in self.sh.p.fds)
            if sum(1 for _ in free) <= self.saved:
                raise ShellExit(1)
        self.saved += 1

    def _is_file(self, path: str) -> bool:
        try:
            return self.sh.p.stat(path).st_mode & 0o170000 == 0o100000
        except OSError:
            return False

    def _failure(self, operator: str, target: str, error: OSError) -> ShellFailure:
        if self.sh.state.bash:
            return ShellFailure(f"{target}: {error.strerror}", 1)
        number = error.errno or 0
        if operator == "<":
            return ShellFailure(f"can't open {target}: {_OPEN.get(number, error.strerror)}", 1)
        return ShellFailure(f"can't create {target}: {_CREATE.get(number, error.strerror)}", 1)

    def _here(self, body: str) -> OpenFile:
        """A here-document: a pipe that holds it, or, when it is large, a child that writes it."""
        data = body.encode("utf-8", "surrogateescape")
        reader, writer = pipe(self.sh)
        self.opened.append(reader)
        fds = {1: writer}

        def feed(p: Any) -> Generator[Event, Any, int]:
            yield from p.write(1, data)
            return 0

        if len(data) < PIPE_ROOM:
            for _ in writer.write(data):
                raise AssertionError("a here-document that fits does not wait")
        else:
            self.sh.p.fork(feed, fds=fds)
        writer.close()
        return reader
