"""From the words of a command to what runs: function, builtin, applet, or a file found in PATH.

This busybox runs its applets without a PATH search (FEATURE_SH_STANDALONE): a container whose /bin
is gone still has `ls`. bash and Debian's dash know no applets and search PATH.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from simdocker.backends.sim import applets
from simdocker.backends.sim.applets.busybox import run_applet
from simdocker.backends.sim.program import Blocking, Exit, OpenFile, Process, fail
from simdocker.backends.sim.shell import jobs
from simdocker.backends.sim.shell.ast import Redirect
from simdocker.backends.sim.shell.redirect import Redirections
from simdocker.backends.sim.shell.state import (
    BUILTIN_NS,
    BuiltinFailure,
    Return,
    ShellExit,
    ShellFailure,
)

if TYPE_CHECKING:
    from simdocker.backends.sim.shell.interpreter import Shell, Status

FUNCTION, BUILTIN, APPLET, FILE = "function", "builtin", "applet", "file"
SPECIAL = frozenset(
    [".", ":", "break", "continue", "eval", "exec", "exit", "export", "local", "readonly", "return", "set", "shift",
     "source", "times", "trap", "unset"]
)  # fmt: skip
"""Builtins whose errors end the shell, and before which assignments last."""
IN_PROCESS = frozenset(
    "basename cat chgrp chmod chown cksum clear cp cut date dd df dirname du echo env expand expr factor false find "
    "fold free groups head hexdump hostid hostname id ls link ln logname md5sum mkdir mkfifo mknod mktemp mv nl nproc "
    "od paste printf ps pwd readlink realpath rev rm rmdir seq sha1sum sha256sum sha512sum shuf sleep_ sort stat "
    "sum sync tac tail tee test touch tr true truncate tty uname unexpand uniq unlink usleep wc which whoami xargs "
    "xxd yes".split()
) - {"sleep_"}
"""Applets that busybox runs in the forked child without execve: `ps` shows them as `{ps} sh …`."""


class Lookup:
    """How one shell runs simple commands."""

    __slots__ = ("builtins", "sh")

    def __init__(self, sh: Shell) -> None:
        from simdocker.backends.sim.shell.builtins import BUILTINS  # they are written with this class

        self.sh = sh
        self.builtins = BUILTINS

    def kind(self, name: str, *, functions: bool = True) -> tuple[str, str]:
        """What `name` is, and for a file its path; ("", "") when it is nothing."""
        state = self.sh.state
        if "/" in name or not name:
            return FILE, name or "/"  # an empty name is a directory of PATH
        if functions and name in state.functions:
            return FUNCTION, name
        if name == "exec" or (name in self.builtins and (state.bash or not self.builtins[name].bash_only)):
            return BUILTIN, name
        if applets.exists(name) and self._runs_applets():
            return APPLET, name
        key = state.variables.get("PATH", ""), name
        path = state.hashed.get(key, "")  # where it was found: nobody looks whether it is still there
        if not path:
            path = self.search(name)
            if not path:
                return "", ""
            state.hashed[key] = path
        return FILE, path

    def _runs_applets(self) -> bool:
        """Whether this shell is busybox's."""
        p = self.sh.p
        if self.sh.state.bash:
            return False
        try:
            return not p.realpath(p.executable).endswith("/dash")
        except OSError:
            return True

    def search(self, name: str, *, executable: bool = True) -> str:
        """The first executable file called `name` in PATH; one that is not executable if there is no other.

        With `executable` false, as for `.`, the first file of that name."""
        p = self.sh.p
        found = ""
        for path in _candidates(self.sh.state.variables.get("PATH", ""), name):
            runs = p.runnable(path)
            if runs or (runs is False and not executable):
                return path
            if runs is False:
                found = found or path
        return found

    def command(
        self,
        argv: list[str],
        values: list[tuple[str, str]],
        redirects: list[Redirect],
        last: bool = False,
        *,
        functions: bool = True,
    ) -> Status:
        """Process: run a simple command with its assignments and redirections; → its status."""
        sh = self.sh
        kind, path = self.kind(argv[0], functions=functions)
        if kind == FUNCTION:
            return (yield from self._with(values, redirects, lambda: self.function(argv)))
        if kind == BUILTIN:
            return (yield from self._builtin(argv, values, redirects))
        redirections = Redirections(sh)
        fds = yield from redirections.open_or_complain(redirects)
        if fds is None:
            return redirections.status
        env = sh.state.variables.environment()
        for name, value in values:
            env[name] = value
        if not kind:
            yield from self._not_found(argv[0], fds)
            redirections.close()
            return 127
        try:
            if last and not sh.state.traps:
                return (yield from self._become(argv, kind, path, env, fds))
            child = self._start(argv, kind, path, env, fds)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                raise sh.no_fork(error) from None
            status = yield from self._cannot_execute(argv[0], path, error, fds)
            return status
        finally:
            redirections.close()
        (status,) = yield from jobs.wait_foreground(sh, [child], quiet=fds.get(2) not in sh.p.fds.values())
        return status

    def _start(self, argv: list[str], kind: str, path: str, env: dict[str, str], fds: dict[int, OpenFile]) -> Process:
        p = self.sh.p
        if kind == APPLET:
            return start_applet(p, argv, env, fds)
        try:
            return p.spawn(argv, env=env, fds=fds, path=path)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
        return p.fork(lambda child: self._script(child, argv, path, env), fds=fds)

    def _check(self, path: str) -> None:
        """execve's errors for a path the shell was given or found."""
        if not self.sh.p.runnable(path):
            self.sh.p.stat(path)  # says why, when it is not there
            raise fail(errno.EACCES, path)

    def _script(self, p: Process, argv: list[str], path: str, env: dict[str, str]) -> Blocking:
        """Process: a file that is no program is a script for this shell."""
        from simdocker.backends.sim.shell.main import run_script

        p.env = dict(env)
        return (yield from run_script(p, path, argv[1:], name=path, bash=self.sh.state.bash))

    def _become(self, argv: list[str], kind: str, path: str, env: dict[str, str], fds: dict[int, OpenFile]) -> Status:
        """Process: the command takes over this process, as the last command of `sh -c` does."""
        p = self.sh.p
        traps = self.sh.state.traps
        caught = p.signal_mask("catch")
        for number in range(1, caught.bit_length() + 1):
            if caught >> (number - 1) & 1:
                p.signal(number, "default")
        traps.clear()
        if kind == FILE:
            self._check(path)
        replace_descriptors(p, fds)
        p.env = env
        if kind == APPLET:
            become_applet(p, argv)
            status = yield from run_applet(p, argv)
            raise ShellExit(status)
        try:
            status = yield from p.exec(argv, env=env, path=path)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            status = yield from self._script(p, argv, path, env)
        raise Exit(status)

    def _not_found(self, name: str, fds: dict[int, OpenFile]) -> Blocking:
        text = "command not found" if self.sh.state.bash else "not found"
        yield from self._say(f"{name}: {text}", fds)

    def _cannot_execute(self, name: str, path: str, error: OSError, fds: dict[int, OpenFile]) -> Status:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        if self.sh.state.bash:
            text = error.strerror or ""
            if error.errno == errno.EACCES and self._is_directory(path):
                text = "Is a directory"
            name = path if name else ""
        else:
            text = "not found" if missing else error.strerror or ""
        yield from self._say(f"{name}: {text}", fds)
        return 127 if missing or not name else 126

    def _is_directory(self, path: str) -> bool:
        try:
            return self.sh.p.stat(path).st_mode & 0o170000 == 0o040000
        except OSError:
            return False

    def _say(self, message: str, fds: dict[int, OpenFile]) -> Blocking:
        """Process: a message of the child that could not execute: it goes where the command's would."""
        file = fds.get(2)
        if file is not None:
            yield from file.write(f"{self.sh.prefix()}{message}\n".encode("utf-8", "surrogateescape"))

    # in this process

    def _with(self, values: list[tuple[str, str]], redirects: list[Redirect], work: Callable[[], Status]) -> Status:
        """Process: do `work` with assignments that last as long as it does, and redirections."""
        variables = self.sh.state.variables
        saved = [(name, variables.get(name), name in variables.exported) for name, _ in values]
        try:
            for name, value in values:
                self.sh.assign(name, value)
                variables.exported[name] = None
            if redirects:
                return (yield from self.sh.redirected(redirects, work))
            return (yield from work())
        finally:
            for name, before, exported in reversed(saved):
                variables.restore(name, before, exported)

    def function(self, argv: list[str]) -> Status:
        """Process: call a shell function."""
        state = self.sh.state
        saved, state.positional = state.positional, argv[1:]
        options = state.option_index, state.option_offset
        state.option_index, state.option_offset = 1, 0
        loops = state.loops
        if state.bash:
            state.loops = 0
        state.variables.frames.append({})
        state.calls += 1
        caller, state.function = state.function, argv[0]
        try:
            yield from self.sh.p.compute(BUILTIN_NS)
            return (yield from self.sh.run(state.functions[argv[0]]))
        except Return as leaving:
            return leaving.status
        finally:
            state.calls -= 1
            state.function = caller
            state.variables.leave()
            state.positional = saved
            state.loops = loops
            state.option_index, state.option_offset = options

    def _builtin(self, argv: list[str], values: list[tuple[str, str]], redirects: list[Redirect]) -> Status:
        name = argv[0]
        if name == "exec":
            return (yield from self._exec(argv, values, redirects))
        if name in SPECIAL and not self.sh.state.bash:
            for variable, value in values:
                self.sh.assign(variable, value)
            values = []
        if not values and not redirects:
            return (yield from self.builtin(argv))
        if name in SPECIAL and redirects and not self.sh.state.bash:
            return (yield from self._special(argv, redirects))
        return (yield from self._with(values, redirects, lambda: self.builtin(argv)))

    def _special(self, argv: list[str], redirects: list[Redirect]) -> Status:
        """Process: a special builtin with redirections, an error in which ends the shell."""
        redirections = Redirections(self.sh)
        fds = yield from redirections.open(redirects)
        saved, self.sh.p.fds = self.sh.p.fds, fds
        try:
            return (yield from self.builtin(argv))
        finally:
            self.sh.p.fds = saved
            redirections.close()

    def builtin(self, argv: list[str]) -> Status:
        """Process: run a builtin; its error may end the shell."""
        from simdocker.backends.sim.shell.builtins import call_builtin

        sh = self.sh
        yield from sh.p.compute(BUILTIN_NS)
        fatal = argv[0] in SPECIAL and not sh.state.bash
        outer = sh.state.command
        if argv[0] != "command":
            sh.state.command = argv[0]
        try:
            return (yield from call_builtin(sh, argv))
        except BuiltinFailure as failure:
            yield from sh.complain(failure.message, argv[0])
            if fatal and not sh.state.interactive:
                raise ShellExit(failure.status) from None
            return failure.status
        except ShellFailure as failure:
            failure.prefix = failure.prefix or sh.prefix()
            if fatal or sh.state.bash:
                raise
            yield from sh.report(failure)
            return failure.status
        finally:
            sh.state.command = outer

    def _exec(self, argv: list[str], values: list[tuple[str, str]], redirects: list[Redirect]) -> Status:
        """Process: `exec` replaces the shell, or with redirections alone changes its descriptors."""
        sh = self.sh
        redirections = Redirections(sh)
        fds = yield from redirections.open(redirects)
        if len(argv) == 1:
            replace_descriptors(sh.p, fds)
            redirections.close()
            return 0
        sh.state.command = "exec"
        called, argv = exec_arguments(argv[1:])
        kind, path = self.kind(argv[0], functions=False)
        env = sh.state.variables.environment() | dict(values)
        if kind == BUILTIN:
            kind, path = (APPLET, argv[0]) if applets.exists(argv[0]) and self._runs_applets() else (FILE, "")
            path = path or self.search(argv[0])
            kind = kind if path else ""
        if not kind:
            yield from sh.complain(f"{argv[0]}: not found", "exec")
            raise ShellExit(127)
        if kind == APPLET and called != argv[0] and argv[0] not in IN_PROCESS:
            argv = [called, *argv[1:]]  # busybox executes itself anew, and then goes by that name
        try:
            return (yield from self._become(argv, kind, path, env, fds))
        except OSError as error:
            text = "not found" if error.errno in (errno.ENOENT, errno.ENOTDIR) else error.strerror or ""
            yield from sh.complain(f"{argv[0]}: {text}", "exec")
            raise ShellExit(127 if error.errno == errno.ENOENT else 126) from None


def exec_arguments(argv: list[str]) -> tuple[str, list[str]]:
    """The arguments of `exec` → (the name the program shall see, the command): `-a NAME` sets it."""
    if argv[0] != "-a":
        return argv[0], argv
    if len(argv) < 3:
        raise ShellFailure("no arg for -a option")
    return argv[1], argv[2:]


def replace_descriptors(p: Process, fds: dict[int, OpenFile]) -> None:
    """Make `fds` the descriptor table for good: each entry counts, and the old ones no longer do."""
    before = p.fds
    if fds is not before:
        p.fds = {fd: file.dup() for fd, file in fds.items()}
        for file in before.values():
            file.close()


@lru_cache(maxsize=4096)
def _candidates(path: str, name: str) -> tuple[str, ...]:
    """Where a file called `name` may be, in the order of PATH."""
    return tuple(f"{directory.rstrip('/')}/{name}" if directory else name for directory in path.split(":"))


def become_applet(p: Process, argv: list[str]) -> None:
    """A forked shell turns into an applet: in place, or through execve of /proc/self/exe."""
    name = argv[0]
    if name in IN_PROCESS:
        p.comm = name
    else:
        p.argv = argv
        p.comm = "exe"


def start_applet(p: Process, argv: list[str], env: dict[str, str], fds: dict[int, OpenFile]) -> Process:
    """A child that runs an applet which need not be a file."""

    def main(child: Process) -> Blocking:
        child.env = env
        become_applet(child, argv)
        return (yield from run_applet(child, argv))

    return p.fork(main, fds=fds)


__all__ = ["APPLET", "BUILTIN", "FILE", "FUNCTION", "SPECIAL", "Lookup", "ShellFailure", "start_applet"]
