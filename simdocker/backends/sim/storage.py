"""Image layers and container layers of one simulated host: overlay2's role.

An extracted layer is a shared tree of nodes; a chain is the stack of such trees; a container's
writable layer is a tree of its own over a chain. The twin of this file calls mount(2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

from simdocker.backends.ports import NO_FILES, Change, DriverError, MountPoint, Process
from simdocker.backends.sim.devices import INIT
from simdocker.backends.sim.files import MountedFiles
from simdocker.backends.sim.mounts import engine_mounts
from simdocker.backends.sim.namespace import MakeMount, Mount, MountNamespace, points
from simdocker.backends.sim.overlay import PAGE, Merged, changes, file_bytes, frozen, stack
from simdocker.content.changeset import DIRECTORY, FILE, Node, walk

if TYPE_CHECKING:
    from simdocker.backends.sim.kernel import Kernel
    from simdocker.des import CostProfile
    from simdocker.trace import Trace

MIB = 1 << 20
NO_SPACE = "no space left on device"
UNPACKING = "Error processing tar file(exit status 1): "
"""dockerd unpacks in a process of its own (recorded on a full disk, for build, commit, import, load and cp)."""
REFERENCE_DISK = 300_000_000
"""Bytes per second that the reference machine's disk writes: what the profile's costs stand on."""

NO_MOUNTS: Mapping[str, MakeMount] = {}


class OverlayMount(Mount, eq=False, kw_only=True):
    """The union mount of a container's layers: its long options are made when someone looks."""

    layers: RootFS

    def changed(self, how: str, path: str, node: Node | None = None) -> None:
        """A step of overlayfs; what a directory is copied up for tells of it."""
        what: dict[str, object] = {"container": self.layers.id, "path": path}
        if how == "copy up":
            if node is None or node.kind == DIRECTORY:
                return
            what["bytes"] = node.size
        self.layers.driver.trace.step(self.layers.driver.actor, how, what)

    def flags(self) -> str:
        here = self.layers.directory
        layers = f"lowerdir={here}-init/diff,upperdir={here}/diff,workdir={here}/work"
        return f"{'ro' if self.read_only else 'rw'},relatime,{layers}"


class RootFS:
    """The layers of container `id`, mounted or not: `upper` is its own, `lower` the image's."""

    __slots__ = ("driver", "id", "lower", "mounted", "read_only", "upper")

    def __init__(self, driver: StorageDriver, id: str, lower: Merged, now: int) -> None:
        self.driver = driver
        self.id = id
        self.lower = lower
        self.upper = Node(DIRECTORY, lower.node.mode, mtime=now)
        self.mounted = False
        self.read_only = False

    @property
    def directory(self) -> str:
        """Where its own layer is kept."""
        return self.driver.directory(self.id)

    def mount(self, *, read_only: bool = False) -> Mount:
        """The union mount at /."""
        read_only = read_only or self.read_only
        return OverlayMount("overlay", "/", "overlay", self.upper, self.lower, read_only, layers=self)

    def view(self, mounts: Mapping[str, MakeMount] = NO_MOUNTS) -> MountNamespace:
        """The root filesystem as the engine looks into it: nothing is mounted in it but `mounts`."""
        return MountNamespace(self.mount(), mounts, points(tuple(mounts)), None)


class Chain:
    """An extracted layer with those below it, topmost first; `root` is what containers see of them."""

    __slots__ = ("layers", "parent", "root", "size")

    def __init__(self, parent: str, layers: tuple[Node, ...], size: int) -> None:
        self.size = size
        self.parent = parent
        self.layers = layers
        self.root = stack((INIT, *layers))


@lru_cache(maxsize=4096)
def cache_id(host: str, id: str) -> str:
    """The name of a layer's directory. dockerd draws it; here it follows from what the layer is."""
    return sha256(f"{host} {id}".encode()).hexdigest()


class StorageDriver:
    """One host's overlay2, under `data_root`. `disk_write` is what its disk takes, in bytes per second."""

    name = "overlay2"

    def __init__(
        self, kernel: Kernel, trace: Trace, profile: CostProfile, random: Random, disk_write: int, data_root: str
    ) -> None:
        self.kernel = kernel
        self.actor = f"kernel@{kernel.host}"
        self.trace = trace
        self.profile = profile
        self._random = random
        self._home = f"{data_root}/overlay2"
        self._slowness = REFERENCE_DISK / disk_write
        self._chains: dict[str, Chain] = {}
        self._containers: dict[str, RootFS] = {}

    def has(self, chain_id: str) -> bool:
        return chain_id in self._chains

    def apply(self, chain_id: str, parent: str, layer: Node, size: int) -> Process:
        """Process: extract a layer. The time follows the number of files more than their bytes. Raises DriverError
        where the disk has no room for it; then nothing of it stays."""
        draw, random = self.profile.draw, self._random
        per_mib = draw("layer.extract.mib", random) * self._slowness
        per_file = draw("layer.extract.file", random)
        files = entries(layer)
        cost = draw("layer.extract", random) + int(per_mib * size / MIB) + per_file * files
        yield self.kernel.env.timeout(cost)
        room = self.kernel.disk - self.kernel.disk_used
        if size > room:
            raise DriverError(f"{UNPACKING}write {_first_past(layer, room)}: {NO_SPACE}")
        if chain_id not in self._chains:
            self.kernel.disk_used += size
        below = self._chains[parent].layers if parent else ()
        self._chains[chain_id] = Chain(parent, (layer, *below), size)
        self.trace.step(self.actor, "extract", {"chain": chain_id, "bytes": size, "files": files})

    def delete(self, chain_id: str) -> Process:
        """Process: forget an extracted layer."""
        yield self.kernel.env.timeout(self.profile.draw("image.untag", self._random))
        chain = self._chains.pop(chain_id, None)
        if chain is not None:
            self.kernel.disk_used -= chain.size
        self.trace.step(self.actor, "rmtree", {"chain": chain_id})

    def create(self, container_id: str, chain_id: str, *, init: bool = True) -> None:
        if self.kernel.disk - self.kernel.disk_used < PAGE:
            raise DriverError(f"write {self.directory(container_id)}-init/lower: {NO_SPACE}")
        if init:
            root = self._chains[chain_id].root if chain_id else stack((INIT,))
        else:
            root = stack(self._chains[chain_id].layers if chain_id else (Node(DIRECTORY, 0o755),))
        self._containers[container_id] = RootFS(self, container_id, root, self.kernel.now_ns())

    def make_directory(self, container_id: str, path: str) -> None:
        rootfs = self._containers[container_id]
        try:
            make_directories(rootfs.view(), path, self.kernel.now_ns())
        except DriverError as error:
            if not str(error).endswith(BELOW_A_FILE):
                raise
            raise DriverError(f"lstat {self.directory(container_id)}/merged{path}{BELOW_A_FILE}") from None

    def mount(self, container_id: str, *, read_only: bool = False) -> Process:
        """Process → RootFS."""
        rootfs = self._containers[container_id]
        rootfs.read_only = read_only
        if not rootfs.mounted:
            yield self.kernel.env.timeout(self.profile.draw("storage.mount", self._random))
            rootfs.mounted = True
            self.trace.step(
                self.actor, "mount overlay", {"container": container_id, "lowerdirs": len(rootfs.lower.layers)}
            )
        return rootfs

    def unmount(self, container_id: str) -> None:
        rootfs = self._containers.get(container_id)
        if rootfs is not None:
            rootfs.mounted = False

    def remove(self, container_id: str) -> None:
        rootfs = self._containers.pop(container_id, None)
        if rootfs is not None and rootfs.upper.children:
            self.kernel.disk_used -= file_bytes(rootfs.upper)

    def changeset(self, container_id: str) -> Node:
        return frozen(self._containers[container_id].upper)

    def files(
        self, container_id: str, mounts: Sequence[MountPoint] = (), texts: Mapping[str, str] = NO_FILES
    ) -> MountedFiles:
        view = self._containers[container_id].view(engine_mounts(self.kernel, mounts, texts))
        return MountedFiles(view, self.kernel.now_ns, self.kernel)

    def changes(self, container_id: str) -> list[Change]:
        rootfs = self._containers[container_id]
        return [Change(path, kind) for path, kind in changes(rootfs.upper, rootfs.lower)]

    def directory(self, id: str) -> str:
        return f"{self._home}/{cache_id(self.kernel.host, id)}"

    def size(self, container_id: str) -> int:
        return file_bytes(self._containers[container_id].upper)


BELOW_A_FILE = ": not a directory"


def _first_past(layer: Node, room: int) -> str:
    """The file of a layer that does not fit into what room there is."""
    path = "/"
    for path, node in walk(layer):  # noqa: B007
        if node.kind == FILE:
            room -= node.size
            if room < 0:
                break
    return path if path.startswith("/") else f"/{path}"


def make_directories(view: MountNamespace, path: str, now: int) -> None:
    """mkdir -p as root, for the engine. Raises DriverError with the Engine's sentence."""
    at = ""
    for name in path.split("/"):
        if not name:
            continue
        at += f"/{name}"
        try:
            dentry = view.walk(at)
            if not dentry.exists:
                dentry.link(Node(DIRECTORY, 0o755, mtime=now), now)
        except OSError as error:
            raise DriverError(f"mkdir {at}: {str(error.strerror).lower()}") from None
    if path.strip("/") and view.walk(at).node.kind != DIRECTORY:
        raise DriverError(f"Cannot mkdir: {path} is not a directory")


@lru_cache(maxsize=4096)
def entries(layer: Node) -> int:
    """How many inodes a layer has, hard links counted once."""
    return len({id(node) for _, node in walk(layer)})
