"""ls: the names in a directory, in columns or with what stat says of each."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Options, encode, options
from simdocker.backends.sim.applets.clock import strftime, wall_ns
from simdocker.backends.sim.applets.space import human
from simdocker.backends.sim.applets.tree import (
    CHARACTER,
    DIRECTORY,
    LINK,
    PIPE,
    SOCKET,
    is_directory,
    join,
    kind,
    owner_names,
)
from simdocker.backends.sim.program import Stat

HALF_YEAR_S = 365 * 86400 // 2


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
        self.long = any(flag in found for flag in "lngE")
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
            if kind(found) == SOCKET:
                return "="
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
            return strftime("%Y-%m-%d %H:%M:%S +0000", ns)
        age = (wall_ns(self.call.p) - ns) // 1_000_000_000
        recent = -15 * 60 <= age < HALF_YEAR_S
        return strftime("%b %e %H:%M" if recent else "%b %e  %Y", ns)
