"""od, hexdump, xxd and strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.input import must_read, read_named, standard_input
from simdocker.backends.sim.applets.text import sized

_NAMED = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
_ASCII = (
    "nul soh stx etx eot enq ack bel bs ht nl vt ff cr so si dle dc1 dc2 dc3 dc4 nak syn etb can em sub esc fs gs "
    "rs us sp"
).split()


def _all(call: Call, names: list[str]) -> Generator[Event, Any, tuple[bytes, int]]:
    """Process: the files one after the other, and a status."""
    pieces, status = [], 0
    for name in names or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
        else:
            pieces.append(data)
    return b"".join(pieces), status


def character(byte: int) -> str:
    """A byte as `od -c` and `hexdump -c` show it."""
    return _NAMED.get(byte) or (chr(byte) if 32 <= byte < 127 else f"{byte:03o}")


# od

Cells = Callable[[bytes], str]


def _integers(size: int, width: int, form: str) -> Cells:
    def cells(row: bytes) -> str:
        texts = []
        for at in range(0, len(row), size):
            piece = row[at : at + size].ljust(size, b"\0")
            number = int.from_bytes(piece, "little", signed=form == "d")
            digits = {"o": f"{number:0{width}o}", "x": f"{number:0{width}x}"}.get(form, str(number))
            texts.append(f" {digits:>{width}}")
        return "".join(texts)

    return cells


def _od_type(text: str) -> list[Cells]:
    widths = {
        ("o", 1): 3, ("o", 2): 6, ("o", 4): 11, ("o", 8): 22, ("x", 1): 2, ("x", 2): 4, ("x", 4): 8, ("x", 8): 16,
        ("u", 1): 3, ("u", 2): 5, ("u", 4): 10, ("u", 8): 20, ("d", 1): 4, ("d", 2): 6, ("d", 4): 11, ("d", 8): 20,
    }  # fmt: skip
    result: list[Cells] = []
    for match in re.finditer(r"([doux])([1248CSIL]?)|([ac])|(.)", text):
        if match.group(4):
            raise Failure(f"invalid character '{match.group(4)}' in type string '{text}'")
        if match.group(3) == "c":
            result.append(lambda row: "".join(f" {character(byte):>3}" for byte in row))
        elif match.group(3) == "a":
            result.append(lambda row: "".join(f" {_ascii_name(byte):>3}" for byte in row))
        else:
            size = {"C": 1, "S": 2, "I": 4, "L": 8, "": 4}.get(match.group(2)) or int(match.group(2))
            result.append(_integers(size, widths[(match.group(1), size)], match.group(1)))
    return result


def _ascii_name(byte: int) -> str:
    byte &= 127
    return _ASCII[byte] if byte < 33 else "del" if byte == 127 else chr(byte)


@applet("od")
def od(call: Call) -> Status:
    found = options(call, "aA:bcdDeFfhHiIj:lLN:oOt:vw::xXs")
    shorthand = {"a": "a", "b": "o1", "c": "c", "d": "u2", "D": "u4", "h": "x2", "H": "x4", "i": "d2", "I": "d8",
                 "l": "d8", "L": "d8", "o": "o2", "O": "o4", "x": "x2", "X": "x4", "s": "d2"}  # fmt: skip
    forms = [cells for text in found.values.get("t", []) for cells in _od_type(text)]
    forms += [cells for flag in found.flags if flag in shorthand for cells in _od_type(shorthand[flag])]
    forms = forms or _od_type("o2")
    radix = found.value("A", "o")
    data, status = yield from _all(call, found.args)
    skip = sized(found.value("j", "0"))
    end = skip + sized(found.value("N")) if "N" in found else len(data)
    data, base = data[skip:end], skip
    width = int(found.value("w") or "32") if "w" in found else 16

    def address(offset: int) -> str:
        return {"n": "", "d": f"{offset:07}", "x": f"{offset:06x}"}.get(radix, f"{offset:07o}")

    previous, starred = b"", False
    for at in range(0, len(data), width):
        row = data[at : at + width]
        if row == previous and len(row) == width and "v" not in found and at + width < len(data):
            if not starred:
                call.out("*\n")
            starred = True
            continue
        previous, starred = row, False
        for index, cells in enumerate(forms):
            label = address(base + at)
            call.out((label if not index else " " * len(label)) + cells(row) + "\n")
    if radix != "n":
        call.out(f"{address(base + len(data))}\n")
    return status


# hexdump

_HEXDUMP: dict[str, Cells] = {
    "b": lambda row: "".join(f" {byte:03o}" for byte in row),
    "c": lambda row: "".join(f" {character(byte):>3}" for byte in row),
    "x": lambda row: "".join(f"    {word:04x}" for word in _words(row)),
    "d": lambda row: "".join(f"   {word:05d}" for word in _words(row)),
    "o": lambda row: "".join(f"  {word:06o}" for word in _words(row)),
    "": lambda row: "".join(f" {word:04x}" for word in _words(row)),
}


def _words(row: bytes) -> list[int]:
    return [int.from_bytes(row[at : at + 2], "little") for at in range(0, len(row), 2)]


@applet("hexdump")
def hexdump(call: Call) -> Status:
    found = options(call, "bcdoxCe:f:n:s:vR", short=True)
    data, status = yield from _all(call, found.args)
    skip = sized(found.value("s", "0"))
    end = skip + sized(found.value("n")) if "n" in found else len(data)
    data = data[skip:end]
    letter = next((flag for flag in "bcdox" if flag in found), "")
    canonical = "C" in found
    cells = _HEXDUMP[letter]
    full_width = {"": 40, "b": 64, "c": 64}.get(letter, 64)
    previous, starred = b"", False
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        if row == previous and len(row) == 16 and "v" not in found:
            if not starred:
                call.out("*\n")
            starred = True
            continue
        previous, starred = row, False
        if canonical:
            call.out(canonical_line(at + skip, row))
        else:
            call.out(f"{at + skip:07x}{cells(row):<{full_width}}\n")
    if data:
        call.out(f"{len(data) + skip:08x}\n" if canonical else f"{len(data) + skip:07x}\n")
    return status


def canonical_line(offset: int, row: bytes) -> str:
    """A row of `hexdump -C`."""
    halves = "  ".join(" ".join(f"{byte:02x}" for byte in row[half : half + 8]) for half in (0, 8))
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{offset:08x}  {halves:<50}|{text}|\n"


@applet("xxd")
def xxd(call: Call) -> Status:
    found = options(call, "l:s:ag:c:pri")
    if len(found.args) > 1:
        raise Usage
    name = found.args[0] if found.args else "-"
    if "r" in found:
        return (yield from _reverse(call, name, "p" in found))
    data = yield from must_read(call, name)
    skip = sized(found.value("s", "0"))
    data = data[skip : skip + sized(found.value("l")) if "l" in found else len(data)]
    if "p" in found:
        width = int(found.value("c", "30"))
        for at in range(0, len(data), width):
            call.out(data[at : at + width].hex() + "\n")
        return 0
    width, group = int(found.value("c", "16")), int(found.value("g", "2"))
    if "i" in found:
        call.out(", ".join(f"0x{byte:02x}" for byte in data) + "\n")
        return 0
    full = width * 2 + (-(-width // group) if group else 1)
    for at in range(0, len(data), width):
        row = data[at : at + width]
        hexed = " ".join(row[i : i + group].hex() for i in range(0, len(row), group)) if group else row.hex()
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        call.out(f"{at + skip:08x}: {hexed:<{full}} {text}\n")
    return 0


def _reverse(call: Call, name: str, plain: bool) -> Status:
    source = standard_input(call) if name == "-" else None
    data = (yield from source.all()) if source is not None else (yield from must_read(call, name))
    for line in data.decode("latin-1").splitlines():
        if not plain:
            _, _, line = line.partition(":")
            line = line.strip().partition("  ")[0]
        digits = "".join(re.findall(r"[0-9a-fA-F]{2}", line.replace(" ", "")))
        call.out(bytes.fromhex(digits))
    return 0


@applet("strings")
def strings(call: Call) -> Status:
    found = options(call, "afon:t:")
    least = int(found.value("n", "4"))
    status = 0
    for name in found.args or ["-"]:
        data = yield from read_named(call, name, message="{}: {}")
        if data is None:
            status = 1
            continue
        for match in re.finditer(rb"[\t\x20-\x7e]{%d,}" % least, data):
            prefix = f"{name}: " if "f" in found else ""
            if "o" in found or "t" in found:
                form = {"d": "d", "x": "x"}.get(found.value("t", "o"), "o")
                prefix += f"{match.start():7{form}} "
            call.out(prefix.encode() + match.group() + b"\n")
    return status
