"""The fork server: a small process, started before any thread, that gives birth to all containers.

Forking the engine itself is slow, since it grows with its memory, and unsafe, since it has threads. This
process has one thread and holds almost nothing. A child is the engine's own (CLONE_PARENT), which waits
for it through a pidfd; the child executes its steps, tells how they went, and becomes the command.
Nothing of an image is ever read here.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import socket
import sys
from time import monotonic_ns

from simdocker.backends.linux import calls, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_REQUEST = 1 << 22
MAX_DESCRIPTORS = 8
GO_WORDS = {8: "exec format error", 2: "no such file or directory", 13: "permission denied"}


def serve(control: socket.socket) -> None:
    """Give birth on request until the engine is gone."""
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, MAX_DESCRIPTORS)
        if not data:
            return
        names, steps = marshal.loads(data)
        held = dict(zip(names, descriptors, strict=True))
        try:
            message: tuple[Any, ...] = ("born", *_birth(held, steps, home))
        except OSError as error:
            message = ("failed", 0, error.errno or 0, "")
        with socket.socket(fileno=held.pop("report")) as report:
            report.send(marshal.dumps(message))
        for descriptor in held.values():  # the gate among them: the engine looks when the child has closed it too
            os.close(descriptor)


def _birth(held: dict[str, int], steps: list[tuple[str, tuple[Any, ...]]], home: int) -> tuple[int, int]:
    """Make the child; one of a running container is born in that one's pid namespace → its pid, and what that
    took in ns."""
    (_, (flags,)), *rest = steps
    container = held.get("container")
    if container is not None:
        syscalls.setns(container, syscalls.CLONE_NEWPID)
    pid, failure, begun = -1, None, monotonic_ns()
    try:
        pid = syscalls.clone3(flags | syscalls.CLONE_PARENT)
    except OSError as error:
        failure = error
    if pid == 0:
        _live(held, rest)
    if container is not None:
        syscalls.setns(home, syscalls.CLONE_NEWPID)
    if failure is not None:
        raise failure
    return pid, monotonic_ns() - begun


def _live(held: dict[str, int], steps: list[tuple[str, tuple[Any, ...]]]) -> None:
    """The child: its steps, then the command. Does not return."""
    calls.held.update(held)
    *before, (_, (argv, environment)) = steps
    durations: list[int] = []
    try:
        try:
            calls.run(before, durations)
        except calls.StepFailed as failure:
            _tell(held["report"], ("failed", failure.args[0] + 1, *failure.args[1:]))
            os._exit(1)
        _tell(held["report"], ("ready", durations))
        try:
            os.execve(calls.command, argv, environment)
        except OSError as error:
            # This is what is left of runc when execve fails at the very end.
            words = GO_WORDS.get(error.errno or 0) or str(error.strerror).lower()
            os.write(2, f"exec {calls.command}: {words}\n".encode())
    finally:
        os._exit(1)


def _tell(descriptor: int, message: tuple[Any, ...]) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as report:
        report.send(marshal.dumps(message))


def main() -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    gc.disable()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        serve(control)


if __name__ == "__main__":
    main()
