"""Applets that replace characters: tr, dos2unix and unix2dos."""

from __future__ import annotations

import re
from collections.abc import Callable

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, encode, options
from simdocker.backends.sim.applets.input import read_named, standard_input

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
