"""Mounts, and the lookup of paths in them (Linux's mount namespace).

A mount namespace is a root filesystem with other filesystems mounted over names in it. Containers
have the same mounts over and over, so the tree of mount targets (`Point`) is shared among them and
a mount is made only when a path first crosses it. Lookups follow symbolic links, check search
permission for whoever asks, and fail with the errno Linux gives.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from simdocker.backends.capabilities import ALL, DAC_OVERRIDE
from simdocker.backends.sim.dentry import Dentry
from simdocker.backends.sim.overlay import PAGE, Merged, file_bytes
from simdocker.backends.sim.program import fail
from simdocker.content.changeset import DIRECTORY, SYMLINK, Node

if TYPE_CHECKING:
    from simdocker.backends.sim.openfile import OpenFile

READ, WRITE, EXECUTE = 4, 2, 1

T = TypeVar("T")

MAX_LINKS = 40  # Linux's MAXSYMLINKS
MAX_NAME = 255


class Credentials(Protocol):
    """Who asks: what of a process decides about permissions."""

    uid: int
    gid: int
    groups: list[int]
    capabilities: int  # they count only while uid is 0


class Root:
    """The credentials of root, for the kernel's and the runtime's own lookups."""

    uid = 0
    gid = 0
    groups: list[int] = []  # noqa: RUF012 - never changed
    capabilities = ALL


ROOT = Root()


class MagicLink(Node):
    """A link of /proc/<pid>/fd: it reads as text but leads to an open file, not to a path."""

    __slots__ = ("open_file",)

    def __init__(self, target: str, open_file: OpenFile) -> None:
        super().__init__(SYMLINK, 0o700)
        self.target = target
        self.open_file = open_file


def may(who: Credentials, node: Node, want: int) -> bool:
    """Whether `who` may READ, WRITE or EXECUTE (or a sum of them). Root (with CAP_DAC_OVERRIDE) may
    all, but execute only what is executable for someone."""
    mode = node.mode
    if who.uid == 0 and who.capabilities & DAC_OVERRIDE:
        return not want & EXECUTE or node.kind == DIRECTORY or mode & 0o111 != 0
    if who.uid == node.uid:
        mode >>= 6
    elif who.gid == node.gid or node.gid in who.groups:
        mode >>= 3
    return mode & want == want


class Mount(Struct, eq=False):
    """One mounted filesystem: a writable tree over shared layers, either of which may be missing."""

    source: str
    target: str
    fstype: str
    upper: Node | None
    lower: Merged | None = None
    read_only: bool = False
    options: str = "relatime"
    made_ns: int = 0
    size: int = 0  # bytes of files it has room for, 0 for no limit

    def room(self) -> int:
        """How many more bytes fit."""
        return self.size - (file_bytes(self.upper, PAGE) if self.upper is not None else 0)

    def changed(self, how: str, path: str, node: Node | None = None) -> None:
        """Its own layer was changed (`how`: copy up, create, unlink, whiteout). A union mount tells the trace."""

    def flags(self) -> str:
        """The options as /proc/mounts shows them."""
        return f"{'ro' if self.read_only else 'rw'},{self.options}"


class Point:
    """A name on the way to a mount target; `target` is set where one is."""

    __slots__ = ("children", "target")

    def __init__(self) -> None:
        self.children: dict[str, Point] = {}
        self.target: str | None = None


@lru_cache(maxsize=1024)
def points(targets: tuple[str, ...]) -> Point:
    """The tree of these mount targets (absolute paths), shared by all who mount at the same."""
    top = Point()
    for target in targets:
        point = top
        for name in target.strip("/").split("/"):
            point = point.children.setdefault(name, Point())
        point.target = target
    return top


MakeMount = Callable[["MountNamespace", str], Mount]
"""Makes the mount at a target the first time a path crosses it."""


class MountNamespace:
    """One view of the filesystem. `makers` tells how each target's mount is made, in mount order."""

    __slots__ = ("_mounts", "has_own_mounts", "makers", "owner", "root")

    def __init__(self, root: Mount, makers: Mapping[str, MakeMount], targets: Point, owner: Any) -> None:
        self.root = Dentry(root, None, "", root.upper, root.lower, targets)
        self.makers = makers
        self.owner = owner  # the Container whose namespace it is
        self.has_own_mounts = False  # volumes, binds and the like, which other containers of the image have not
        self._mounts: dict[str, Mount] | None = None

    def mount_at(self, target: str) -> Mount:
        """The mount whose target this is."""
        if self._mounts is None:
            self._mounts = {}
        mount = self._mounts.get(target)
        if mount is None:
            mount = self._mounts[target] = self.makers[target](self, target)
        return mount

    def mounts(self) -> Iterator[Mount]:
        """All mounts, the root first, in the order they were mounted."""
        yield self.root.mount
        for target in self.makers:
            yield self.mount_at(target)

    def walk(self, path: str, cwd: str = "/", who: Credentials = ROOT, *, follow: bool = True) -> Dentry:
        """Look up a path; the last name may be missing (a negative dentry), all others must be
        directories. Raises ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
        given = path
        if path[:1] != "/":
            if not path:
                raise fail(errno.ENOENT, given)
            path = f"{cwd}/{path}"
        names = path.split("/")
        names.reverse()
        at = self.root
        links = 0
        checked = who.uid != 0 or not who.capabilities & DAC_OVERRIDE
        while names:
            name = names.pop()
            if not name or name == ".":
                if at.exists:
                    if at.node.kind != DIRECTORY:
                        raise fail(errno.ENOTDIR, given)
                elif name:
                    raise fail(errno.ENOENT, given)
                continue
            here = at.upper if at.upper is not None else at.lower.node if at.lower is not None else None
            if here is None:
                raise fail(errno.ENOENT, given)
            if here.kind != DIRECTORY:
                raise fail(errno.ENOTDIR, given)
            if checked and not may(who, here, EXECUTE):
                raise fail(errno.EACCES, given)
            if name == "..":
                at = at.parent or at
                continue
            child = at.child(name, self)
            node = child.upper if child.upper is not None else child.lower.node if child.lower is not None else None
            if node is None:
                if len(name) > MAX_NAME:
                    raise fail(errno.ENAMETOOLONG, given)
            elif node.kind == SYMLINK and (follow or names) and not isinstance(node, MagicLink):
                links += 1
                if links > MAX_LINKS:
                    raise fail(errno.ELOOP, given)
                target = node.target
                if target[:1] == "/":
                    at = self.root
                names.extend(reversed(target.split("/")))
                continue
            at = child
        return at

    def peek(self, path: str, who: Credentials = ROOT) -> Node | None:
        """The node at an absolute path, None where nothing can be found there.

        Every container of an image starts with the same lookups, and every command searches PATH.
        While a container has changed and mounted nothing under the first name of a path, the result
        is the image's and is kept with it.
        """
        root = self.root
        lower = root.lower
        if lower is not None and who.uid == 0 and who.capabilities & DAC_OVERRIDE:
            top = path[1:].partition("/")[0]
            point, upper = root.point, root.upper
            if (upper is None or top not in upper.children) and (
                not self.has_own_mounts or point is None or top not in point.children
            ):
                known = lower.known
                node = known.get(path, UNKNOWN)
                if node is UNKNOWN:
                    node = known[path] = _look(lower, point, top, path)
                if node is not UNSURE:
                    return node
        try:
            dentry = self.walk(path, "/", who)
        except OSError:
            return None
        return dentry.node if dentry.exists else None

    def derive(self, what: tuple[object, ...], work_out: Callable[[], T]) -> T:
        """What `work_out` finds out by looking at files (`Merged.derive`), unless something is mounted over them."""
        root = self.root
        if root.lower is None or self.has_own_mounts:
            return work_out()
        return root.lower.derive(root.upper, what, work_out)

    def find(self, path: str, cwd: str = "/", who: Credentials = ROOT, *, follow: bool = True) -> Dentry:
        """Look up a path that must exist."""
        dentry = self.walk(path, cwd, who, follow=follow)
        if not dentry.exists:
            raise fail(errno.ENOENT, path)
        return dentry


UNKNOWN, UNSURE = Node("", 0), Node("", 0)
"""What `peek` has not looked up yet, and what has to be looked up each time."""


def _look(lower: Merged, point: Point | None, top: str, path: str, links: int = 0) -> Node | None:
    """A path in the layers alone; UNSURE when it crosses a mount or a link leads out of /`top`."""
    at, here = lower, point
    names = path.split("/")
    for position, name in enumerate(names):
        if not name:
            continue
        if name in (".", ".."):
            return UNSURE
        if here is not None:
            here = here.children.get(name)
            if here is not None and here.target is not None:
                return UNSURE
        entry = at.entries.get(name)
        if entry is None:
            return None
        if entry.node.kind == SYMLINK:
            target = entry.node.target
            if not target.startswith("/"):
                target = "/".join([*names[:position], target])
            if links == MAX_LINKS or not target.startswith(f"/{top}/"):
                return UNSURE
            return _look(lower, point, top, "/".join([target, *names[position + 1 :]]), links + 1)
        at = entry
    return at.node
