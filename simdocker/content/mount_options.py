"""A volume's mount options, as the local driver reads them (moby/sys/mount): bits of mount(2)'s flags, and the
rest, which goes to the filesystem as it is."""

from __future__ import annotations

from collections.abc import Sequence

READ_ONLY, BIND = 0x1, 0x1000
FLAGS = {
    "defaults": 0, "rw": 0, "ro": READ_ONLY, "nosuid": 0x2, "nodev": 0x4, "noexec": 0x8, "sync": 0x10, "dirsync": 0x80,
    "noatime": 0x400, "nodiratime": 0x800, "bind": BIND, "rbind": BIND | 0x4000, "relatime": 0x200000,
    "strictatime": 0x1000000,
}  # fmt: skip


def parsed(options: str) -> tuple[int, list[str]]:
    """(flags, what goes to the filesystem)."""
    flags, data = 0, []
    for option in options.split(",") if options else ():
        if option in FLAGS:
            flags |= FLAGS[option]
        else:
            data.append(option)
    return flags, data


def failure(device: str, path: str, flags: int, data: Sequence[str], error: OSError) -> str:
    """The local driver's sentence for a mount(2) that failed."""
    told = f", flags: {flags:#x}" if flags else ""
    told += f", data: {','.join(data)}" if data else ""
    return f"failed to mount local volume: mount {device}:{path}{told}: {str(error.strerror).lower()}"
