"""docker-init (tini): the PID 1 of `docker run --init`.

It runs the command as its child, hands on the signals it gets, buries orphans, and ends with the
child's status.
"""

from __future__ import annotations

import errno
from contextlib import suppress

from simdocker.backends.sim import signals
from simdocker.backends.sim.program import Blocking, Process

FORWARDED = [
    number for number in range(1, 32)
    if number not in signals.UNCATCHABLE and number not in (signals.CHLD, signals.TTIN, signals.TTOU)
]  # fmt: skip


def docker_init(p: Process) -> Blocking:
    """Process: `/sbin/docker-init -- command…`."""
    command = p.argv[2:]
    try:
        child = p.spawn(command)
    except OSError as error:
        # tini's child says so; 7 is its number, the first after runc's own.
        yield from p.write(2, f"[FATAL tini (7)] exec {command[0]} failed: {error.strerror}\n")
        return {errno.ENOENT: 127, errno.EACCES: 126}.get(error.errno or 0, 1)
    for number in FORWARDED:
        p.signal(number, "catch")
    while (status := (yield from p.wait(child))) is None:
        for number in p.take_signals():
            with suppress(ProcessLookupError):  # it is dead already, of a key at the terminal for instance
                p.kill(child.pid, number)
    return status
