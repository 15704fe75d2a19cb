"""/dev and /sys of a container, and the initial files that Docker puts under every image.

The trees are made once and shared as read-only lower layers, like an image's: a container that
makes something in its /dev writes into a tree of its own above them.
"""

from __future__ import annotations

from simdocker.content.changeset import DEVICE, DIRECTORY, Node, directory, file, put, symlink

NODES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
PTMX = (5, 2)
CONSOLE = (5, 1)


def device(major: int, minor: int, mode: int = 0o666, gid: int = 0) -> Node:
    """A character device."""
    node = Node(DEVICE, mode, gid=gid)
    node.rdev = (major, minor)
    return node


def dev_tree() -> Node:
    """What runc makes in a container's /dev (devices, and links to the process's descriptors)."""
    tree = directory(0o755)
    for name, (major, minor) in NODES.items():
        tree.children[name] = device(major, minor)
    tree.children["ptmx"] = symlink("pts/ptmx")
    tree.children["fd"] = symlink("/proc/self/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        tree.children[name] = symlink(f"/proc/self/fd/{number}")
    tree.children["pts"] = directory(0o755)
    tree.children["shm"] = directory(0o1777)
    tree.children["mqueue"] = directory(0o1777)
    return tree


def pts_tree() -> Node:
    """/dev/pts: the multiplexer of pseudo-terminals."""
    tree = directory(0o755)
    tree.children["ptmx"] = device(*PTMX)
    return tree


def sys_tree() -> Node:
    """/sys, as far as its names go."""
    tree = directory(0o555)
    for name in ("block", "bus", "class", "dev", "devices", "firmware", "fs", "kernel", "module", "power"):
        tree.children[name] = directory(0o755)
    put(tree, "/kernel/mm/transparent_hugepage/enabled", file("always [madvise] never\n"))
    tree.children["fs"].children["cgroup"] = directory(0o555)
    return tree


def init_layer() -> Node:
    """The layer between an image and a container's own: mount targets that must exist, `.dockerenv`
    and /etc/mtab. Being below the container's layer it never shows in `docker diff`."""
    tree = directory(0o755)
    for path in ("/dev/pts", "/dev/shm", "/proc", "/sys"):
        put(tree, path, Node(DIRECTORY, 0o755))
    put(tree, "/.dockerenv", file(b"", 0o755))
    put(tree, "/dev/console", file(b"", 0o755))
    for name in ("hosts", "hostname", "resolv.conf"):
        put(tree, f"/etc/{name}", file(b"", 0o755))
    put(tree, "/etc/mtab", symlink("/proc/mounts"))
    return tree


DEV, PTS, SYS, INIT = dev_tree(), pts_tree(), sys_tree(), init_layer()
