"""Applets that pass text on, whole or in part: cat, tac, rev, head, tail, wc, tee, yes and ts."""

from __future__ import annotations

import errno
import re

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, decode, encode, options
from simdocker.backends.sim.applets.input import Input, open_input, read_named, standard_input
from simdocker.backends.sim.applets.tree import is_directory

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


@applet("tee")
def tee(call: Call) -> Status:
    found = options(call, "ai")
    status = 0
    files = []
    full: set[str] = set()
    for name in found.args:
        try:
            files.append((name, call.p.open(name, "a" if "a" in found else "w")))
        except OSError as error:
            call.complain(f"{name}: {error.strerror}")
            status = 1
    source = standard_input(call)
    while data := (yield from source.chunk()):
        call.out(data)
        yield from call.flush()
        for name, file in files:
            try:
                yield from file.write(data)
            except OSError as error:
                if error.errno == errno.EPIPE:
                    raise
                full.add(name)
    for name, file in files:
        file.close()
        if name in full:  # stdio has kept it to itself until it closes the file
            call.complain(f"{name}: I/O error")
            status = 1
    return status


@applet("yes")
def yes(call: Call) -> Status:
    line = encode(" ".join(call.args or ["y"]) + "\n")
    block = line * max(1, 4096 // len(line))
    while True:
        call.out(block)
        yield from call.flush()
        yield from call.p.compute(2000)


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
