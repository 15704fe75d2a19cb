"""stat: what an inode says of a file, and what a filesystem says of itself."""

from __future__ import annotations

import re

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Usage, options
from simdocker.backends.sim.applets.clock import strftime
from simdocker.backends.sim.applets.listing import Entry
from simdocker.backends.sim.applets.tree import (
    CHARACTER,
    DIRECTORY,
    LINK,
    PIPE,
    SOCKET,
    kind,
    owner_names,
)


@applet("stat")
def stat(call: Call) -> int:
    found = options(call, "Ltfc:", {"dereference": "L", "file-system": "f", "format": "c", "terse": "t"})
    if not found.args:
        raise Usage
    status = 0
    users, groups = owner_names(call.p)
    for path in found.args:
        try:
            if "f" in found:
                _show_filesystem(call, path, found.value("c") + "\n" if "c" in found else _FILESYSTEM_LAYOUT)
                continue
            entry = Entry(path, path, call.p.stat(path) if "L" in found else call.p.lstat(path))
        except OSError as error:
            call.complain(f"can't stat '{path}': {error.strerror}")
            status = 1
            continue
        if "c" in found:
            call.out(_format(call, found.value("c"), entry, users, groups) + "\n")
        elif "t" in found:
            call.out(_format(call, "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %o\n", entry, users, groups))
        else:
            layout = "  File: %N\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
            layout += "Device: %Dh/%dd\tInode: %-10i  Links: %-5h"
            layout += " Device type: %t,%T\n" if kind(entry.stat) == CHARACTER else "\n"
            layout += "Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
            layout += "Access: %x\nModify: %y\nChange: %z\n"
            call.out(_format(call, layout, entry, users, groups))
    return status


_FILESYSTEM_LAYOUT = """\
  File: "%n"
    ID: %i        Namelen: %l     Type: %T
Block size: %-10s
Blocks: Total: %-10b Free: %-10f Available: %a
Inodes: Total: %-10c Free: %d
"""
_KINDS = {
    DIRECTORY: "directory", LINK: "symbolic link", CHARACTER: "character special file", PIPE: "fifo", SOCKET: "socket",
}  # fmt: skip


def _format(call: Call, layout: str, entry: Entry, users: dict[int, str], groups: dict[int, str]) -> str:
    found = entry.stat
    ns = found.st_mtime_ns
    name = f"'{entry.path}' -> '{call.p.readlink(entry.path)}'" if kind(found) == LINK else entry.path
    when = strftime(f"%Y-%m-%d %H:%M:%S.{ns % 1_000_000_000:09} +0000", ns)
    what = _KINDS.get(kind(found), "regular file" if found.st_size else "regular empty file")
    major, minor = found.node.rdev
    values: dict[str, str] = {
        "n": entry.path, "N": name, "s": str(found.st_size), "b": str(found.st_blocks), "B": "512",
        "o": "4096", "F": what, "D": f"{found.st_dev:x}", "d": str(found.st_dev), "i": str(found.st_ino),
        "h": str(found.st_nlink), "a": f"{found.st_mode & 0o7777:o}", "A": modes.describe(found.st_mode),
        "f": f"{found.st_mode:x}", "u": str(found.st_uid), "U": users.get(found.st_uid, "UNKNOWN"),
        "g": str(found.st_gid), "G": groups.get(found.st_gid, "UNKNOWN"), "x": when, "y": when, "z": when,
        "X": str(ns // 1_000_000_000), "Y": str(ns // 1_000_000_000), "Z": str(ns // 1_000_000_000),
        "t": f"{major:x}", "T": f"{minor:x}", "m": call.p.statfs(entry.path)[1],
    }  # fmt: skip
    return _filled(layout, values)


def _filled(layout: str, values: dict[str, str]) -> str:
    """A -c format with its `%letter`s replaced."""

    def put(match: re.Match[str]) -> str:
        flags, width, letter = match.groups()
        if letter == "%":
            return "%"
        text = values.get(letter, "?")
        if flags == "0" and width:
            return text.zfill(int(width))
        return f"{text:{'<' if flags == '-' else '>'}{width or 0}}" if width else text

    return re.sub(r"%([-0]?)(\d*)(?:\.\d+)?(.)", put, layout)


_FILESYSTEMS = {
    "proc": ("9fa0", "proc"), "sysfs": ("62656572", "sysfs"), "tmpfs": ("1021994", "tmpfs"),
    "devpts": ("1cd1", "devpts"), "ext4": ("ef53", "ext2/ext3"), "cgroup2": ("63677270", "UNKNOWN"),
    "overlay": ("794c7630", "UNKNOWN"), "mqueue": ("19800202", "UNKNOWN"),
}  # fmt: skip
"""statfs(2)'s magic numbers, and what busybox calls them: it does not know the younger ones."""


def _show_filesystem(call: Call, path: str, layout: str) -> None:
    """stat -f, with or without a format."""
    _, target, total, used = call.p.statfs(path)
    fstype = next((each for _, mounted, each, _ in call.p.mounts() if mounted == target), "")
    number, kind_name = _FILESYSTEMS.get(fstype, ("0", "UNKNOWN"))
    blocks, free = str(total // 4096), str((total - used) // 4096)
    values = {
        "n": path, "i": "0", "l": "255", "t": number, "T": kind_name, "s": "4096", "S": "4096",
        "b": blocks, "f": free, "a": free, "c": blocks, "d": free,
    }  # fmt: skip
    call.out(_filled(layout, values))
