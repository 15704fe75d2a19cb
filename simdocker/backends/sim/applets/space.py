"""du and df, and sizes as people read them."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Options, options
from simdocker.backends.sim.applets.tree import (
    DIRECTORY,
    join,
    kind,
)


def human(number: int, unit: int = 1) -> str:
    """busybox's make_human_readable_str: at most one decimal, powers of 1024."""
    value = number * unit
    if value < 1024:
        return str(value)
    letters = "KMGTPE"
    index = -1
    rest = 0
    while value >= 1024 and index < len(letters) - 1:
        index += 1
        rest = value % 1024
        value //= 1024
    tenth = (rest * 10 + 512) // 1024
    if tenth >= 10:
        value, tenth = value + 1, 0
    return f"{value}.{tenth}{letters[index]}"


@applet("du")
def du(call: Call) -> int:
    found = options(call, "aHkLsxchmd:b", {"max-depth": "d"})
    du_run = _Usage(call, found)
    for path in found.args or ["."]:
        du_run.total += du_run.walk(path, 0)
    if "c" in found:
        du_run.show(du_run.total, "total")
    return du_run.status


class _Usage:
    def __init__(self, call: Call, found: Options) -> None:
        self.call = call
        self.found = found
        self.depth = 0 if "s" in found else int(found.value("d", "100000"))
        self.seen: set[int] = set()
        self.status = 0
        self.total = 0

    def show(self, blocks: int, path: str) -> None:
        if "b" in self.found:
            text = str(blocks)
        elif "h" in self.found:
            text = human(blocks * 512)
        elif "m" in self.found:
            text = str(-(-blocks // 2048))
        else:
            text = str(blocks // 2)
        self.call.out(f"{text}\t{path}\n")

    def walk(self, path: str, level: int) -> int:
        p = self.call.p
        try:
            found = p.stat(path) if "L" in self.found or ("H" in self.found and not level) else p.lstat(path)
        except OSError as error:
            self.call.complain(f"{path}: {error.strerror}")
            self.status = 1
            return 0
        if kind(found) != DIRECTORY and found.st_nlink > 1:
            if found.st_ino in self.seen:
                return 0
            self.seen.add(found.st_ino)
        blocks = found.st_size if "b" in self.found else found.st_blocks
        if kind(found) == DIRECTORY:
            try:
                names = p.listdir(path)
            except OSError as error:
                self.call.complain(f"can't open '{path}': {error.strerror}")
                self.status = 1
                names = []
            for name in names:
                blocks += self.walk(join(path, name), level + 1)
            if level <= self.depth:
                self.show(blocks, path)
        elif level == 0 or ("a" in self.found and level <= self.depth):
            self.show(blocks, path)
        return blocks


@applet("df")
def df(call: Call) -> int:
    found = options(call, "kmhPTiaB:t:")
    header = ["Filesystem", "Type"] if "T" in found else ["Filesystem"]
    size = "Size" if "h" in found else "1M-blocks" if "m" in found else "1024-blocks" if "P" in found else "1K-blocks"
    capacity = "Capacity" if "P" in found else "Use%"
    wide = f"{header[0]:<20}" + (" Type      " if "T" in found else "")
    if "i" in found:
        call.out(f"{wide} {'Inodes':>10}{'Used':>10}{'Available':>10} {capacity} Mounted on\n")
    else:
        call.out(f"{wide} {size.rjust(9):<15}Used {'Available':>9} {capacity:>4} Mounted on\n")
    mounts = list(call.p.mounts())
    chosen: list[tuple[str, str, str]] = []
    status = 0
    for path in found.args:
        try:
            source, target, _, _ = call.p.statfs(path)
        except OSError as error:
            call.complain(f"{path}: can't find mount point" if error.errno == 2 else f"{path}: {error.strerror}")
            status = 1
            continue
        fstype = next((each[2] for each in mounts if each[1] == target), "")
        chosen.append((source, target, fstype))
    if not found.args:
        chosen = [(source, target, fstype) for source, target, fstype, _ in mounts]
    for source, target, fstype in chosen:
        _, _, total, used = call.p.statfs(target)
        if total == 0 and not found.args and "a" not in found:
            continue
        _row(call, found, source, target, fstype, total, used)
    return status


def _row(call: Call, found: Options, source: str, target: str, fstype: str, total: int, used: int) -> None:
    free = total - used
    percent = -(-used * 100 // total) if total else 0

    def amount(value: int) -> str:
        if "h" in found:
            return human(value) if value else "0"
        return str(value // (1 << 20 if "m" in found else 1024))

    text = f"{source:<20}"
    if len(source) > 20 and "P" not in found:
        text = f"{source}\n{'':20}"
    if "T" in found:
        text += f" {fstype:<10}"
    if "i" in found:
        total, used, free = total // 16384, used // 16384, free // 16384
        call.out(f"{text} {total:10}{used:10}{free:10} {percent:3}% {target}\n")
        return
    call.out(f"{text} {amount(total):>9} {amount(used):>9} {amount(free):>9} {percent:3}% {target}\n")
