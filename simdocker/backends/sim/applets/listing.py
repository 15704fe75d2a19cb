"""Applets that show what files are: ls, stat, du, df, readlink, basename and their kin."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Failure, Options, Usage, encode, options
from simdocker.backends.sim.applets.clock import strftime, wall_ns
from simdocker.backends.sim.applets.tree import (
    CHARACTER,
    DIRECTORY,
    LINK,
    PIPE,
    base,
    is_directory,
    join,
    kind,
    owner_names,
)
from simdocker.backends.sim.program import Stat

Status = Generator[Event, Any, int]
HALF_YEAR_S = 365 * 86400 // 2


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


class Entry:
    """A name in a listing with what stat says about it."""

    __slots__ = ("name", "path", "stat")

    def __init__(self, name: str, path: str, stat: Stat) -> None:
        self.name = name
        self.path = path
        self.stat = stat


@applet("ls")
def ls(call: Call) -> int:
    found = options(
        call, "AaCdLHRFplinshrSXvctuxgT:w:1k",
        {"full-time": "E", "group-directories-first": "G", "color": "O", "all": "a", "almost-all": "A"},
    ) if not any(arg.startswith("--color") for arg in call.args) else _without_color(call)  # fmt: skip
    listing = _Listing(call, found)
    listing.all(found.args or ["."])
    return listing.status


def _without_color(call: Call) -> Options:
    call.args = [arg for arg in call.args if not arg.startswith("--color")]
    return options(call, "AaCdLHRFplinshrSXvctuxgT:w:1k", {"full-time": "E", "group-directories-first": "G"})


class _Listing:
    def __init__(self, call: Call, found: Options) -> None:
        self.call = call
        self.found = found
        self.long = any(flag in found for flag in "lng")
        self.status = 0
        self.users, self.groups = owner_names(call.p) if self.long else ({}, {})
        out = call.p.fds.get(1)
        tty = out is not None and out.isatty()
        self.columns = ("C" in found or "x" in found or tty) and not self.long and "1" not in found
        self.width = int(found.value("w", "80"))

    def all(self, paths: list[str]) -> None:
        files: list[Entry] = []
        directories: list[Entry] = []
        for path in paths:
            seen_as_links = self.long or any(flag in self.found for flag in "Fis")
            entry = self.entry(path, path, follow="H" in self.found or not seen_as_links)
            if entry is None:
                continue
            if kind(entry.stat) == DIRECTORY and "d" not in self.found:
                directories.append(entry)
            else:
                files.append(entry)
        if files:
            self.show(self.sort(files), total=False)
        headers = len(paths) > 1 or "R" in self.found
        first = not files
        for entry in self.sort(directories):
            first = self.directory(entry.path, headers, first)

    def entry(self, name: str, path: str, *, follow: bool = False) -> Entry | None:
        p = self.call.p
        try:
            found = p.stat(path) if follow or "L" in self.found else p.lstat(path)
        except OSError as error:
            self.call.complain(f"{path}: {error.strerror}")
            self.status = 1
            return None
        return Entry(name, path, found)

    def directory(self, path: str, headers: bool, first: bool) -> bool:
        call = self.call
        try:
            names = call.p.listdir(path)
        except OSError as error:
            if headers:
                call.out(f"{'' if first else chr(10)}{path}:\n")
            call.complain(f"can't open '{path}': {error.strerror}")
            self.status = 1
            return False
        if headers:
            call.out(f"{'' if first else chr(10)}{path}:\n")
        if "a" in self.found:
            names = [".", "..", *names]
        elif "A" not in self.found:
            names = [name for name in names if not name.startswith(".")]
        entries = [entry for name in names if (entry := self.entry(name, join(path, name)))]
        entries = self.sort(entries)
        self.show(entries, total=self.long or "s" in self.found)
        if "R" in self.found:
            for entry in entries:
                if kind(entry.stat) == DIRECTORY and entry.name not in (".", ".."):
                    self.directory(entry.path, True, False)
        return False

    def sort(self, entries: list[Entry]) -> list[Entry]:
        entries = sorted(entries, key=lambda entry: encode(entry.name))
        found = self.found
        if "S" in found:
            entries.sort(key=lambda entry: -entry.stat.st_size)
        elif "t" in found:
            entries.sort(key=lambda entry: -entry.stat.st_mtime_ns)
        elif "X" in found:
            entries.sort(key=lambda entry: encode("." + entry.name.rpartition(".")[2]) if "." in entry.name else b"")
        elif "v" in found:
            import re

            entries.sort(key=lambda entry: [
                (1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|\D+", entry.name)
            ])  # fmt: skip
        if "r" in found:
            entries.reverse()
        if "G" in found:
            entries.sort(key=lambda entry: kind(entry.stat) != DIRECTORY)
        return entries

    def show(self, entries: list[Entry], *, total: bool) -> None:
        call = self.call
        if total:
            blocks = sum(entry.stat.st_blocks for entry in entries)
            if "h" in self.found:
                text = human(blocks * 512)
                if text.endswith(".0K"):
                    text = text[:-3] + "K"
                call.out(f"total {text:<7}\n")
            else:
                call.out(f"total {blocks // 2}\n")
        if self.long:
            for entry in entries:
                call.out(self.line(entry))
            return
        texts = [self.short(entry) for entry in entries]
        if not self.columns:
            call.out("".join(f"{text}\n" for text in texts))
            return
        self.grid(texts)

    def grid(self, texts: list[str]) -> None:
        if not texts:
            return
        cell = max(len(text) for text in texts) + 2
        across = max(self.width // cell, 1)
        down = -(-len(texts) // across)
        if "x" not in self.found:
            across = -(-len(texts) // down)
        for row in range(down):
            line = texts[row * across : (row + 1) * across] if "x" in self.found else texts[row::down]
            self.call.out("".join(f"{text:<{cell}}" for text in line[:-1]) + line[-1] + "\n")

    def short(self, entry: Entry) -> str:
        found = entry.stat
        text = ""
        if "i" in self.found:
            text += f"{found.st_ino:7} "
        if "s" in self.found:
            text += f"{human(found.st_blocks * 512) if 'h' in self.found else found.st_blocks // 2:>6} "
        return text + entry.name + self.mark(found)

    def mark(self, found: Stat) -> str:
        if "F" in self.found:
            if kind(found) == DIRECTORY:
                return "/"
            if kind(found) == LINK:
                return "@"
            if kind(found) == PIPE:
                return "|"
            return "*" if found.st_mode & 0o111 else ""
        return "/" if "p" in self.found and kind(found) == DIRECTORY else ""

    def line(self, entry: Entry) -> str:
        found = entry.stat
        text = ""
        if "i" in self.found:
            text += f"{found.st_ino:7} "
        if "s" in self.found:
            text += f"{human(found.st_blocks * 512) if 'h' in self.found else found.st_blocks // 2:>6} "
        text += f"{modes.describe(found.st_mode)} {found.st_nlink:4} "
        if "n" in self.found:
            text += f"{found.st_uid:<8} {found.st_gid:<8} "
        elif "g" in self.found:
            text += f"{self.groups.get(found.st_gid, str(found.st_gid)):<8.8} "
        else:
            user = self.users.get(found.st_uid, str(found.st_uid))
            group = self.groups.get(found.st_gid, str(found.st_gid))
            text += f"{user:<8.8} {group:<8.8} "
        if kind(found) == CHARACTER:
            major, minor = found.node.rdev
            text += f"{major:4}, {minor:3} "
        elif "h" in self.found:
            text += f"{human(found.st_size):>7} "
        else:
            text += f"{found.st_size:9} "
        text += f"{self.time(found)} {entry.name}"
        if kind(found) == LINK:
            try:
                text += f" -> {self.call.p.readlink(entry.path)}"
            except OSError as error:
                self.call.complain(f"{entry.path}: cannot read link: {error.strerror}")
                self.status = 1
            if "F" in self.found and is_directory(self.call.p, entry.path):
                text += "/"
            return text + "\n"
        return f"{text}{self.mark(found)}\n"

    def time(self, found: Stat) -> str:
        ns = found.st_mtime_ns
        if "E" in self.found:
            return strftime(f"%Y-%m-%d %H:%M:%S.{ns % 1_000_000_000:09} +0000", ns)
        age = (wall_ns(self.call.p) - ns) // 1_000_000_000
        recent = -15 * 60 <= age < HALF_YEAR_S
        return strftime("%b %e %H:%M" if recent else "%b %e  %Y", ns)


# stat


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
                _show_filesystem(call, path)
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


_KINDS = {DIRECTORY: "directory", LINK: "symbolic link", CHARACTER: "character special file", PIPE: "fifo"}


def _format(call: Call, layout: str, entry: Entry, users: dict[int, str], groups: dict[int, str]) -> str:
    import re

    found = entry.stat
    ns = found.st_mtime_ns
    name = entry.path
    if kind(found) == LINK:
        name = f"'{entry.path}' -> '{call.p.readlink(entry.path)}'"
        plain_name = f"'{entry.path}' -> '{call.p.readlink(entry.path)}'"
    else:
        plain_name = entry.path
    when = strftime(f"%Y-%m-%d %H:%M:%S.{ns % 1_000_000_000:09} +0000", ns)
    what = _KINDS.get(kind(found), "regular file" if found.st_size else "regular empty file")
    major, minor = found.node.rdev
    values: dict[str, str] = {
        "n": entry.path, "N": plain_name, "s": str(found.st_size), "b": str(found.st_blocks), "B": "512",
        "o": "4096", "F": what, "D": f"{found.st_dev:x}", "d": str(found.st_dev), "i": str(found.st_ino),
        "h": str(found.st_nlink), "a": f"{found.st_mode & 0o7777:o}", "A": modes.describe(found.st_mode),
        "f": f"{found.st_mode:x}", "u": str(found.st_uid), "U": users.get(found.st_uid, "UNKNOWN"),
        "g": str(found.st_gid), "G": groups.get(found.st_gid, "UNKNOWN"), "x": when, "y": when, "z": when,
        "X": str(ns // 1_000_000_000), "Y": str(ns // 1_000_000_000), "Z": str(ns // 1_000_000_000),
        "t": f"{major:x}", "T": f"{minor:x}", "m": call.p.statfs(entry.path)[1],
    }  # fmt: skip
    del name

    def put(match: re.Match[str]) -> str:
        flags, width, letter = match.groups()
        if letter == "%":
            return "%"
        text = values.get(letter, "?")
        if flags == "0" and width:
            return text.zfill(int(width))
        return f"{text:{'<' if flags == '-' else '>'}{width or 0}}" if width else text

    return re.sub(r"%([-0]?)(\d*)(?:\.\d+)?(.)", put, layout)


def _show_filesystem(call: Call, path: str) -> None:
    _, _, total, used = call.p.statfs(path)
    blocks, free = total // 4096, (total - used) // 4096
    call.out(
        f'  File: "{path}"\n    ID: 0        Namelen: 255     Type: UNKNOWN\nBlock size: 4096      \n'
        f"Blocks: Total: {blocks:<10} Free: {free:<10} Available: {free}\n"
        f"Inodes: Total: {blocks:<10} Free: {free}\n"
    )


# du and df


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
        call.out(f"{wide} {size:>9} {'Used':>9} {'Available':>9} {capacity:>4} Mounted on\n")
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


# names


@applet("readlink")
def readlink(call: Call) -> int:
    found = options(call, "fnv")
    if len(found.args) != 1:
        raise Usage
    path = found.args[0]
    try:
        target = canonical(call, path) if "f" in found else call.p.readlink(path)
    except OSError as error:
        if "v" in found:
            call.complain(f"{path}: {error.strerror}")
        return 1
    call.out(target + ("" if "n" in found else "\n"))
    return 0


def canonical(call: Call, path: str) -> str:
    """The absolute path without links; the last component need not exist."""
    try:
        return call.p.realpath(path)
    except OSError:
        parent, _, name = path.rstrip("/").rpartition("/")
        if name in ("", ".", ".."):
            raise
        return join(call.p.realpath(parent or ("/" if path.startswith("/") else ".")), name)


@applet("realpath")
def realpath(call: Call) -> int:
    if not call.args:
        raise Usage
    status = 0
    for path in call.args:
        try:
            call.out(f"{canonical(call, path)}\n")
        except OSError as error:
            call.complain(f"{path}: {error.strerror}")
            status = 1
    return status


@applet("pwd")
def pwd(call: Call) -> int:
    options(call, "LP")
    call.out(f"{call.p.cwd}\n")
    return 0


@applet("basename")
def basename(call: Call) -> int:
    found = options(call, "as:", permute=False)
    args = found.args
    if not args:
        raise Usage
    suffix = found.value("s")
    if "a" not in found and "s" not in found:
        if len(args) > 2:
            raise Usage
        suffix = args[1] if len(args) == 2 else ""
        args = args[:1]
    for path in args:
        name = base(path)
        if suffix and name != suffix:
            name = name.removesuffix(suffix)
        call.out(f"{name}\n")
    return 0


@applet("dirname")
def dirname(call: Call) -> int:
    if len(call.args) != 1:
        raise Usage
    path = call.args[0].rstrip("/")
    parent = path.rpartition("/")[0].rstrip("/")
    call.out(f"{parent or ('/' if call.args[0].startswith('/') else '.')}\n")
    return 0


__all__ = ["Failure", "canonical", "human"]
