"""Applets about columns: cut, paste, nl, fold, expand and unexpand."""

from __future__ import annotations

import re

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, decode, encode, options
from simdocker.backends.sim.applets.input import Input, open_input, read_named, split_lines, standard_input


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
