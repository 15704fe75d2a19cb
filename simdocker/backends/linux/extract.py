"""A layer onto the disk, and off it again.

A changeset becomes a directory as overlayfs wants it: whiteouts are character devices 0:0, an opaque
directory has an attribute. Every name is made new and relative to the descriptor of a directory just made,
so nothing in a layer, however hostile, is ever followed. A file that stands for a simulated program
becomes a real one where this machine has it; otherwise it is marked, and refused when it is executed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from simdocker.backends.linux import rootless
from simdocker.backends.linux.calls import PROGRAM
from simdocker.backends.linux.programs import excuse, real_program
from simdocker.backends.ports import DriverError
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SYMLINK, WHITEOUT, Node

DEEPEST = 512  # directories: no path is longer than 4096 bytes, and each level holds a descriptor here
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
A_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_FILE = 1 << 43  # ext4 holds no more than 16 TiB; far less is a lie already
COUNTED = 1 << 20
SMALL = 1 << 16  # bytes of a file in which nobody looks for holes


def opaque() -> str:
    """The attribute of an opaque directory: only the machine's root has trusted ones."""
    return "user.overlay.opaque" if rootless.inside() else "trusted.overlay.opaque"


def write_tree(root: Node, path: str) -> None:
    """Make directory `path` hold what `root` does. Raises DriverError with Docker's words."""
    try:
        os.mkdir(path, 0o755)
        fd = os.open(path, A_DIRECTORY)
        try:
            _Writer(os.path.realpath(path), _heir(fd)).directory(root, fd, ())
        finally:
            os.close(fd)
    except OSError as error:
        raise DriverError(f"failed to register layer: {(error.strerror or '').lower()}: {error.filename}") from None


def write_entry(node: Node, name: str, directory: int) -> None:
    """Make `name` in the open directory: `node` with all below it. Raises OSError."""
    now = Node(DIRECTORY, 0)
    now.children[name] = node
    _Writer(os.readlink(f"/proc/self/fd/{directory}")).fill(now, directory, ())


def _heir(directory: int) -> tuple[int, int]:
    """Whose a file is that is made in a directory this process just made; nobody's, when the group may be another."""
    status = os.fstat(directory)
    return (-1, -1) if status.st_mode & stat.S_ISGID else (status.st_uid, status.st_gid)


class _Writer:
    """One tree being written. Of the files already made, by node, other names are hard links; and of real programs, by
    what is in them and whose they are, as a system image has the same one some two hundred times."""

    def __init__(self, top: str, heir: tuple[int, int] = (-1, -1)) -> None:
        self._top = top
        self._heir = heir
        self._links: dict[Node | tuple[str, int, int, int], str] = {}

    def directory(self, node: Node, fd: int, names: tuple[str, ...]) -> None:
        """Fill the directory `fd`, then give it its own attributes (children change its time)."""
        self.fill(node, fd, names)
        if node.opaque:
            os.setxattr(fd, opaque(), b"y")
        if not rootless.inside():
            os.fchown(fd, node.uid, node.gid)
        os.fchmod(fd, node.mode)
        os.utime(fd, ns=(node.mtime, node.mtime))

    def fill(self, node: Node, fd: int, names: tuple[str, ...]) -> None:
        """Make everything `node` has in the directory `fd`."""
        if len(names) > DEEPEST:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), f"{'/'.join(names)[:60]}…")
        for name, child in node.children.items():
            _check(name)
            try:
                self._entry(child, name, fd, names)
            except (OverflowError, ValueError):  # a number or a link that no system call takes
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name) from None

    def _entry(self, node: Node, name: str, fd: int, names: tuple[str, ...]) -> None:
        if node.kind != DIRECTORY:
            self._leaf(node, name, fd, names)
            return
        os.mkdir(name, 0o700, dir_fd=fd)
        inner = os.open(name, A_DIRECTORY, dir_fd=fd)
        try:
            self.directory(node, inner, (*names, name))
        finally:
            os.close(inner)

    def _leaf(self, node: Node, name: str, fd: int, names: tuple[str, ...]) -> None:
        if node.kind == FILE and self._linked(node, name, fd, names):
            return
        if node.kind == SYMLINK:
            os.symlink(node.target, name, dir_fd=fd)
        elif node.kind == WHITEOUT:
            os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=fd)
            return
        elif node.kind in (DEVICE, FIFO):
            mode = stat.S_IFCHR if node.kind == DEVICE else stat.S_IFIFO
            os.mknod(name, mode | 0o600, os.makedev(*node.rdev), dir_fd=fd)
        else:
            _write_file(node, name, fd, self._heir)
            return
        if not rootless.inside():  # there is no other user to give it to
            os.chown(name, node.uid, node.gid, dir_fd=fd, follow_symlinks=False)
        if node.kind != SYMLINK:
            os.chmod(name, node.mode, dir_fd=fd)  # after chown, which takes set-user-ID away
        os.utime(name, ns=(node.mtime, node.mtime), dir_fd=fd, follow_symlinks=False)

    def _linked(self, node: Node, name: str, fd: int, names: tuple[str, ...]) -> bool:
        """Make `name` another name of a file that is there already."""
        is_program = node.program and real_program(node.program) is not None
        one = (node.program, node.mode, node.uid, node.gid) if is_program else node
        path = "/".join((*names, name))
        first = self._links.setdefault(one, path)
        if first is path:
            return False
        os.link(f"{self._top}/{first}", name, dst_dir_fd=fd, follow_symlinks=False)
        return True


def _check(name: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)


def _write_file(node: Node, name: str, directory: int, heir: tuple[int, int]) -> None:
    fd = os.open(name, NEW_FILE, 0o600, dir_fd=directory)
    try:
        _fill_file(node, fd)
        if (node.uid, node.gid) != heir:
            os.fchown(fd, node.uid, node.gid)
        os.fchmod(fd, node.mode)  # after chown, which takes set-user-ID away
        os.utime(fd, ns=(node.mtime, node.mtime))
    except OSError as error:
        error.filename = error.filename or name
        raise
    finally:
        os.close(fd)


def _fill_file(node: Node, fd: int) -> None:
    real = real_program(node.program) if node.program else None
    if real is not None:
        _put(fd, real)
        return
    written = 0
    if node.program:
        os.setxattr(fd, PROGRAM, node.program.encode())
        if node.data is None:
            _put(fd, excuse(node.program))
            written = len(excuse(node.program))
    if node.size > MAX_FILE:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    ends_in_hole = False
    if (data := node.data) is not None:
        for block in (data,) if isinstance(data, bytes) and len(data) <= SMALL else Blob.of(data).blocks():
            ends_in_hole = _put(fd, block)
            written += len(block)
    if ends_in_hole or written < node.size:
        os.ftruncate(fd, max(node.size, written))


def _put(fd: int, block: bytes) -> bool:
    """Write a block → whether it is a hole now: one of zeros stays one."""
    if not (block[:1] + block[-1:]).strip(b"\0") and block.count(0) == len(block):  # the ends tell most others
        os.lseek(fd, len(block), os.SEEK_CUR)
        return True
    written = os.write(fd, block)
    if written < len(block):
        view = memoryview(block)[written:]
        while view:
            view = view[os.write(fd, view) :]
    return False


def read_tree(path: str) -> Node:
    """What directory `path` holds, as a changeset."""
    fd = os.open(path, A_DIRECTORY)
    try:
        return _read_directory(fd, {})
    finally:
        os.close(fd)


def _read_directory(fd: int, inodes: dict[tuple[int, int], Node]) -> Node:
    node = Node(DIRECTORY, 0)
    attributes(node, os.fstat(fd))
    node.opaque = is_opaque(fd)
    for entry in sorted(os.scandir(fd), key=lambda entry: entry.name):
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            inner = os.open(entry.name, A_DIRECTORY, dir_fd=fd)
            try:
                node.children[entry.name] = _read_directory(inner, inodes)
            finally:
                os.close(inner)
            continue
        key = (status.st_dev, status.st_ino)
        child = inodes.get(key) if status.st_nlink > 1 else None
        if child is None:
            child = inodes[key] = read_leaf(entry.name, fd, status)
        node.children[entry.name] = child
    return node


def kind_of(status: os.stat_result) -> str:
    """What an inode is, in the words of changesets."""
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        return DIRECTORY
    if stat.S_ISLNK(mode):
        return SYMLINK
    if stat.S_ISREG(mode):
        return FILE
    if is_whiteout(status):
        return WHITEOUT
    return FIFO if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else DEVICE


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(directory: int | str) -> bool:
    try:
        return os.getxattr(directory, opaque()) == b"y"
    except OSError:
        return False


def attributes(node: Node, status: os.stat_result) -> None:
    node.mode = stat.S_IMODE(status.st_mode)
    node.uid, node.gid, node.mtime, node.nlink = status.st_uid, status.st_gid, status.st_mtime_ns, status.st_nlink


def read_leaf(name: str, directory: int, status: os.stat_result) -> Node:
    """What `name` in `directory` is, with its content."""
    node = Node(kind_of(status), 0)
    attributes(node, status)
    if node.kind == SYMLINK:
        node.target = os.readlink(name, dir_fd=directory)
    elif node.kind == DEVICE:
        node.rdev = (os.major(status.st_rdev), os.minor(status.st_rdev))
    elif node.kind == FILE:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=directory)
        try:
            node.data = Blob(read_pieces(fd))
            node.size = node.data.size
        finally:
            os.close(fd)
    return node


def read_pieces(fd: int) -> Iterator[bytes | int]:
    """A file's content; holes are only counted."""
    size, at = os.fstat(fd).st_size, 0
    while at < size:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            yield size - at
            return
        yield data - at
        at = data
        until = min(os.lseek(fd, at, os.SEEK_HOLE), size)
        while at < until:
            block = os.pread(fd, min(COUNTED, until - at), at)
            if not block:
                return
            yield block
            at += len(block)
