"""What the catalogue's filesystems are made of: the accounts every image has, and directories of
programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simdocker.content.changeset import Node, directory, file, filler, put, symlink

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ROOT_PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
"""
ROOT_GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
"""


def shadow(passwd: str) -> str:
    """/etc/shadow of accounts without passwords."""
    return "".join(f"{line.partition(':')[0]}:*:::::::\n" for line in passwd.splitlines())


def accounts(root: Node, passwd: str, group: str) -> None:
    """/etc/passwd, group and shadow."""
    put(root, "/etc/group", file(group))
    put(root, "/etc/passwd", file(passwd))
    put(root, "/etc/shadow", file(shadow(passwd), 0o640))


def directories(root: Node, modes: dict[str, int]) -> None:
    """Directories by absolute path, parents first."""
    for path, mode in modes.items():
        put(root, path, directory(mode))


def program(size: int, name: str) -> Node:
    """An executable of `size` bytes that runs the program model `name`."""
    return filler(size, 0o755, program=name)


def hard_links(folder: Node, node: Node, names: Iterable[str]) -> None:
    """The same file under more names."""
    for name in names:
        folder.children[name] = node
        node.nlink += 1


def symlinks(folder: Node, target: str, names: Iterable[str]) -> None:
    """Symbolic links to one target."""
    for name in names:
        folder.children[name] = symlink(target)


def text(name: str) -> str:
    """A file of `scripts/`: the entrypoints that images run. They do and print what the official ones do."""
    return (Path(__file__).parent / "scripts" / name).read_text(encoding="utf-8")


def script(name: str) -> Node:
    """The same as an executable file."""
    return file(text(name), 0o755)
