"""Executing a file: finding it as execvp(3) does, and what execve(2) makes of it.

An executable here names the simulated program it runs (`Node.program`: `busybox`, or `busybox@aarch64` for
another machine than x86_64); a script's `#!` line names another executable. Anything else is no executable format.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from simdocker.backends.sim.namespace import EXECUTE, may
from simdocker.backends.sim.program import PROGRAMS, Main, fail
from simdocker.content.changeset import FILE

if TYPE_CHECKING:
    from simdocker.backends.sim.process import Process

DEFAULT_PATH = "/bin:/usr/bin"  # execvp(3) without PATH
MAX_INTERPRETERS = 4  # of a script whose interpreter is a script: Linux's BINPRM limit
X86_64 = "x86_64"
SHEBANG_BYTES = 256  # BINPRM_BUF_SIZE


class Executable(NamedTuple):
    """A program ready to run: its main, its arguments (an interpreter's before a script's), its file."""

    main: Main
    argv: list[str]
    path: str


GROUP = "simdocker.programs"
"""Entry points of programs that other packages bring, by the name that an executable gives."""

HOMES = {"busybox": "applets.busybox", "bash": "shell.main"}
"""Modules of programs that have none of their own name in `programs`."""


def _import(program: str) -> Main | None:
    """Import the module that registers a program; None when there is none."""
    name = f"{__package__}.{HOMES.get(program) or 'programs.' + program.replace('-', '_')}"
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
    return PROGRAMS.get(program)


def program_named(name: str) -> Main | None:
    """The program of that name: one that is registered, one of ours, or one that a package brings."""
    main = PROGRAMS.get(name) or _import(name)
    for point in () if main is not None else entry_points(group=GROUP, name=name):
        main = PROGRAMS[name] = point.load()
    return main


def program_names() -> Iterator[str]:
    """The names of the programs that there are, for who mistyped one."""
    yield from sorted({
        *PROGRAMS, *HOMES, *(point.name for point in entry_points(group=GROUP)),
        *(path.stem for path in (Path(__file__).parent / "programs").glob("[!_]*.py")),
    })  # fmt: skip


def built_for(machine: str, program: str) -> str:
    """What an executable of that program says, built for a machine."""
    return program if machine == X86_64 else f"{program}@{machine}"


def absolute(path: str, cwd: str) -> str:
    """A path as seen from the root."""
    return path if path.startswith("/") else f"{cwd}/{path}"


def find(process: Process, name: str, env: Mapping[str, str]) -> str:
    """The path that execvp would execute for `name`. Raises ENOENT, EACCES."""
    if "/" in name:
        return name
    if not name:
        raise fail(errno.ENOENT, name)
    refused = False
    for directory in env.get("PATH", DEFAULT_PATH).split(":"):
        path = f"{directory or '.'}/{name}"
        node = process.namespace.peek(absolute(path, process.cwd), process)
        if node is not None:
            if node.kind == FILE and may(process, node, EXECUTE):
                return path
            refused = True
    raise fail(errno.EACCES if refused else errno.ENOENT, name)


def load(process: Process, path: str, argv: list[str], depth: int = 0) -> Executable:
    """What execve does with `path`. Raises ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP."""
    file = absolute(path, process.cwd)
    node = process.namespace.peek(file, process) or process.namespace.find(path, process.cwd, process).node
    if node.kind != FILE or not may(process, node, EXECUTE):
        raise fail(errno.EACCES, path)
    if node.program:
        program, at, machine = node.program.partition("@")
        if (machine if at else X86_64) in process.kernel.runs:
            main = program_named(program)
            if main is not None:
                if process.kernel.executed is not None:
                    process.kernel.executed(process, program)
                return Executable(main, argv, file)
    head = bytes(node.data[:SHEBANG_BYTES]) if node.data is not None else b""
    if not head.startswith(b"#!"):
        raise fail(errno.ENOEXEC, path)
    words = head[2:].split(b"\n", 1)[0].strip().decode("utf-8", "surrogateescape").split(None, 1)
    if not words:
        raise fail(errno.ENOEXEC, path)
    if depth == MAX_INTERPRETERS:
        raise fail(errno.ELOOP, path)
    return load(process, words[0], [*words, path, *argv[1:]], depth + 1)
