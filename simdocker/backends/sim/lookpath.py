"""What a container's command is: the file that Go's LookPath finds for its first word, and its program.

runc looks before it executes, so a command that is not there fails the start; what it accepts and
execve(2) then refuses has started as far as the engine knows.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple, cast

from simdocker.backends.ports import ProcessSpec, StartFailed
from simdocker.backends.runc_errors import CREATE, EXEC, go, sentence
from simdocker.backends.sim import execve
from simdocker.backends.sim.init import docker_init
from simdocker.backends.sim.namespace import EXECUTE, may
from simdocker.backends.sim.program import Blocking, Main
from simdocker.backends.sim.task import short_name
from simdocker.content.changeset import FILE

if TYPE_CHECKING:
    from simdocker.backends.sim.process import Process


def command(process: Process, spec: ProcessSpec, prefix: str) -> tuple[Main, list[str]]:
    """The program of a `spec`'s command and its arguments; `prefix` says what it is for, CREATE or EXEC.
    Raises StartFailed.

    A process that execve refuses complains on its standard error and ends with 1.
    """
    argv = list(spec.args)
    if spec.init and prefix is CREATE:
        process.comm = "docker-init"
        return docker_init, ["/sbin/docker-init", "--", *argv]
    name = argv[0] if argv else ""
    if process.uid:  # who may execute what depends on who asks
        found = _executable(process, name, prefix)
    else:
        key = (
            "command",
            name,
            process.env.get("PATH"),
            process.cwd,
            process.capabilities,
            prefix is EXEC,
            process.kernel.machine,
        )
        found = process.namespace.derive(key, lambda: _executable(process, name, prefix))
    process.comm = found.comm
    process.executable = found.path
    if any("\0" in word for word in argv):  # no argument of execve holds one
        return _refused(found.path, OSError(errno.EINVAL, os.strerror(errno.EINVAL))), argv
    return found.main, [*found.before, *argv[1:]]


class _Executable(NamedTuple):
    """What a first word stands for: `before` replaces it (an interpreter's words before a script's)."""

    main: Main
    before: list[str]
    path: str
    comm: str


def _executable(process: Process, name: str, prefix: str) -> _Executable:
    """The file a command names, loaded. Raises StartFailed."""
    path = _look_path(process, name, prefix)
    try:
        main, argv, file = execve.load(process, path, [name])
    except OSError as error:
        return _Executable(_refused(path, error), [name], "", short_name(path))
    return _Executable(main, argv, file, short_name(path))


def _look_path(process: Process, name: str, prefix: str) -> str:
    """Go's exec.LookPath as the container's user. Raises StartFailed with 127 for what is not there
    and 126 for what cannot be executed; an exec knows only 126."""
    in_exec = prefix is EXEC
    if "/" in name:
        try:
            node = process.namespace.find(name, process.cwd, process).node
        except OSError as error:
            text = sentence(prefix, f'exec: "{name}": stat {name}: {go(error)}')
            raise StartFailed(text, 126 if in_exec or error.errno == errno.EACCES else 127) from None
        if node.kind != FILE or not may(process, node, EXECUTE):
            raise StartFailed(sentence(prefix, f'exec: "{name}": permission denied'), 126)
        return name
    for directory in process.env.get("PATH", "").split(":") if name and process.env.get("PATH") else ():
        path = f"{directory or '.'}/{name}"
        found = process.namespace.peek(execve.absolute(path, process.cwd), process)
        if found is not None and found.kind == FILE and may(process, found, EXECUTE):
            return path
    raise StartFailed(sentence(prefix, f'exec: "{name}": executable file not found in $PATH'), 126 if in_exec else 127)


def _refused(path: str, error: OSError) -> Main:
    """What is left of runc when execve fails at the very end."""

    def main(process: Process) -> Blocking:
        yield from process.write(2, f"exec {path}: {go(error)}\n")
        return 1

    return cast(Main, main)
