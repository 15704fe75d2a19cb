"""Network namespaces, made without a fork: a thread leaves its own, and goes back.

A namespace lives as long as something holds it: here a file in the run directory that it is bind-mounted
on, as `ip netns` does. A container's process joins it with setns(2). Whatever is in it when the file goes
(veth ends, addresses, nftables rules) goes with it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from simdocker.backends.linux import calls, rootless, rtnetlink, syscalls
from simdocker.backends.linux.journal import Journal, undoes
from simdocker.backends.linux.rtnetlink import RtNetlink

NETNS = "netns"
THIS = "/proc/thread-self/ns/net"
LOOPBACK = "lo"
GROUPS = "ipv4/ping_group_range"
SYSCTLS = {
    "ipv6/conf/all/disable_ipv6": "1",  # these are dockerd's
    "ipv4/ip_unprivileged_port_start": "0",
    GROUPS: "0 2147483647",
}


class NetworkNamespace:
    """A network namespace of our own, with its loopback up. `netlink` configures it."""

    def __init__(self, path: Path, journal: Journal) -> None:
        self.path = path
        self._journal = journal
        journal.record(NETNS, str(path))
        path.touch(mode=0o600)
        with _returning():
            syscalls.unshare(syscalls.CLONE_NEWNET)
            for sysctl, value in SYSCTLS.items():
                alone = sysctl == GROUPS and rootless.inside()  # there is one group only
                calls.write(f"/proc/sys/net/{sysctl}", "0 0" if alone else value)
            syscalls.mount(THIS, str(path), "", syscalls.MS_BIND)
            self.netlink = RtNetlink()
        self.netlink.do(rtnetlink.set_up(LOOPBACK))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace meanwhile: sockets it opens stay there."""
        with _returning():
            with self.path.open("rb") as namespace:
                syscalls.setns(namespace.fileno(), syscalls.CLONE_NEWNET)
            yield

    def close(self) -> None:
        """Let go of it. It ends with the last process in it."""
        self.netlink.close()
        remove(str(self.path))
        self._journal.forget(NETNS, str(self.path))


class Spares:
    """Namespaces that are ready before anyone asks: the kernel takes almost a millisecond to make one. `make` and
    `refill` are for the thread that makes them all, `take` for any."""

    NUMBER = 2

    def __init__(self, paths: Iterator[Path], journal: Journal) -> None:
        self._paths = paths
        self._journal = journal
        self._ready: deque[NetworkNamespace] = deque()

    def take(self) -> Future[NetworkNamespace] | None:
        """One that is ready, as the done future of it, or None."""
        try:
            spare = self._ready.popleft()
        except IndexError:
            return None
        done: Future[NetworkNamespace] = Future()
        done.set_result(spare)
        return done

    def make(self) -> NetworkNamespace:
        return NetworkNamespace(next(self._paths), self._journal)

    def refill(self) -> None:
        while len(self._ready) < self.NUMBER:
            self._ready.append(self.make())

    def close(self) -> None:
        while self._ready:
            self._ready.pop().close()


@undoes(NETNS)
def remove(path: str) -> bool:
    """Unmount the file and delete it → whether it was there."""
    with suppress(OSError):  # EINVAL: never mounted
        syscalls.umount2(path, syscalls.MNT_DETACH)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _returning() -> Iterator[None]:
    """Whatever namespace this thread goes to, it comes back. One that could not must never be used again."""
    with Path(THIS).open("rb") as home:
        try:
            yield
        finally:
            syscalls.setns(home.fileno(), syscalls.CLONE_NEWNET)
