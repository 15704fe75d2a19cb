"""grep, egrep and fgrep: lines that match, found by POSIX expressions or fixed strings."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, encode, options
from simdocker.backends.sim.applets.input import Input, must_read, split_lines, standard_input
from simdocker.backends.sim.applets.matching import Regex
from simdocker.backends.sim.applets.regex import BadRegex, compile_literal, compile_regex
from simdocker.backends.sim.applets.tree import DIRECTORY, LINK, REGULAR, join, kind

_WORD = re.compile(rb"\w")


@applet("grep", "egrep", "fgrep")
def grep(call: Call) -> Status:
    try:
        found = options(call, "lnqvscFiHhe:f:LorRm:wxA:B:C:EzaI=::", {"color": "="})
    except Usage as usage:
        raise Usage(usage.message, 2 if usage.message else usage.status) from None
    patterns = [line for text in found.values.get("e", ()) for line in encode(text).split(b"\n")]
    for name in found.values.get("f", ()):
        patterns += split_lines((yield from must_read(call, name, status=2)))
    if "e" not in found and "f" not in found:
        if not found.args:
            raise Usage(status=2)
        patterns = encode(found.args.pop(0)).split(b"\n")
    search = _Search(call, found, patterns)
    return (yield from search.run(found.args))


def _count(found: Options, flag: str) -> int:
    text = found.value(flag, "0")
    if not re.fullmatch(r"\d+", text):
        raise Failure(f"invalid number '{text}'", 2)
    return int(text)


class _Search:
    """One run over all files."""

    def __init__(self, call: Call, found: Options, patterns: list[bytes]) -> None:
        self.call = call
        self.found = found
        self.inverted = "v" in found
        self.quiet = "q" in found
        self.limit = _count(found, "m") if "m" in found else -1
        context = _count(found, "C")
        self.before = _count(found, "B") if "B" in found else context
        self.after = _count(found, "A") if "A" in found else context
        self.only = "o" in found
        self.matches_alone = bool(self.only or "l" in found or "L" in found or "c" in found or self.quiet)
        if self.matches_alone:
            self.before = self.after = 0
        fixed = "F" in found or call.name == "fgrep"
        extended = "E" in found or call.name == "egrep"
        ignore_case = "i" in found or "y" in found
        self.whole_line, self.word = "x" in found, "w" in found
        self.end = b"\0" if "z" in found else b"\n"
        self.patterns: list[Regex] = []
        for text in reversed(patterns):  # the last one given is tried first; -o shows what it matches alone
            if fixed:
                self.patterns.append(compile_literal(text, ignore_case=ignore_case))
                continue
            try:
                self.patterns.append(compile_regex(text, extended=extended, ignore_case=ignore_case, strict=False))
            except BadRegex:
                shown = text.decode("utf-8", "surrogateescape")
                raise Failure(f"bad regex '{shown}'", 2) from None
        self.separator = False
        self.failed = False
        self.name = b""

    def run(self, names: list[str]) -> Status:
        if self.limit == 0:
            return 0
        recursive = "r" in self.found or "R" in self.found
        names = names or ["-"]
        labelled = ("H" in self.found or len(names) > 1 or recursive) and "h" not in self.found
        matched = False
        for name in names:
            if recursive and name != "-" and self._is_directory(name):
                labelled = "h" not in self.found
                matched |= yield from self.tree(name, labelled)
            else:
                matched |= yield from self.file(name, labelled)
            if matched and self.quiet:
                return 0
        if self.failed:
            return 2
        return int(not matched)

    def _is_directory(self, name: str) -> bool:
        try:
            return kind(self.call.p.stat(name)) == DIRECTORY
        except OSError:
            return False

    def tree(self, directory: str, labelled: bool) -> Generator[Event, Any, bool]:
        """Process: a directory, deep; links to directories only when -R says so."""
        p = self.call.p
        matched = False
        try:
            entries = p.listdir(directory)
        except OSError as error:
            self.unreadable(directory, error)
            return False
        for entry in entries:
            path = join(directory, entry)
            what = kind(p.lstat(path))
            if what == LINK:
                if "R" not in self.found:
                    continue
                what = kind(p.stat(path)) if self._exists(path) else LINK
            if what == DIRECTORY:
                matched |= yield from self.tree(path, labelled)
            elif what in (REGULAR, LINK):
                matched |= yield from self.file(path, labelled)
        return matched

    def _exists(self, path: str) -> bool:
        try:
            self.call.p.stat(path)
        except OSError:
            return False
        return True

    def unreadable(self, name: str, error: OSError) -> None:
        self.failed = True
        if "s" not in self.found:
            self.call.complain(f"{name}: {error.strerror}")

    def file(self, name: str, labelled: bool) -> Generator[Event, Any, bool]:
        """Process: print what one file holds; → whether anything matched."""
        self.name = b"(standard input)" if name == "-" else encode(name)
        try:
            if name != "-" and self._is_directory(name):
                return False
            source = standard_input(self.call) if name == "-" else Input(self.call, self.call.p.open(name), name)
        except OSError as error:
            self.unreadable(name, error)
            return False
        try:
            count = yield from self.lines(source, labelled)
        except OSError as error:
            if "s" not in self.found:
                self.call.complain(f"{name}: {error.strerror}")
            count = 0
            self.failed = True
        finally:
            source.close()
        return self.summary(count, labelled)

    def summary(self, count: int, labelled: bool) -> bool:
        call = self.call
        if self.quiet:
            return count > 0
        if "c" in self.found and not ("l" in self.found or "L" in self.found):
            call.out((self.name + b":" if labelled else b"") + b"%d\n" % count)
        if ("l" in self.found and count) or ("L" in self.found and not count):
            call.out(self.name + b"\n")
        return count == 0 if "L" in self.found else count > 0

    def lines(self, source: Input, labelled: bool) -> Generator[Event, Any, int]:
        """Process: go through one input line by line; → how many lines were selected."""
        before: deque[tuple[int, bytes]] = deque(maxlen=self.before)
        count, number, trailing, last_printed = 0, 0, 0, 0
        stop_at_first = self.quiet or "l" in self.found or "L" in self.found
        lines = split_records((yield from source.all()), self.end) if self.end != b"\n" else None
        while True:
            if lines is not None:
                if number >= len(lines):
                    break
                line = lines[number]
            else:
                line = yield from source.line()
                if not line:
                    break
                line = line.removesuffix(b"\n")
            number += 1
            if self.selects(line):
                if 0 <= self.limit <= count:
                    break
                count += 1
                if stop_at_first:
                    break
                if not self.matches_alone:
                    if (
                        (self.before or self.after)
                        and self.separator
                        and (last_printed == 0 or number - len(before) > last_printed + 1)
                    ):
                        self.call.out("--\n")
                    for earlier, text in before:
                        self.print(text, earlier, b"-", labelled)
                    self.print(line, number, b":", labelled)
                    before.clear()
                    last_printed, trailing, self.separator = number, self.after, True
                elif self.only and "c" not in self.found and not self.inverted:
                    self.print_matches(line, number, labelled)
                yield from self.call.flush()
            elif trailing > 0:
                self.print(line, number, b"-", labelled)
                trailing -= 1
                last_printed = number
            elif self.before:
                before.append((number, line))
            if 0 < self.limit <= count and not trailing:
                break
        return count

    def print(self, line: bytes, number: int, mark: bytes, labelled: bool) -> None:
        label = self.name + mark if labelled else b""
        place = b"%d" % number + mark if "n" in self.found else b""
        self.call.out(label + place + line + self.end)

    def print_matches(self, line: bytes, number: int, labelled: bool) -> None:
        pattern = next(pattern for pattern in self.patterns if self.first(pattern, line, 0) is not None)
        at = 0
        while at <= len(line) and (span := self.first(pattern, line, at)) is not None:
            begin, end = span
            if end > begin:
                self.print(line[begin:end], number, b":", labelled)
            at = end if end > begin else end + 1

    def selects(self, line: bytes) -> bool:
        return any(self.first(pattern, line, 0) is not None for pattern in self.patterns) != self.inverted

    def first(self, pattern: Regex, line: bytes, at: int) -> tuple[int, int] | None:
        """The leftmost match at or after `at` that is a whole word or line where that is asked for."""
        if self.whole_line:
            return (0, len(line)) if at == 0 and pattern.pattern.fullmatch(line) else None
        while (match := pattern.search(line, at)) is not None:
            begin, end = match.span()
            if not self.word:
                return begin, end
            if not (begin and _WORD.match(line, begin - 1)) and not _WORD.match(line, end):
                return begin, end
            shorter = next(
                (stop for stop in range(end - 1, begin, -1)
                 if not (begin and _WORD.match(line, begin - 1)) and not _WORD.match(line, stop)
                 and pattern.pattern.fullmatch(line, begin, stop)), 0,
            )  # fmt: skip
            if shorter:
                return begin, shorter
            at = begin + 1
            if at > len(line):
                break
        return None


def split_records(data: bytes, end: bytes) -> list[bytes]:
    """Records that end in `end`; the last may lack it."""
    records = data.split(end)
    if records and not records[-1]:
        records.pop()
    return records
