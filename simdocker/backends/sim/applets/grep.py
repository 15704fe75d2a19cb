"""grep, egrep and fgrep."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Usage, decode, encode, options
from simdocker.backends.sim.applets.input import Input, open_input, read_named
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex
from simdocker.backends.sim.applets.tree import is_directory, join

Status = Generator[Event, Any, int]
_LONG = {"color": "K", "quiet": "q", "ignore-case": "i", "invert-match": "v", "count": "c", "recursive": "r"}


@applet("grep", "egrep", "fgrep")
def grep(call: Call) -> Status:
    args = [arg for arg in call.args if not arg.startswith(("--color", "--colour"))]
    call.args = [f"-C{arg[1:]}" if re.fullmatch(r"-\d+", arg) else arg for arg in args]
    found = options(call, "lnqvscFiHhe:*f:*LorRm:A:B:C:EwxzaI".replace("*", ""), _LONG)
    search = _Search(call, found)
    yield from search.patterns()
    return (yield from search.all())


class _Search:
    def __init__(self, call: Call, found: Options) -> None:
        self.call = call
        self.found = found
        self.names = list(found.args)
        self.matchers: list[re.Pattern[str]] = []
        self.failed = False
        self.matched = False
        around = found.value("C")
        self.after = self.number(found.value("A", around or "0"))
        self.before = self.number(found.value("B", around or "0"))
        self.limit = self.number(found.value("m")) if "m" in found else -1
        self.last_shown = 0
        self.separator = False

    def number(self, text: str) -> int:
        if not text.isdigit():
            raise Failure(f"invalid number '{text}'")
        return int(text)

    def patterns(self) -> Generator[Event, Any, None]:
        """Process: collect the patterns of -e, of -f and of the first operand."""
        found = self.found
        texts = [line for text in found.values.get("e", []) for line in text.split("\n")]
        for name in found.values.get("f", []):
            data = yield from read_named(self.call, name, message="{}: {}")
            if data is None:
                raise Failure("", 2)
            texts += decode(data).removesuffix("\n").split("\n")
        if "e" not in found and "f" not in found:
            if not self.names:
                raise Usage(status=2)
            texts += self.names.pop(0).split("\n")
        extended = "E" in found or self.call.name == "egrep"
        fixed = "F" in found or self.call.name == "fgrep"
        for text in texts:
            try:
                if fixed:
                    pattern = re.compile(re.escape(text), re.IGNORECASE if "i" in found else 0)
                else:
                    pattern = compile_regex(text, extended=extended, ignore_case="i" in found)
            except BadRegex as error:
                del error
                raise Failure(f"bad regex '{text}'", 2) from None
            self.matchers.append(pattern)

    def all(self) -> Status:
        found = self.found
        recursive = "r" in found or "R" in found
        names = self.names or (["."] if recursive else ["-"])
        self.headers = ("H" in found or len(names) > 1 or recursive) and "h" not in found
        for name in names:
            if recursive and name != "-" and is_directory(self.call.p, name):
                yield from self.walk(name if self.names else "", top=True)
            else:
                yield from self.file(name)
            if self.matched and "q" in found:
                return 0
        return 2 if self.failed and not ("q" in found and self.matched) else int(not self.matched)

    def walk(self, path: str, *, top: bool = False) -> Generator[Event, Any, None]:
        p = self.call.p
        try:
            names = p.listdir(path or ".")
        except OSError as error:
            self.complain(path, error)
            return
        for name in names:
            inner = join(path, name) if path else name
            if is_directory(p, inner, follow="R" in self.found):
                yield from self.walk(inner)
            elif self.readable(inner):
                yield from self.file(inner)

    def readable(self, path: str) -> bool:
        """-r leaves out devices, pipes and, but for -R, links."""
        try:
            mode = (self.call.p.stat(path) if "R" in self.found else self.call.p.lstat(path)).st_mode
        except OSError:
            return False
        return mode & 0o170000 == 0o100000

    def complain(self, name: str, error: OSError) -> None:
        self.failed = True
        if "s" not in self.found:
            self.call.complain(f"{name}: {error.strerror}")

    def file(self, name: str) -> Generator[Event, Any, None]:
        """Process: search one file."""
        if name == "-":
            source = open_input(self.call, "-")
            assert source is not None
        else:
            try:
                source = Input(self.call, self.call.p.open(name), name)
            except OSError as error:
                self.complain(name, error)
                return
        try:
            yield from self.lines(source, "(standard input)" if name == "-" else name)
        except OSError:
            pass  # a directory: busybox reads nothing from it and says nothing
        finally:
            source.close()

    def lines(self, source: Input, name: str) -> Generator[Event, Any, None]:
        found, call = self.found, self.call
        count, number, trailing = 0, 0, 0
        waiting: list[tuple[int, str]] = []
        self.last_shown = 0
        quiet = any(flag in found for flag in "qlLc")
        whole = (yield from source.all()).split(b"\0") if "z" in found else None
        if whole and not whole[-1]:
            whole.pop()
        while True:
            if whole is not None:
                if number >= len(whole):
                    break
                raw = whole[number]
            else:
                raw = yield from source.line()
                if not raw:
                    break
            number += 1
            line = decode(raw.removesuffix(b"\n"))
            spans = self.matches(line)
            if bool(spans) != ("v" in found):
                count += 1
                self.matched = True
                if "q" in found or "l" in found or "L" in found:
                    break
                if not quiet:
                    for before_number, text in waiting:
                        self.show(name, before_number, "-", text)
                    waiting = []
                    if "o" in found:
                        if "v" not in found:
                            for start, end in self.spans(line):
                                self.show(name, number, ":", line[start:end])
                    else:
                        self.show(name, number, ":", line)
                trailing = self.after
                if self.limit >= 0 and count >= self.limit:
                    break
            elif not quiet and trailing:
                trailing -= 1
                self.show(name, number, "-", line)
            elif self.before and not quiet:
                waiting = [*waiting, (number, line)][-self.before :]
            if not source.buffer:
                yield from call.flush()
        if "c" in found and "q" not in found:
            call.out(f"{name}:{count}\n" if self.headers else f"{count}\n")
        elif "l" in found and count or "L" in found and not count:
            call.out(f"{name}\n")
            self.matched = True if "L" in found else self.matched
        yield from call.flush()

    def matches(self, line: str) -> bool:
        return any(self.accept(match, line) for pattern in self.matchers for match in _candidates(pattern, line))

    def accept(self, match: re.Match[str], line: str) -> bool:
        start, end = match.span()
        if "x" in self.found:
            return start == 0 and end == len(line)
        if "w" in self.found:
            before, after = line[start - 1 : start], line[end : end + 1]
            return not _word(before) and not _word(after)
        return True

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where the patterns match, for -o: leftmost, longest, not empty."""
        result = []
        position = 0
        while position <= len(line):
            best: tuple[int, int] | None = None
            for pattern in self.matchers:
                at = position
                while match := pattern.search(line, at):
                    if match.end() > match.start() and self.accept(match, line):
                        span = match.span()
                        if best is None or (span[0], -span[1]) < (best[0], -best[1]):
                            best = span
                        break
                    at = match.start() + 1
                    if at > len(line):
                        break
            if best is None:
                break
            result.append(best)
            position = best[1]
        return result

    def show(self, name: str, number: int, mark: str, text: str) -> None:
        if (self.before or self.after) and self.last_shown and number > self.last_shown + 1:
            self.call.out("--\n")
        elif (self.before or self.after) and not self.last_shown and self.separator:
            self.call.out("--\n")
        self.separator = True
        self.last_shown = number
        prefix = f"{name}{mark}" if self.headers else ""
        if "n" in self.found:
            prefix += f"{number}{mark}"
        self.call.out(encode(f"{prefix}{text}") + (b"\0" if "z" in self.found and "o" not in self.found else b"\n"))


def _word(char: str) -> bool:
    return char == "_" or char.isalnum()


def _candidates(pattern: re.Pattern[str], line: str) -> list[re.Match[str]]:
    match = pattern.search(line)
    if not match:
        return []
    full = pattern.fullmatch(line)
    return [*([full] if full else []), *pattern.finditer(line)]


