"""What the package managers share: a package's name, version and size, its download, and its files.

Repositories hold everything: a package that is not in the table below has a version and a size made of
its name, always the same. What is installed is filler, except for commands that have a model here.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from simdocker.backends.sim.execve import built_for
from simdocker.backends.sim.program import Blocking, Process

UNPACKED = 3  # a package's files against its download, as on the average Debian package
UNPACK_NS_PER_MIB = 30_000_000
COMMAND_SIZE = 150_000


class Package(NamedTuple):
    """One package of a repository; `size` is what is downloaded, in bytes."""

    name: str
    version: str
    size: int

    @property
    def installed(self) -> int:
        """Bytes of its files."""
        return self.size * UNPACKED


COMMANDS: dict[str, tuple[tuple[str, str], ...]] = {
    "bash": (("/bin/bash", "bash"),),
    "curl": (("/usr/bin/curl", "curl"),),
    "iputils-ping": (("/bin/ping", "busybox"),),
    "nginx": (("/usr/sbin/nginx", "nginx"),),
    "nodejs": (("/usr/bin/node", "node"),),
    "npm": (("/usr/bin/npm", "npm"),),
    "procps": (("/bin/ps", "busybox"), ("/usr/bin/top", "busybox")),
    "py3-pip": (("/usr/bin/pip", "pip"), ("/usr/bin/pip3", "pip")),
    "python3": (("/usr/bin/python3", "python"),),
    "python3-pip": (("/usr/bin/pip", "pip"), ("/usr/bin/pip3", "pip")),
    "redis": (("/usr/bin/redis-server", "redis-server"), ("/usr/bin/redis-cli", "redis-cli")),
    "redis-server": (("/usr/bin/redis-server", "redis-server"),),
    "redis-tools": (("/usr/bin/redis-cli", "redis-cli"),),
    "wget": (("/usr/bin/wget", "busybox"),),
}
"""The commands of packages that have a model: path and program."""


def package(name: str, known: dict[str, tuple[str, int]]) -> Package:
    """A package of a repository; `known` are versions and sizes that are the real ones."""
    if name in known:
        return Package(name, *known[name])
    digits = sha256(name.encode()).digest()
    version = f"{digits[0] % 9}.{digits[1] % 30}.{digits[2] % 12}"
    return Package(name, version, 20_000 + int.from_bytes(digits[3:5], "big") * 20)


def download(p: Process, size: int) -> Blocking:
    """Process → whether the internet can be reached from here, and then `size` bytes have come."""
    outer = p.net.host or p.net
    if outer.lan is None or not p.net.leads_out():
        return False
    return (yield from outer.lan.download(outer, size))


def unpack(p: Process, packages: Iterable[Package], folder: str) -> Blocking:
    """Process: put the packages' files on the disk, `folder` being where their data goes."""
    for one in packages:
        yield from p.compute(one.installed * UNPACK_NS_PER_MIB >> 20)
        place(p, f"{folder}/{one.name}", one.installed)
        for path, program in COMMANDS.get(one.name, ()):
            place(p, path, COMMAND_SIZE, program)


def place(p: Process, path: str, size: int, program: str = "") -> None:
    """A file of `size` bytes at `path`, with its directories; an executable when it has a program."""
    make_directories(p, path.rpartition("/")[0])
    p.write_file(path, b"")
    node = p.stat(path).node
    node.data, node.size = None, size
    node.program = built_for(p.machine, program) if program else ""
    if program:
        p.chmod(path, 0o755)


def make_directories(p: Process, path: str) -> None:
    """mkdir -p"""
    if path and not p.access(path, 0):
        make_directories(p, path.rpartition("/")[0])
        p.mkdir(path, 0o755)


def installed(p: Process, folder: str) -> list[str]:
    """The packages that were put there."""
    return sorted(p.listdir(folder)) if p.access(folder, 0) else []


def amount(size: int) -> str:
    """Bytes as apt writes them: `8792 kB`."""
    for unit, scale in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= 10 * scale:
            return f"{size / scale:.0f} {unit}" if size >= 100 * scale else f"{size / scale:.1f} {unit}"
    return f"{size} B"
