"""Being root without being root: a play of an ordinary user goes on in a user namespace, as rootless engines do.

In there the user's own id is root's, and there is no other. Mounts, the network (bridges, addresses, published ports)
and processes are those of namespaces made for the play: they end with it, however it ends. What is written lies in a
tmpfs. Not to be had are other users, limits (cgroups are the machine's root's), and a way out of that network.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

from simdocker.backends.linux import rtnetlink, syscalls
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.errors import UserError

CLONE_NEWUSER = 0x10000000
ROOM = "/run/tmp"
"""Where the play's temporary files lie, in a tmpfs of its own."""

MEND = (
    "allow it (sysctl user.max_user_namespaces, on Debian and Ubuntu kernel.unprivileged_userns_clone or "
    "kernel.apparmor_restrict_unprivileged_userns), or play as root; `simdocker doctor` says what this machine can do"
)


@cache
def inside() -> bool:
    """Whether this process is root of a user namespace that has no other user."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    return [line.split()[2] for line in lines] == ["1"]


def enter() -> None:
    """Go on in a user namespace; returns in a child, as its root. The process that called waits for the child and ends
    as it does. Only for one without threads. Raises UserError where the machine does not allow it.

    1. A user namespace, in which this user is root, and in it the others.
    2. Its first process looks after orphans, and ends all others when it ends; it dies with its parent.
    3. A /proc, a /run and temporary files of its own, and a loopback that is up.
    """
    user, group = os.geteuid(), os.getegid()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        syscalls.unshare(CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC)
    except OSError as error:
        raise UserError(
            f"--backend linux needs root, or a user namespace, which this machine does not give to user {user} "
            f"({error.strerror}): {MEND}"
        ) from None
    first = os.fork()
    if first:
        _end_as(first)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    play = os.fork()
    if play:
        _end_as(play)
    inside.cache_clear()
    try:
        _furnish()
    except OSError as error:
        raise UserError(f"--backend linux cannot be played on without root here: {error}; {MEND}") from None


def _end_as(child: int) -> None:
    """Wait for the child, pass on what asks it to end, and end as it does. Does not return."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda told, _frame: _tell(child, told))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells all of us
    while True:
        ended, status = os.wait()
        if ended == child:
            os._exit(os.waitstatus_to_exitcode(status) % 256)


def _tell(child: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, number)


def _furnish() -> None:
    syscalls.mount("", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    syscalls.mount("tmpfs", "/run", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755")
    Path(ROOM).mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = ROOM
    with closing(RtNetlink()) as netlink:
        netlink.do(rtnetlink.set_up("lo"))
