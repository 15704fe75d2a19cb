"""Applets that read text and print it changed: cat, head, tail, wc, cut, tr and their kin."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Usage, decode, encode, options
from simdocker.backends.sim.applets.input import Input, open_input, read_named, split_lines, standard_input
from simdocker.backends.sim.applets.tree import is_directory

Status = Generator[Event, Any, int]
_SUFFIXES = {"b": 512, "k": 1024, "K": 1024, "m": 1 << 20, "M": 1 << 20, "g": 1 << 30, "G": 1 << 30}


def sized(text: str) -> int:
    """A count with busybox's suffixes b, k, m. Raises Failure."""
    match = re.fullmatch(r"(\d+)([bkKmMgG]?)", text)
    if not match:
        raise Failure(f"invalid number '{text}'")
    return int(match.group(1)) * _SUFFIXES.get(match.group(2), 1)


@applet("cat")
def cat(call: Call) -> Status:
    found = options(call, "nbvteAu")
    visible = any(flag in found for flag in "vteA")
    number_all, number_full = "n" in found, "b" in found
    status, line_number = 0, 0
    for name in found.args or ["-"]:
        source = open_input(call, name)
        if source is None:
            status = 1
            continue
        try:
            if not visible and not number_all and not number_full:
                while data := (yield from source.chunk()):
                    call.out(data)
                    yield from call.flush()
                continue
            while line := (yield from source.line()):
                if (number_all and not number_full) or (number_full and line != b"\n"):
                    line_number += 1
                    call.out(f"{line_number:6}\t")
                call.out(
                    _visible(line, "t" in found or "A" in found, "e" in found or "A" in found) if visible else line
                )
            yield from call.flush()
        except OSError as error:
            call.complain(f"read error: {error.strerror}")
            status = 1
        finally:
            source.close()
    return status


def _visible(line: bytes, tabs: bool, ends: bool) -> bytes:
    result = bytearray()
    for byte in line:
        if byte == 10:
            result += b"$\n" if ends else b"\n"
            continue
        if byte >= 128:
            result += b"M-"
            byte -= 128
        if byte == 9 and not tabs:
            result.append(9)
        elif byte < 32:
            result += b"^" + bytes([byte + 64])
        elif byte == 127:
            result += b"^?"
        else:
            result.append(byte)
    return bytes(result)


@applet("tac")
def tac(call: Call) -> Status:
    options(call, "")
    status = 0
    lines: list[bytes] = []
    for name in call.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
        else:
            lines += data.splitlines(keepends=True) if b"\r" not in data else re.findall(rb"[^\n]*\n|[^\n]+", data)
    for line in reversed(lines):
        call.out(line)
    return status


@applet("rev")
def rev(call: Call) -> Status:
    options(call, "")
    status = 0
    for name in call.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
            continue
        for line in re.findall(rb"[^\n]*\n|[^\n]+", data):
            text = decode(line)
            call.out(text[:-1][::-1] + "\n" if text.endswith("\n") else text[::-1])
    return status


# head and tail


def _old_style(call: Call, letters: str = "nc") -> None:
    """`head -5` means `head -n 5`."""
    if call.args and (match := re.fullmatch(r"([-+])(\d+\w?)", call.args[0])):
        value = match.group(2) if match.group(1) == "-" else match.group()
        call.args[:1] = ["-n", value]


@applet("head")
def head(call: Call) -> Status:
    _old_style(call)
    found = options(call, "n:c:qv", short=True)
    by_bytes = "c" in found
    text = found.value("c" if by_bytes else "n", "10")
    drop = text.startswith("-")
    count = sized(text.lstrip("-+"))
    names = found.args or ["-"]
    headers = ("v" in found or len(names) > 1) and "q" not in found
    status = 0
    shown = False
    for name in names:
        source = open_input(call, name, message="{}: {}")
        if source is None:
            status = 1
            continue
        if headers:
            call.out(f"{'' if not shown else chr(10)}==> {'standard input' if name == '-' else name} <==\n")
        shown = True
        try:
            if drop:
                data = yield from source.all()
                pieces = (
                    [data[i : i + 1] for i in range(len(data))] if by_bytes else re.findall(rb"[^\n]*\n|[^\n]+", data)
                )
                call.out(b"".join(pieces[: max(len(pieces) - count, 0)]))
            elif by_bytes:
                left = count
                while left and (data := (yield from source.chunk(min(left, 65536)))):
                    call.out(data)
                    left -= len(data)
                    yield from call.flush()
            else:
                for _ in range(count):
                    line = yield from source.line()
                    if not line:
                        break
                    call.out(line)
                _give_back(source)
            yield from call.flush()
        except OSError:
            call.complain(f"{name}: Input/output error")
            status = 1
        finally:
            source.close()
    return status


def _give_back(source: Input) -> None:
    """Leave what was read ahead to the next reader of a file, as a seekable stdin does at exit."""
    seek = getattr(source.file, "seek", None)
    if source.buffer and not source.owned and seek is not None:
        try:
            seek(-len(source.buffer), 1)
        except OSError:
            return


@applet("tail")
def tail(call: Call) -> Status:
    _old_style(call)
    found = options(call, "n:c:qvfFs:")
    by_bytes = "c" in found
    text = found.value("c" if by_bytes else "n", "10")
    from_start = text.startswith("+")
    count = sized(text.lstrip("-+"))
    names = found.args or ["-"]
    headers = ("v" in found or len(names) > 1) and "q" not in found
    follow = "f" in found or "F" in found
    status = 0
    opened: list[Input] = []
    shown = ""
    for name in names:
        source = open_input(call, name)
        if source is None:
            status = 1
            continue
        if headers:
            call.out(f"{chr(10) if opened else ''}==> {name} <==\n")
        shown = name
        opened.append(source)
        try:
            data = yield from source.all()
        except OSError as error:
            call.complain(f"read error: {error.strerror}")
            status = 1
            continue
        call.out(_last(data, count, by_bytes, from_start))
        yield from call.flush()
    if not opened:
        if status:
            call.complain("no files")
        return status
    period = int(float(found.value("s", "1")) * 1e9)
    while follow:
        yield from call.p.sleep(period)
        for source in opened:
            source.ended = False
            data = yield from source.all()
            if data:
                if headers and shown != source.name:
                    call.out(f"\n==> {source.name} <==\n")
                    shown = source.name
                call.out(data)
                yield from call.flush()
    for source in opened:
        source.close()
    return status


def _last(data: bytes, count: int, by_bytes: bool, from_start: bool) -> bytes:
    if by_bytes:
        if from_start:
            return data[max(count - 1, 0) :]
        return data[-count:] if count else b""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    if from_start:
        return b"".join(lines[max(count - 1, 0) :])
    return b"".join(lines[-count:]) if count else b""


@applet("wc")
def wc(call: Call) -> Status:
    found = options(call, "clwmL")
    columns = [flag for flag in "lwmcL" if flag in found] or ["l", "w", "c"]
    names = found.args or ["-"]
    status = 0
    totals = dict.fromkeys("lwmcL", 0)
    width = 0 if len(columns) == 1 and len(names) == 1 else 9
    for name in names:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
            if _is_directory(call, name):
                _counts(call, [0] * len(columns), name, width)
            continue
        text = data.decode("latin-1")
        counts = {
            "l": data.count(b"\n"),
            "w": len(data.split()),
            "m": len(text),
            "c": len(data),
            "L": max((len(line.expandtabs(8)) for line in text.split("\n")), default=0),
        }
        for flag in columns:
            totals[flag] = max(totals[flag], counts[flag]) if flag == "L" else totals[flag] + counts[flag]
        _counts(call, [counts[flag] for flag in columns], name if found.args else "", width)
    if len(names) > 1:
        _counts(call, [totals[flag] for flag in columns], "total", width)
    return status


def _is_directory(call: Call, name: str) -> bool:
    return is_directory(call.p, name)


def _counts(call: Call, values: list[int], name: str, width: int) -> None:
    text = " ".join(f"{value:{width}}" if width else str(value) for value in values)
    call.out(f"{text} {name}\n" if name else f"{text}\n")


# columns and characters


def ranges(text: str) -> list[tuple[int, int]]:
    """cut's list: `1,3-5,7-`, from 1, as (first, last) from 0; last -1 is the end."""
    result = []
    for piece in text.split(","):
        match = re.fullmatch(r"(\d*)(-?)(\d*)", piece)
        if not match:
            raise Failure(f"invalid number '{piece}'")
        if not piece or piece == "-":
            raise Failure("missing list of positions")
        first = int(match.group(1) or 1)
        last = int(match.group(3)) if match.group(3) else (-1 if match.group(2) else first)
        if first == 0 and not match.group(2):
            continue  # busybox takes field 0 for none at all
        if first < 1 or (last != -1 and last < first):
            raise Failure(f"invalid range {piece}")
        result.append((first - 1, last - 1 if last != -1 else -1))
    return sorted(result)


@applet("cut")
def cut(call: Call) -> Status:
    found = options(call, "b:c:f:d:snD", {"characters": "c", "bytes": "b", "fields": "f", "delimiter": "d"})
    kinds = [flag for flag in "bcf" if flag in found]
    if not kinds:
        raise Failure("expected a list of bytes, characters, or fields")
    if len(kinds) > 1:
        raise Usage
    kind = kinds[0]
    if kind != "f" and "d" in found:
        raise Failure("a delimiter may be specified only when operating on fields")
    if kind != "f" and "s" in found:
        raise Failure("suppressing non-delimited lines makes sense only when operating on fields")
    selection = ranges(found.value(kind))
    delimiter = encode(found.value("d", "\t"))[:1] or b"\0"
    status = 0
    for name in found.args or ["-"]:
        source = open_input(call, name, message="{}: {}")
        if source is None:
            status = 1
            continue
        while line := (yield from source.line()):
            line = line.removesuffix(b"\n")
            if kind != "f":
                call.out(b"".join(_slice(line, first, last) for first, last in _merged(selection)) + b"\n")
            elif delimiter not in line:
                if "s" not in found:
                    call.out(line + b"\n")
            else:
                fields = line.split(delimiter)
                chosen = [field for pair in _merged(selection) for field in _pick(fields, *pair)]
                call.out(delimiter.join(chosen) + b"\n")
            if not source.buffer:
                yield from call.flush()
        source.close()
    return status


def _merged(selection: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in selection:
        if merged and (merged[-1][1] == -1 or first <= merged[-1][1]):
            if merged[-1][1] != -1:
                merged[-1] = (merged[-1][0], -1 if last == -1 else max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _slice(line: bytes, first: int, last: int) -> bytes:
    return line[first:] if last == -1 else line[first : last + 1]


def _pick(fields: list[bytes], first: int, last: int) -> list[bytes]:
    return fields[first:] if last == -1 else fields[first : last + 1]


_CLASSES: dict[str, Callable[[int], bool]] = {
    "alpha": lambda c: chr(c).isalpha() and c < 128, "digit": lambda c: 48 <= c <= 57,
    "alnum": lambda c: c < 128 and chr(c).isalnum(), "upper": lambda c: 65 <= c <= 90,
    "lower": lambda c: 97 <= c <= 122, "space": lambda c: c in b" \t\n\r\f\v", "blank": lambda c: c in b" \t",
    "punct": lambda c: 33 <= c < 127 and not chr(c).isalnum(), "cntrl": lambda c: c < 32 or c == 127,
    "xdigit": lambda c: c < 128 and chr(c) in "0123456789abcdefABCDEF", "print": lambda c: 32 <= c < 127,
    "graph": lambda c: 33 <= c < 127,
}  # fmt: skip


def _set(text: str) -> bytes:
    """The characters of a tr set: escapes, ranges, classes."""
    data = bytearray()
    raw = encode(text)
    at = 0
    while at < len(raw):
        if raw.startswith(b"[:", at) and (end := raw.find(b":]", at)) > 0:
            name = raw[at + 2 : end].decode()
            if name in _CLASSES:
                data += bytes(code for code in range(256) if _CLASSES[name](code))
                at = end + 2
                continue
        first, at = _set_char(raw, at)
        if raw[at : at + 1] == b"-" and at + 1 < len(raw):
            last, at = _set_char(raw, at + 1)
            if last < first:
                raise Failure(f"range endpoints of '{chr(first)}-{chr(last)}' are in reverse order")
            data += bytes(range(first, last + 1))
        else:
            data.append(first)
    return bytes(data)


def _set_char(raw: bytes, at: int) -> tuple[int, int]:
    if raw[at : at + 1] != b"\\" or at + 1 >= len(raw):
        return raw[at], at + 1
    if match := re.compile(rb"[0-7]{1,3}").match(raw, at + 1):
        return int(match.group(), 8) & 255, match.end()
    letter = chr(raw[at + 1])
    return {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11}.get(letter, raw[at + 1]), at + 2


@applet("tr")
def tr(call: Call) -> Status:
    found = options(call, "cCds", permute=False)
    complement, delete, squeeze = "c" in found or "C" in found, "d" in found, "s" in found
    if not found.args:
        raise Usage
    first = _set(found.args[0])
    second = _set(found.args[1]) if len(found.args) > 1 else b""
    if complement:
        first = bytes(code for code in range(256) if code not in first)
    table = None
    if not delete and second:
        full = second + second[-1:] * (len(first) - len(second))
        mapping = list(range(256))
        for source, target in zip(first, full, strict=False):
            mapping[source] = target
        table = bytes(mapping)
    squeezed = second if len(found.args) > 1 else first
    pattern = (
        re.compile(b"([" + b"".join(re.escape(bytes([code])) for code in squeezed) + b"])\\1+")
        if (squeeze and squeezed)
        else None
    )
    source_input = standard_input(call)
    last = b""
    while data := (yield from source_input.chunk()):
        data = data.translate(None, first) if delete else data.translate(table)
        if pattern is not None and data:
            whole = pattern.sub(rb"\1", last + data)
            data = whole[len(last) :]
            last = data[-1:] or last
        call.out(data)
        yield from call.flush()
    return 0


@applet("tee")
def tee(call: Call) -> Status:
    found = options(call, "ai")
    status = 0
    files = []
    for name in found.args:
        try:
            files.append(call.p.open(name, "a" if "a" in found else "w"))
        except OSError as error:
            call.complain(f"{name}: {error.strerror}")
            status = 1
    source = standard_input(call)
    while data := (yield from source.chunk()):
        call.out(data)
        yield from call.flush()
        for file in files:
            yield from file.write(data)
    for file in files:
        file.close()
    return status


@applet("yes")
def yes(call: Call) -> Status:
    line = encode(" ".join(call.args or ["y"]) + "\n")
    block = line * max(1, 4096 // len(line))
    while True:
        call.out(block)
        yield from call.flush()
        yield from call.p.compute(2000)


@applet("nl")
def nl(call: Call) -> Status:
    found = options(call, "b:i:s:v:w:p")
    style = found.value("b", "t")
    step, separator = int(found.value("i", "1")), found.value("s", "\t")
    number, width = int(found.value("v", "1")), int(found.value("w", "6"))
    status = 0
    for name in found.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
            continue
        for line in split_lines(data):
            if style == "a" or (style == "t" and line):
                call.out(f"{number:{width}}{separator}")
                number += step
            else:
                call.out(" " * (width + len(separator)))
            call.out(line + b"\n")
    return status


@applet("paste")
def paste(call: Call) -> Status:
    found = options(call, "d:s")
    delimiters = re.sub(
        r"\\(.)", lambda match: {"n": "\n", "t": "\t", "0": "", "\\": "\\"}.get(match.group(1), match.group(1)),
        found.value("d", "\t"),
    ) or "\0"  # fmt: skip
    delimiters = "" if delimiters == "\0" else delimiters
    standard = standard_input(call)
    inputs: list[Input | None] = []
    for name in found.args or ["-"]:
        inputs.append(standard if name == "-" else open_input(call, name, message="{}: {}"))
        if inputs[-1] is None:
            return 1
    if "s" in found:
        for each in inputs:
            assert each is not None
            _joined(call, split_lines((yield from each.all())), delimiters)
        return 0
    while any(inputs):
        used = 0
        for index, source in enumerate(inputs):
            if source is None:
                continue
            line = yield from source.line()
            if not line:
                inputs[index] = None  # what ends gives no more delimiters either
                continue
            call.out(line.removesuffix(b"\n"))
            if index == len(inputs) - 1:
                call.out("\n")
            elif delimiters:
                call.out(delimiters[used % len(delimiters)])
                used += 1
    return 0


def _joined(call: Call, cells: list[bytes], delimiters: str) -> None:
    for index, cell in enumerate(cells):
        if index:
            call.out(delimiters[(index - 1) % len(delimiters)] if delimiters else "")
        call.out(cell)
    call.out("\n")


@applet("fold")
def fold(call: Call) -> Status:
    if call.args and re.fullmatch(r"-\d+", call.args[0]):
        call.args[:1] = ["-w", call.args[0][1:]]
    found = options(call, "bsw:")
    width = int(found.value("w", "80"))
    status = 0
    for name in found.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
            continue
        for line in re.findall(rb"[^\n]*\n|[^\n]+", data):
            text = decode(line)
            end = "\n" if text.endswith("\n") else ""
            text = text.removesuffix("\n")
            while len(text) > width:
                cut_at = width
                if "s" in found and (space := max(text.rfind(" ", 0, width), text.rfind("\t", 0, width))) >= 0:
                    cut_at = space + 1
                call.out(text[:cut_at] + "\n")
                text = text[cut_at:]
            call.out(text + end)
    return status


@applet("expand")
def expand(call: Call) -> Status:
    found = options(call, "it:", {"initial": "i", "tabs": "t"})
    width = int(found.value("t", "8"))
    status = 0
    for name in found.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
            continue
        call.out("".join(line.expandtabs(width) for line in decode(data).splitlines(keepends=True)))
    return status


@applet("unexpand")
def unexpand(call: Call) -> Status:
    found = options(call, "ft:a", {"first-only": "f", "tabs": "t", "all": "a"})
    width = int(found.value("t", "8"))
    for name in found.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            return 1
        for line in decode(data).splitlines(keepends=True):
            body = line.lstrip(" ")
            blanks = len(line) - len(body)
            call.out("\t" * (blanks // width) + " " * (blanks % width) + body)
    return 0


@applet("dos2unix", "unix2dos")
def line_ends(call: Call) -> Status:
    found = options(call, "ud")
    to_unix = call.name == "dos2unix" if not ("u" in found or "d" in found) else "u" in found
    for name in found.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            return 1
        data = data.replace(b"\r\n", b"\n")
        if not to_unix:
            data = data.replace(b"\n", b"\r\n")
        if name == "-":
            call.out(data)
        else:
            call.p.write_file(name, data)
    return 0


@applet("ts")
def ts(call: Call) -> Status:
    from simdocker.backends.sim.applets.clock import strftime, wall_ns

    found = options(call, "is")
    layout = found.args[0] if found.args else "%b %d %H:%M:%S"
    source = standard_input(call)
    while line := (yield from source.line()):
        call.out(f"{strftime(layout, wall_ns(call.p))} ")
        call.out(line)
        yield from call.flush()
    return 0
