"""The fork server: a small process, started before any thread, that gives birth to all containers.

Forking the engine itself is slow, since it grows with its memory, and unsafe, since it has threads. This
process has one thread and holds almost nothing. A child is the engine's own (CLONE_PARENT), which waits
for it through a pidfd; the child executes its steps and tells how they went. The last of them makes it the
command; without that one it is a cell, which waits for more steps, and ends when the engine does.
Nothing of an image is ever read here.
"""

from __future__ import annotations

import gc
import os
import sys
from time import monotonic_ns

from simdocker.backends.linux import calls, syscalls
from simdocker.backends.linux.messages import hear, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GO_WORDS = {8: "exec format error", 2: "no such file or directory", 13: "permission denied"}

Steps = list[tuple[str, tuple["Any", ...]]]


def serve(control: int) -> None:
    """Give birth on request until the engine is gone."""
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    while True:
        held: dict[str, int] = {}
        steps = _asked(control, held)
        if steps is None:
            return
        try:
            message: tuple[Any, ...] = ("born", *_birth(held, steps, home))
        except OSError as error:
            message = ("failed", 0, error.errno or 0, "")
        try:
            tell(held["control"], message)
        except BrokenPipeError:  # nobody waits for it any more
            return
        for descriptor in held.values():  # the gate among them: the engine looks when the child has closed it too
            os.close(descriptor)


def _asked(control: int, held: dict[str, int]) -> Steps | None:
    """The steps of the next request, None when the engine is gone; its descriptors are added to those held."""
    while True:
        heard = hear(control)
        if heard is None:
            return None
        (names, steps), descriptors = heard
        held.update(zip(names, descriptors, strict=True))
        if steps is not None:  # else more descriptors than one message takes
            return steps  # type: ignore[no-any-return]


def _birth(held: dict[str, int], steps: Steps, home: int) -> tuple[int, int]:
    """Make the child; one that shares a pid namespace is born in it → its pid, and what that took in ns."""
    (_, (flags,)), *rest = steps
    other = held.get("pid of")
    if other is not None:
        syscalls.setns(other, syscalls.CLONE_NEWPID)
    pid, failure, begun = -1, None, monotonic_ns()
    try:
        pid = syscalls.clone3(flags | syscalls.CLONE_PARENT)
    except OSError as error:
        failure = error
    if pid == 0:
        _live(held, rest)
    if other is not None:
        syscalls.setns(home, syscalls.CLONE_NEWPID)
    if failure is not None:
        raise failure
    return pid, monotonic_ns() - begun


def _live(held: dict[str, int], steps: Steps) -> None:
    """The child: its steps, those it is asked for later, then the command. Does not return."""
    calls.held.update(held)
    try:
        first = 1  # the number of the first of these steps: the very first made this process
        while steps[-1][0]:
            _do(steps, first)
            os.close(calls.held.pop("gate"))
            asked = _asked(calls.held["control"], calls.held)
            if asked is None:
                return
            steps, first = asked, 0
        *before, (_, (argv, environment)) = steps
        _do(before, first)
        try:
            os.execve(calls.command, argv, environment)
        except OSError as error:
            # This is what is left of runc when execve fails at the very end.
            words = GO_WORDS.get(error.errno or 0) or str(error.strerror).lower()
            os.write(2, f"exec {calls.command}: {words}\n".encode())
    finally:
        os._exit(1)


def _do(steps: Steps, first: int) -> None:
    """Do steps, and tell what each took; a failure ends this process."""
    durations: list[int] = []
    control = calls.held["control"]
    try:
        calls.run(steps, durations)
    except calls.StepFailed as failure:
        tell(control, ("failed", failure.args[0] + first, *failure.args[1:]))
        os._exit(1)
    tell(control, ("done", durations))


def main() -> None:
    for number in (syscalls.SIGPIPE, syscalls.SIGXFSZ, syscalls.SIGINT):
        syscalls.default_action(number)
    # Until execve, nobody without CAP_SYS_PTRACE looks into a child: root in a container could take hold of the
    # host's Python through the /proc/PID/exe of one that is on its way in (CVE-2019-5736).
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    gc.disable()
    gc.freeze()
    serve(int(sys.argv[1]))


if __name__ == "__main__":
    main()
