"""/usr/bin/timeout of a host: GNU coreutils', which tells by 124 that the time was up.

Unlike busybox's it stays the parent of its command and gives the command's own status when that
ended in time.
"""

from __future__ import annotations

import errno
from getopt import GetoptError, gnu_getopt

from simdocker.backends.sim.applets.call import Failure
from simdocker.backends.sim.applets.process import duration
from simdocker.backends.sim.applets.signals import number_of
from simdocker.backends.sim.program import Blocking, Process, program

EXPIRED, FAILED, CANNOT_RUN, NOT_FOUND = 124, 125, 126, 127
SIGKILL = 9
LONG = ("signal=", "kill-after=", "preserve-status", "foreground", "verbose")


@program("timeout")
def timeout(p: Process) -> Blocking:
    """Process → the command's status, 124 when it had to be ended (137 when it had to be killed)."""
    try:
        given, words = gnu_getopt(p.argv[1:], "+s:k:v", LONG)
        options = dict(given)
        limit = duration(words[0])
        number = number_of(options.get("-s", options.get("--signal", "TERM")))
        grace = duration(options.get("-k", options.get("--kill-after", "0")))
        command = words[1:]
        if not command or number is None:
            raise IndexError
    except (GetoptError, Failure, IndexError):
        yield from p.write(2, "timeout: missing operand\nTry 'timeout --help' for more information.\n")
        return FAILED
    try:
        child = p.spawn(command)
    except OSError as error:
        yield from p.write(2, f"timeout: failed to run command '{command[0]}': {error.strerror}\n")
        return NOT_FOUND if error.errno == errno.ENOENT else CANNOT_RUN
    sent: list[int] = []

    def watch(watcher: Process) -> Blocking:
        """Process: signal the command when its time is up, and kill it after the grace."""
        for wait, signal in ((limit, number), (grace, SIGKILL)):
            if not wait:
                break
            yield from watcher.sleep(wait)
            sent.append(signal)
            watcher.kill(child.pid, signal)
        return 0

    watcher = p.fork(watch, fds={})
    while (status := (yield from p.wait(child))) is None:
        p.take_signals()
    if not sent:
        p.kill(watcher.pid, SIGKILL)
    if not sent or "--preserve-status" in options:
        return status
    return status if SIGKILL in sent else EXPIRED
