"""Named volumes of one simulated host: the `local` volume driver.

A volume is a directory of the host's filesystem, <data root>/volumes/<name>/_data, or, by its
options, another directory of the host (`type=none,o=bind`) or a tmpfs.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, cast

from simdocker.backends import ports
from simdocker.backends.ports import DriverError
from simdocker.backends.sim import host_mounts
from simdocker.backends.sim.dentry import Dentry
from simdocker.backends.sim.kernel import Kernel
from simdocker.backends.sim.namespace import MountNamespace
from simdocker.backends.sim.overlay import copy_of
from simdocker.backends.sim.storage import RootFS, make_directories
from simdocker.content.changeset import DIRECTORY, FILE, Node, walk

if TYPE_CHECKING:
    from simdocker.des import CostProfile
    from simdocker.trace import Trace

DATA = "_data"
OPTIONS = ("device", "o", "type")


class VolumeDriver:
    """One host's volumes, under `data_root`. `disk_write` is what its disk takes, in bytes per second."""

    name = "local"

    def __init__(
        self, kernel: Kernel, trace: Trace, profile: CostProfile, random: Random, disk_write: int, data_root: str
    ) -> None:
        self.kernel = kernel
        self.actor = f"kernel@{kernel.host}"
        self.trace = trace
        self.profile = profile
        self._random = random
        self._disk_write = disk_write
        self._home = f"{data_root}/volumes"
        self._options: dict[str, Mapping[str, str]] = {}
        self._users: dict[str, set[str]] = {}

    def create(self, name: str, options: Mapping[str, str]) -> ports.Process:
        """Process → mountpoint."""
        for option in options:
            if option not in OPTIONS:
                raise DriverError(f'invalid option: "{option}"')
        if options and not options.get("device"):
            raise DriverError('missing required option: "device"')
        yield self.kernel.env.timeout(self.profile.draw("volume.create", self._random))
        directory = self._directory(name)
        if DATA not in directory.children:
            directory.children[DATA] = Node(DIRECTORY, 0o755, mtime=self.kernel.now_ns())
            self._options[name] = dict(options)
            self.trace.step(self.actor, "mkdir", {"path": self._path(name)})
        return self._path(name)

    def delete(self, name: str) -> ports.Process:
        """Process: remove a volume and what is in it."""
        yield self.kernel.env.timeout(self.profile.draw("volume.remove", self._random))
        self.kernel.disk_used -= self.size(name)
        self._root().children.pop(name, None)
        self._options.pop(name, None)
        self._users.pop(name, None)
        self.trace.step(self.actor, "rmtree", {"path": f"{self._home}/{name}"})

    def populate(self, name: str, rootfs: ports.RootFS, path: str) -> ports.Process:
        """Process: copy-up into an empty volume, at the speed of the disk."""
        yield from self.copy_up(rootfs, path, self._path(name))

    def copy_up(self, rootfs: ports.RootFS, path: str, target: str) -> ports.Process:
        """Process: the same into any directory of the host."""
        volume = self.kernel.host_node(target)
        view = cast(RootFS, rootfs).view()
        try:
            source = view.find(path)
        except OSError:
            return
        if source.node.kind != DIRECTORY or volume.children:
            return
        size = _copy(source, volume, view)
        if volume.children:
            self.trace.step(self.actor, "copy", {"from": path, "to": target, "bytes": size})
            yield self.kernel.env.timeout(size * 1_000_000_000 // self._disk_write)

    def mount(self, name: str, container_id: str) -> ports.Process:
        """Process → path on the host. A volume that stands for something else is mounted by its first user."""
        users = self._users.setdefault(name, set())
        options = self._options.get(name)
        if options and not users:
            self._mount_device(name, options)
        users.add(container_id)
        return self._path(name)
        yield

    def unmount(self, name: str, container_id: str) -> None:
        users = self._users.get(name, set())
        users.discard(container_id)
        if not users and self.kernel.mounted.pop(self._path(name), None) is not None:
            self._directory(name).children[DATA] = Node(DIRECTORY, 0o755, mtime=self.kernel.now_ns())
            self.trace.step(self.actor, "unmount volume", {"path": self._path(name)})

    def _mount_device(self, name: str, options: Mapping[str, str]) -> None:
        """mount(8) with the volume's options, by its first user. Raises DriverError."""
        path = self._path(name)
        try:
            mount = host_mounts.mount(self.kernel, options["device"], path, options["type"], options.get("o", ""))
        except DriverError as error:
            raise DriverError(f"error while mounting volume '{path}': {error.args[0]}") from None
        assert mount.upper is not None
        self.kernel.mounted[path] = mount
        self._directory(name).children[DATA] = mount.upper
        self.trace.step(self.actor, "mount volume", {"device": options["device"], "path": path})

    def _path(self, name: str) -> str:
        return f"{self._home}/{name}/{DATA}"

    def _root(self) -> Node:
        return self.kernel.host_node(self._home)

    def _directory(self, name: str) -> Node:
        return self._root().children.setdefault(name, Node(DIRECTORY, 0o701, mtime=self.kernel.now_ns()))

    def size(self, name: str) -> int:
        return sum(node.size for _, node in walk(self._directory(name).children[DATA]) if node.kind == FILE)

    def host_path_exists(self, path: str) -> bool:
        try:
            self.kernel.host_node(path)
        except OSError:
            return False
        return True

    def make_host_directory(self, path: str) -> None:
        make_directories(self.kernel.outside.mounts, path, self.kernel.now_ns())


def _copy(source: Dentry, target: Node, view: MountNamespace) -> int:
    """Fill `target` with copies of what `source` holds, and give it its owner and mode → bytes."""
    target.mode, target.uid, target.gid = source.node.mode, source.node.uid, source.node.gid
    target.mtime = source.node.mtime
    size = 0
    for name in source.names():
        entry = source.child(name, view)
        copy = target.children[name] = copy_of(entry.node)
        if copy.kind == DIRECTORY:
            size += _copy(entry, copy, view)
        elif copy.kind == FILE:
            size += copy.size
    return size
