"""Image layers and container layers on disk, united by overlayfs: overlay2's role.

A layer is a directory `<number>/diff`; a chain is a list of those, topmost first; a container has an upper
directory of its own over a chain and over the small layer of mount targets that Docker puts above every
image. The twin of this file does the same with trees of nodes.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

import msgspec

from simdocker.backends.linux import extract, marks, rootless, syscalls
from simdocker.backends.linux.files import DiskFiles
from simdocker.backends.linux.journal import Journal, undoes
from simdocker.backends.linux.upper import Upper, is_there
from simdocker.backends.ports import NO_FILES, Change, DriverError, MountPoint, Process
from simdocker.content.changeset import DIRECTORY, WHITEOUT, Node, directory, file, put, symlink, walk

if TYPE_CHECKING:
    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace

MOUNT, FOLDER = "mount", "directory"
MODIFIED, ADDED, DELETED = 0, 1, 2


class RootFS:
    """A container's layers: `lower` the image's directories, topmost first, `home` where its own lie. `union` is the
    mount of them all when it was made ahead, as a descriptor that ends with this process, and `took` what that took
    in ns."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.lower: tuple[str, ...] = ()
        self.mounted = False
        self.union = -1
        self.took = 0
        self.own: Upper | None = None  # once it is a container's

    def unite(self, lower: tuple[str, ...]) -> None:
        """Make the mount, which is nowhere yet. Raises OSError."""
        begun = monotonic_ns()
        self.settle(lower)
        self.union = _union(self)
        self.took = monotonic_ns() - begun

    def settle(self, lower: tuple[str, ...]) -> None:
        """Stand on these layers."""
        if lower != self.lower:
            self.let_go()
            self.lower = lower
            _copy_attributes(lower[-1], self.upper)

    def let_go(self) -> None:
        """Of the mount that was made ahead."""
        if self.union >= 0:
            os.close(self.union)
            self.union = -1

    @property
    def path(self) -> str:
        """Where the union is mounted."""
        return f"{self.home}/merged"

    @property
    def upper(self) -> str:
        return f"{self.home}/diff"


class StorageDriver:
    """One machine's overlay2, in `<data_root>/overlay2`. Directories for the next containers are made before anyone
    asks, and the union with the layers that were wanted last: on a busy disk a start waits longest for these. With
    `kept`, what is there already is this machine's, and stays when it is closed."""

    name = "overlay2"
    SPARES = 2

    def __init__(
        self, host: str, env: WallClock, trace: Trace, journal: Journal, data_root: str, *, kept: bool = False
    ) -> None:
        self.env = env
        self.actor = f"kernel@{host}"
        self.trace = trace
        self._journal = journal
        self._kept = kept
        self._home = f"{data_root}/overlay2"
        self._numbers = count(1)
        self._directories: dict[str, str] = {}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._containers: dict[str, RootFS] = {}
        self.marks: dict[str, marks.LayerMark] = {}  # of the layers that were there already, by directory
        self._workers = ThreadPoolExecutor(3, "extract")  # Docker extracts as many layers as it downloads
        if not kept:
            journal.record(FOLDER, self._home)
        os.makedirs(self._home, 0o710, exist_ok=True)
        self._init = f"{self._home}/init"
        if kept:
            self._find()
            shutil.rmtree(self._init, ignore_errors=True)  # perhaps half of it, and quickly made
        extract.write_tree(init_layer(), self._init)
        self._spares: deque[RootFS] = deque()
        self._latest: tuple[str, ...] = ()
        self._refill()

    def _find(self) -> None:
        """Go on with what an earlier run left, whole layers and containers."""
        found = marks.Found(self._home)
        self._numbers = count(found.highest + 1)
        self.marks = found.layers
        for home, mark in found.layers.items():
            self._directories[mark.chain_id] = home
            self._chains[mark.chain_id] = (f"{home}/diff", *(self._chains[mark.parent] if mark.parent else ()))
        for home, owner in found.containers.items():
            if owner.chain_id and owner.chain_id not in self._chains:
                marks.tell(f"container {owner.id[:12]} stands on layer {owner.chain_id}, which is not there")
                continue
            rootfs = self._containers[owner.id] = RootFS(home)
            self._directories[owner.id] = home
            rootfs.lower = self._lower(owner.chain_id, init=owner.init)

    @property
    def containers(self) -> list[str]:
        """The ids of all that have a writable layer here."""
        return list(self._containers)

    # layers

    def has(self, chain_id: str) -> bool:
        return chain_id in self._chains

    def apply(self, chain_id: str, parent: str, layer: Node, size: int) -> Process:
        """Process: extract a layer, in a thread: it may take long. Only a whole one counts."""
        home = self._new_directory(chain_id)
        begun = monotonic_ns()
        yield self.env.future(self._workers.submit(extract.write_tree, layer, f"{home}/diff"))
        self._chains[chain_id] = (f"{home}/diff", *(self._chains[parent] if parent else ()))
        files = len({id(node) for _, node in walk(layer)})
        self.trace.step(
            self.actor, "extract", {"chain": chain_id, "bytes": size, "files": files, "ns": monotonic_ns() - begun}
        )

    def delete(self, chain_id: str) -> Process:
        """Process: delete an extracted layer."""
        if self._chains.pop(chain_id, None) is not None:
            home = self._directories.pop(chain_id)
            if self._kept:
                marks.unmark(home)
            for spare in list(self._spares):
                if f"{home}/diff" in spare.lower:
                    spare.let_go()
            yield self.env.future(self._workers.submit(shutil.rmtree, home, ignore_errors=True))
            self.trace.step(self.actor, "rmtree", {"chain": chain_id})

    def directory(self, id: str) -> str:
        return self._directories.get(id) or f"{self._home}/{id}"

    def _new_directory(self, id: str) -> str:
        """A directory with a short name: a mount names one for every layer."""
        home = self._directories[id] = f"{self._home}/{next(self._numbers)}"
        os.mkdir(home, 0o710)
        return home

    # containers

    def create(self, container_id: str, chain_id: str, *, init: bool = True) -> None:
        try:
            rootfs = self._spares.popleft()
        except IndexError:
            rootfs = self._new_home()
        self._directories[container_id] = rootfs.home
        lower = self._lower(chain_id, init=init)
        rootfs.settle(lower)
        rootfs.own = Upper(rootfs.upper, lower)
        self._latest = lower
        self._containers[container_id] = rootfs
        if self._kept:
            mark = msgspec.json.encode(marks.ContainerMark(container_id, chain_id, init))
            try:
                marks.replace(f"{rootfs.home}/{marks.CONTAINER}", mark)
            except OSError as error:
                raise DriverError(f"write {error.filename}: {(error.strerror or '').lower()}") from None

    def _lower(self, chain_id: str, *, init: bool) -> tuple[str, ...]:
        """A container's lower directories, topmost first."""
        layers = self._chains[chain_id] if chain_id else ()
        return (self._init, *layers) if init or not layers else layers  # an overlay has one lower layer at least

    def _new_home(self) -> RootFS:
        """Directories for a container."""
        home = f"{self._home}/{next(self._numbers)}"
        os.mkdir(home, 0o710)
        for name in ("diff", "work", "merged"):
            os.mkdir(f"{home}/{name}", 0o755)
        return RootFS(home)

    def _refill(self) -> None:
        """There are as many spares as should be. What cannot be made fails when it is asked for."""
        with suppress(OSError):
            while len(self._spares) < self.SPARES:
                spare = self._new_home()
                if self._latest:
                    spare.unite(self._latest)
                self._spares.append(spare)

    def make_directory(self, container_id: str, path: str) -> None:
        files = self.files(container_id)
        at = ""
        for name in filter(None, path.split("/")):
            at += f"/{name}"
            try:
                if files.find(at, follow=True) is None:
                    files.put(at, Node(DIRECTORY, 0o755))
            except NotADirectoryError as error:
                raise DriverError(f"lstat {self.directory(container_id)}/merged{path}: not a directory") from error
            except OSError as error:
                raise DriverError(f"mkdir {at}: {str(error.strerror).lower()}") from None
        there = files.find(at or "/", follow=True)
        if there is None or there.kind != DIRECTORY:
            raise DriverError(f"Cannot mkdir: {path} is not a directory")

    def mount(self, container_id: str, *, read_only: bool = False) -> Process:
        """Process → RootFS. Read-only is a matter of the container's own view: the engine may always write."""
        rootfs = self._containers[container_id]
        if not rootfs.mounted:
            begun, ahead = monotonic_ns(), {"ahead": True} if rootfs.union >= 0 else {}
            self._mount(rootfs)
            took = monotonic_ns() - begun + (rootfs.took if ahead else 0)
            what = {"container": container_id, "lowerdirs": len(rootfs.lower), "ns": took, **ahead}
            self.trace.step(self.actor, "mount overlay", what)
        return rootfs
        yield  # a process that never has to wait

    def _mount(self, rootfs: RootFS) -> None:
        self._journal.record(MOUNT, rootfs.path)
        try:
            if rootfs.union < 0:
                rootfs.unite(rootfs.lower)
            syscalls.move_mount(rootfs.union, rootfs.path)
            if rootfs.own is None:
                rootfs.own = Upper(rootfs.upper, rootfs.lower, kept=True)
        except OSError as error:
            rootfs.let_go()
            self._journal.forget(MOUNT, rootfs.path)
            raise DriverError(f"error creating overlay mount to {rootfs.path}: {error.strerror}") from None
        rootfs.let_go()
        rootfs.mounted = True

    def unmount(self, container_id: str) -> None:
        rootfs = self._containers.get(container_id)
        if rootfs is not None and rootfs.mounted:
            unmount(rootfs.path)
            self._journal.forget(MOUNT, rootfs.path)
            rootfs.mounted = False

    def remove(self, container_id: str) -> None:
        self.unmount(container_id)
        rootfs = self._containers.pop(container_id, None)
        if rootfs is not None:
            rootfs.let_go()
            if self._kept:
                marks.unmark(rootfs.home)
            self._workers.submit(self._replace, self._directories.pop(container_id))

    def _replace(self, home: str) -> None:
        """Delete a container's directory; now is the time to make the next one's."""
        _delete(home)
        self._refill()

    def files(
        self, container_id: str, mounts: Sequence[MountPoint] = (), texts: Mapping[str, str] = NO_FILES
    ) -> DiskFiles:
        rootfs = self._containers[container_id]
        if not rootfs.mounted:
            self._mount(rootfs)
        sources = {mount.target: mount for mount in mounts if mount.kind != "tmpfs"}
        return DiskFiles(rootfs.path, sources, texts)

    def tell_all(self, cause: int) -> None:
        """Write to the trace what containers have made of their layers since that was last told."""
        for container_id, rootfs in self._containers.items():
            if rootfs.own is not None:
                rootfs.own.tell(self.trace, self.actor, container_id, cause)

    def changeset(self, container_id: str) -> Node:
        return extract.read_tree(self._containers[container_id].upper)

    def changes(self, container_id: str) -> list[Change]:
        rootfs = self._containers[container_id]
        found: list[Change] = []
        for path, node in walk(extract.read_tree(rootfs.upper)):
            there = is_there(rootfs.lower, path)
            kind = DELETED if node.kind == WHITEOUT else MODIFIED if there else ADDED
            found.append(Change(path, kind))
        return sorted(found, key=lambda change: change.path)

    def size(self, container_id: str) -> int:
        seen: dict[tuple[int, int], int] = {}
        for folder, _, names in os.walk(self._containers[container_id].upper):
            for name in names:
                status = os.lstat(f"{folder}/{name}")
                if stat.S_ISREG(status.st_mode):
                    seen[status.st_dev, status.st_ino] = status.st_size
        return sum(seen.values())

    def close(self) -> None:
        """Unmount and delete everything, or what is not to be kept."""
        for container_id in list(self._containers):
            if self._kept:
                self.unmount(container_id)
            else:
                self.remove(container_id)
        self._workers.shutdown()
        for spare in self._spares:
            spare.let_go()
            if self._kept:
                shutil.rmtree(spare.home, ignore_errors=True)
        if self._kept:
            return
        remove_directory(self._home)
        self._journal.forget(FOLDER, self._home)


def init_layer() -> Node:
    """The layer between an image and a container's own: what must be there to be mounted over."""
    tree = directory(0o755)
    for path in ("/dev/pts", "/dev/shm", "/proc", "/sys"):
        put(tree, path, Node(DIRECTORY, 0o755))
    for path in ("/.dockerenv", "/dev/console", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
        put(tree, path, file(b"", 0o755))
    put(tree, "/etc/mtab", symlink("/proc/mounts"))
    return tree


def _union(rootfs: RootFS) -> int:
    """The union mount, as a descriptor; a parameter a call: mount(2)'s page of options is too short for many layers.

    Volatile, so that its end does not wait for the disk: a container that outlives the engine in a kept directory has
    what write(2) took, and the mark that the kernel leaves for the case of a power failure says nothing else.
    """
    if os.path.exists(mark := f"{rootfs.home}/work/work/incompat"):
        shutil.rmtree(mark)
    fs = syscalls.fsopen("overlay")
    try:
        for layer in rootfs.lower:
            syscalls.fsconfig(fs, syscalls.FSCONFIG_SET_STRING, "lowerdir+", layer)
        syscalls.fsconfig(fs, syscalls.FSCONFIG_SET_STRING, "upperdir", rootfs.upper)
        syscalls.fsconfig(fs, syscalls.FSCONFIG_SET_STRING, "workdir", f"{rootfs.home}/work")
        syscalls.fsconfig(fs, syscalls.FSCONFIG_SET_FLAG, "volatile")
        if rootless.inside():
            syscalls.fsconfig(fs, syscalls.FSCONFIG_SET_FLAG, "userxattr")
        syscalls.fsconfig(fs, syscalls.FSCONFIG_CMD_CREATE)
        return syscalls.fsmount(fs, 0)
    finally:
        os.close(fs)


LEFT = ("work/work/incompat/volatile", "work/work/incompat", "work/work", "work", "diff", "merged", "")


def _delete(home: str) -> None:
    """Delete a container's directory. One whose upper directory is empty goes without a look into it: this runs in a
    thread, and each call to the kernel is a change of threads."""
    try:
        os.unlink(f"{home}/{LEFT[0]}/dirty")  # what an overlay that is volatile leaves
        for name in LEFT:
            os.rmdir(f"{home}/{name}")
    except OSError:
        shutil.rmtree(home, ignore_errors=True)


def _copy_attributes(source: str, target: str) -> None:
    """The root directory of a container looks like its image's."""
    wanted, status = os.stat(source), os.stat(target)
    if (wanted.st_uid, wanted.st_gid) != (status.st_uid, status.st_gid):
        os.chown(target, wanted.st_uid, wanted.st_gid)
    if wanted.st_mode != status.st_mode:
        os.chmod(target, stat.S_IMODE(wanted.st_mode))


@undoes(MOUNT)
def unmount(path: str) -> bool:
    """Unmount `path` → whether it was mounted."""
    try:
        syscalls.umount2(path, syscalls.MNT_DETACH)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):  # not mounted, not there
            raise
        return False
    return True


@undoes(FOLDER)
def remove_directory(path: str) -> bool:
    """Delete a directory and all below it → whether it was there. Raises OSError, also when something is mounted in it
    still: what is behind a mount may be anybody's."""
    if not Path(path).is_dir():
        return False
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    if any(line.split(" ")[4].replace("\\040", " ").startswith(f"{path}/") for line in mounts):
        raise OSError(errno.EBUSY, "something is mounted in it", path)
    shutil.rmtree(path)
    return True
