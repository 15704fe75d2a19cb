"""What a shell remembers: variables, functions, options, traps, jobs; a subshell gets a copy.

Also the exceptions by which control leaves a command early.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from simdocker.backends.sim.program import Process
from simdocker.backends.sim.shell.ast import Node

DEFAULT_IFS = " \t\n"

FORK_EXEC_NS = 1_000_000
"""A busybox shell starting an applet in a child: 1.0 to 1.8 ms in a loop of 300 where the engine ran."""
FORK_NS = 400_000
"""A subshell, the same without execve: 0.5 ms in a loop of 300 of `(:)`."""
BUILTIN_NS = 20_000
"""A command that the shell runs itself. busybox needs 2 µs; ten times that brings a loop that never ends to an
hour of simulated time, when it is interrupted, in a tenth of the steps."""


class ShellExit(Exception):
    """`exit`, or an error that ends a shell which is not interactive."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ShellFailure(Exception):
    """An error that ends the command, and a shell that is not interactive; `message` is printed.

    `prefix` is set where the error leaves a builtin or a sourced file, whose name the message bears.
    """

    def __init__(self, message: str, status: int = 2, prefix: str = "") -> None:
        super().__init__(message, status, prefix)
        self.message = message
        self.status = status
        self.prefix = prefix


class Interrupted(Exception):
    """Ctrl-C ended the line that was typed at a prompt."""


class BuiltinFailure(Exception):
    """A builtin's error; `message` is printed after the builtin's name."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status


class Break(Exception):
    """break or continue out of `levels` loops."""

    def __init__(self, levels: int, resume: bool) -> None:
        super().__init__(levels, resume)
        self.levels = levels
        self.resume = resume


class Return(Exception):
    """return from a function or a sourced file."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Variables(dict[str, str]):
    """Shell variables by name. Assignment to a read-only one raises ShellFailure."""

    __slots__ = ("all_exported", "arrays", "exported", "frames", "readonly")

    def __init__(self) -> None:
        super().__init__()
        self.exported: dict[str, None] = {}
        self.readonly: dict[str, None] = {}
        self.arrays: dict[str, list[str]] = {}
        self.frames: list[dict[str, tuple[str | None, bool]]] = []
        self.all_exported = False

    def __setitem__(self, name: str, value: str) -> None:
        if name in self.readonly:
            raise ShellFailure(f"{name}: is read only")
        if self.all_exported:
            self.exported[name] = None
        super().__setitem__(name, value)

    def unset(self, name: str) -> None:
        if name in self.readonly:
            raise ShellFailure(f"{name}: is read only")
        self.pop(name, None)
        self.arrays.pop(name, None)
        self.exported.pop(name, None)

    def localise(self, name: str) -> None:
        """Make `name` local to the running function: its value comes back when that returns."""
        self.frames[-1].setdefault(name, (self.get(name), name in self.exported))

    def leave(self) -> None:
        """A function returns."""
        for name, (value, exported) in self.frames.pop().items():
            self.restore(name, value, exported)

    def restore(self, name: str, value: str | None, exported: bool) -> None:
        if value is None:
            self.pop(name, None)
        else:
            super().__setitem__(name, value)
        if exported:
            self.exported[name] = None
        else:
            self.exported.pop(name, None)

    def environment(self) -> dict[str, str]:
        """The exported ones, in the order of ash's hash table, which is what `env` shows."""
        return {name: self[name] for name in _in_table_order(tuple(self.exported)) if name in self}

    def copy(self) -> Variables:
        other = Variables()
        dict.update(other, self)
        other.exported = dict(self.exported)
        other.readonly = dict(self.readonly)
        other.arrays = {name: list(values) for name, values in self.arrays.items()}
        other.frames = [dict(frame) for frame in self.frames]
        other.all_exported = self.all_exported
        return other


@lru_cache(maxsize=1024)
def _in_table_order(names: tuple[str, ...]) -> list[str]:
    """Kept from command to command: each is given the environment, which seldom gets a new name."""
    return sorted(names, key=_bucket)


@lru_cache(maxsize=4096)
def _bucket(name: str) -> int:
    """ash's hashvar(): 39 buckets."""
    data = name.encode()
    return ((data[0] << 4) + sum(data)) % 39


@dataclass(slots=True)
class Job:
    """A background pipeline: its processes, last first to count for the status."""

    number: int
    processes: list[Process]
    source: str
    status: int | None = None
    known: bool = False  # its end has been reported


@dataclass(slots=True)
class State:
    """Everything a subshell inherits."""

    name: str
    bash: bool = False
    variables: Variables = field(default_factory=Variables)
    positional: list[str] = field(default_factory=list)
    functions: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    options: dict[str, None] = field(default_factory=dict)
    traps: dict[int, str] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    hashed: dict[tuple[str, str], str] = field(default_factory=dict)  # by PATH and name, where a command was found
    status: int = 0
    shell_pid: int = 0
    background: int = 0
    line: int = 0  # of the command that runs: counted from 0 in the text of -c and eval, from 1 in a file
    command: str = ""  # what a message names after the shell: the running builtin, script or sourced file
    applet: str = "sh"  # what the applets that run as builtins call themselves
    loops: int = 0
    calls: int = 0
    function: str = ""  # the running function's name
    sourced: int = 0
    history: list[str] = field(default_factory=list)  # the lines typed at it, if it is one that people type at
    interactive: bool = False
    random: int = 0
    counting_since: int = 0  # bash's SECONDS: the ns it counts from
    option_index: int = 1  # getopts: where the next argument is, the place inside a group of letters,
    option_offset: int = 0
    option_written: str = "1"  # and the OPTIND it left, to notice when that is set by hand

    def copy(self) -> State:
        """For a subshell: traps that run a command are forgotten, ignored signals stay ignored."""
        return State(
            name=self.name,
            bash=self.bash,
            variables=self.variables.copy(),
            positional=list(self.positional),
            functions=dict(self.functions),
            aliases=dict(self.aliases),
            options=dict(self.options),
            traps={number: action for number, action in self.traps.items() if not action},
            hashed=dict(self.hashed),
            status=self.status,
            counting_since=self.counting_since,
            shell_pid=self.shell_pid,
            background=self.background,
            line=self.line,
            command=self.command,
            applet=self.applet,
            calls=self.calls,
            sourced=self.sourced,
            history=self.history,
        )
