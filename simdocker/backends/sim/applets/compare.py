"""cmp and diff; this busybox's diff writes unified diffs only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, decode, encode, options
from simdocker.backends.sim.applets.input import must_read
from simdocker.backends.sim.applets.tree import DIRECTORY, base, exists, is_directory, join, kind


@applet("cmp")
def cmp(call: Call) -> Status:
    found = options(call, "lsn:")
    if not 1 <= len(found.args) <= 4:
        raise Usage
    first = found.args[0]
    second = found.args[1] if len(found.args) > 1 else "-"
    contents = []
    for name, skip in zip((first, second), ([*found.args[2:], "0", "0"])[:2], strict=True):
        try:
            data = yield from must_read(call, name)
        except Failure as failure:
            raise Failure(failure.message, 2) from None
        contents.append(data[int(skip) :])
    a, b = contents
    if "n" in found:
        a, b = a[: int(found.value("n"))], b[: int(found.value("n"))]
    status = 0
    for at, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            status = 1
            if "l" in found:
                call.out(f"{at + 1} {x:3o} {y:3o}\n")
                continue
            if "s" not in found:
                line = a.count(b"\n", 0, at) + 1
                call.out(f"{first} {second} differ: char {at + 1}, line {line}\n")
            return 1
    if len(a) != len(b):
        if "s" not in found:
            call.complain(f"EOF on {first if len(a) < len(b) else second}")
        return 1
    return status


@applet("diff")
def diff(call: Call) -> Status:
    found = options(
        call, "abdiL:NqrsS:tTU:uwB",
        {"ignore-case": "i", "recursive": "r", "brief": "q", "new-file": "N", "unified": "U", "label": "L",
         "report-identical-files": "s", "ignore-all-space": "w", "ignore-space-change": "b"},
    )  # fmt: skip
    if len(found.args) != 2:
        raise Usage
    first, second = found.args
    comparison = _Diff(call, found)
    stats = []
    for name in (first, second):
        if name == "-":
            stats.append(0)
            continue
        try:
            stats.append(kind(call.p.stat(name)))
        except OSError as error:
            if "N" in found:
                stats.append(0)
                continue
            raise Failure(f"can't stat '{name}': {error.strerror}", 2) from None
    if stats == [DIRECTORY, DIRECTORY]:
        yield from comparison.directories(first, second)
    else:
        if stats[0] == DIRECTORY:
            first = join(first, base(second))
        elif stats[1] == DIRECTORY:
            second = join(second, base(first))
        yield from comparison.files(first, second)
    return comparison.status


class _Diff:
    def __init__(self, call: Call, found: Options) -> None:
        self.call = call
        self.found = found
        self.context = int(found.value("U", "3")) if found.value("U", "3").isdigit() else 3
        self.status = 0

    def directories(self, first: str, second: str) -> Generator[Event, Any, None]:
        p = self.call.p
        names = sorted({*p.listdir(first), *p.listdir(second)}, key=encode)
        for name in names:
            a, b = join(first, name), join(second, name)
            there, here = exists(p, a), exists(p, b)
            if not (there and here) and "N" not in self.found:
                self.call.out(f"Only in {first if there else second}: {name}\n")
                self.status = 1
                continue
            if is_directory(p, a) and is_directory(p, b):
                if "r" in self.found:
                    yield from self.directories(a, b)
                else:
                    self.call.out(f"Common subdirectories: {a} and {b}\n")
                continue
            yield from self.files(a, b)

    def read(self, name: str) -> Generator[Event, Any, bytes]:
        if "N" in self.found and name != "-" and not exists(self.call.p, name):
            return b""
        try:
            return (yield from must_read(self.call, name))
        except Failure as failure:
            raise Failure(failure.message, 2) from None

    def key(self, line: str) -> str:
        if "i" in self.found:
            line = line.lower()
        if "w" in self.found:
            return re.sub(r"\s+", "", line)
        if "b" in self.found:
            return re.sub(r"\s+", " ", line).rstrip()
        return line

    def files(self, first: str, second: str) -> Generator[Event, Any, None]:
        if first == second != "-":
            return
        a, b = (yield from self.read(first)), (yield from self.read(second))
        old, new = (decode(data).splitlines(keepends=True) for data in (a, b))
        same = [self.key(line) for line in old] == [self.key(line) for line in new]
        if same:
            if "s" in self.found:
                self.call.out(f"Files {first} and {second} are identical\n")
            return
        self.status = 1
        if "q" in self.found:
            self.call.out(f"Files {first} and {second} differ\n")
            return
        if "a" not in self.found and (b"\0" in a or b"\0" in b):
            self.call.out(f"Files {first} and {second} differ\n")
            return
        labels = self.found.values.get("L", [])
        for mark, name, index in (("---", first, 0), ("+++", second, 1)):
            self.call.out(f"{mark} {labels[index] if index < len(labels) else name}\n")
        self.hunks(old, new)

    def hunks(self, old: list[str], new: list[str]) -> None:
        matcher = difflib.SequenceMatcher(
            None, [self.key(line) for line in old], [self.key(line) for line in new], autojunk=False
        )
        for group in matcher.get_grouped_opcodes(self.context):
            first, last = group[0], group[-1]
            self.call.out(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n")
            for tag, a1, a2, b1, b2 in group:
                if tag == "equal":
                    for line in old[a1:a2]:
                        self.line(" ", line)
                    continue
                for line in old[a1:a2]:
                    self.line("-", line)
                for line in new[b1:b2]:
                    self.line("+", line)

    def line(self, mark: str, line: str) -> None:
        if "t" in self.found:
            line = line.expandtabs(8)
        self.call.out(f"{mark}{line}")
        if not line.endswith("\n"):
            self.call.out("\n\\ No newline at end of file\n")


def _range(start: int, stop: int) -> str:
    """`first,count` of a hunk, `first` alone for one line."""
    count = stop - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"
