"""A seccomp filter made short: neighbouring system calls that fare alike are decided as one range.

libseccomp compares with every system call's number; Docker's default profile is 1,200 instructions of it. The
kernel checks, copies and runs the filter through for each number whenever one is set, so length is paid at every
start and exec. What the filter decides is the same for every call; one made of what is not known here stays as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

LOAD, JUMP, EQUAL, GREATER, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
KNOWN = (LOAD, JUMP, EQUAL, GREATER, AT_LEAST, ANY_BIT, AND, RETURN)
BRANCHES = (EQUAL, GREATER, AT_LEAST, ANY_BIT)
NUMBER, ARCHITECTURE = 0, 4  # where struct seccomp_data has them
FARTHEST = 255  # instructions that a branch can pass over
LIMIT = 1 << 32


class Instruction(NamedTuple):
    """struct sock_filter"""

    code: int
    yes: int
    no: int
    value: int


Code = tuple[Instruction, ...]
FORMAT = struct.Struct("HBBI")


class Unknown(Exception):
    """The filter does something that is not understood here."""


def shortened(program: bytes) -> bytes:
    """The same filter in fewer instructions; itself where that is not possible."""
    code = parsed(program)
    try:
        short = _shortened(code)
    except Unknown:
        return program
    return b"".join(FORMAT.pack(*it) for it in short) if len(short) < len(code) else program


def parsed(program: bytes) -> Code:
    return tuple(Instruction(*it) for it in FORMAT.iter_unpack(program))


def _shortened(code: Code) -> Code:
    if any(it.code not in KNOWN for it in code):
        raise Unknown
    values = {it.value for it in code if it.code in BRANCHES}
    starts = sorted({0, *values, *(value + 1 for value in values if value + 1 < LIMIT)})
    other = next(value for value in range(LIMIT) if value not in values)
    made = _section(code, other, starts)
    for architecture in sorted(_architectures(code), reverse=True):
        section = _section(code, architecture, starts)
        made = _branch(EQUAL, architecture, section, made)
    return _endings_shared((Instruction(LOAD, 0, 0, ARCHITECTURE), *made))


def _architectures(code: Code) -> set[int]:
    """Every value that the architecture may be compared with."""
    seen, todo = set(), [(0, -1)]  # an instruction, and what is loaded before it
    while todo:
        at, loaded = todo.pop()
        if (at, loaded) in seen:
            continue
        seen.add((at, loaded))
        it = code[at]
        todo += [(after, it.value if it.code == LOAD else loaded) for after in _next(it, at)]
    return {code[at].value for at, loaded in seen if loaded == ARCHITECTURE and code[at].code == EQUAL}


def _section(code: Code, architecture: int, starts: Iterable[int]) -> Code:
    """What decides about the calls of one architecture."""
    ranges: list[tuple[int, Code]] = []
    known: dict[int, Code] = {}
    for number in starts:
        at = _decided(code, architecture, number)
        if at not in known:
            known[at] = _reachable(code, at)
        if not ranges or ranges[-1][1] != known[at]:
            ranges.append((number, known[at]))
    tree = _tree(ranges)
    return tree if len(ranges) == 1 else (Instruction(LOAD, 0, 0, NUMBER), *tree)


def _decided(code: Code, architecture: int, number: int) -> int:
    """Where the filter is when the number and the architecture have said what they can: at an argument, or the end."""
    at, loaded, value = 0, -1, 0
    while True:
        it = code[at]
        if it.code == RETURN or (it.code == LOAD and it.value not in (NUMBER, ARCHITECTURE)):
            return at
        at += 1
        if it.code == LOAD:
            loaded, value = it.value, number if it.value == NUMBER else architecture
        elif it.code == JUMP:
            at += it.value
        elif it.code == EQUAL and loaded >= 0:
            at += it.yes if value == it.value else it.no
        elif it.code in (GREATER, AT_LEAST) and loaded == NUMBER:
            at += it.yes if value > it.value or (it.code == AT_LEAST and value == it.value) else it.no
        else:
            raise Unknown


def _reachable(code: Code, start: int) -> Code:
    """The instructions from `start` on that may be run, as a filter of their own."""
    places, todo = set(), [start]
    while todo:
        at = todo.pop()
        if at not in places:
            places.add(at)
            todo += _next(code[at], at)
    order = {at: place for place, at in enumerate(sorted(places))}
    made = []
    for at, place in order.items():
        it = code[at]
        far = [order[after] - place - 1 for after in _next(it, at)]
        if it.code in BRANCHES:
            it = it._replace(yes=far[0], no=far[1])
        elif it.code == JUMP:
            it = it._replace(value=far[0])
        made.append(it)
    return tuple(made)


def _endings_shared(code: Code) -> Code:
    """The same with every branch that ends in a verdict led to the farthest such one, and without those left over."""
    ends: dict[int, list[int]] = {}
    for at, it in enumerate(code):
        if it.code == RETURN:
            ends.setdefault(it.value, []).append(at)
    made = []
    for at, it in enumerate(code):
        if it.code in BRANCHES:
            far = [
                max(end for end in ends[code[to].value] if end <= at + 1 + FARTHEST) if code[to].code == RETURN else to
                for to in _next(it, at)
            ]
            it = it._replace(yes=far[0] - at - 1, no=far[1] - at - 1)
        made.append(it)
    return _reachable(tuple(made), 0)


def _next(it: Instruction, at: int) -> list[int]:
    if it.code == RETURN:
        return []
    if it.code in BRANCHES:
        return [at + 1 + it.yes, at + 1 + it.no]
    return [at + 1 + (it.value if it.code == JUMP else 0)]


def _tree(ranges: list[tuple[int, Code]]) -> Code:
    """A binary search for the range of the number that is loaded."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    return _branch(AT_LEAST, ranges[middle][0], _tree(ranges[middle:]), _tree(ranges[:middle]))


def _branch(code: int, value: int, yes: Code, no: Code) -> Code:
    """`yes` when the comparison holds, else `no`. Each ends by itself."""
    if len(no) <= FARTHEST:
        return (Instruction(code, len(no), 0, value), *no, *yes)
    return (Instruction(code, 0, 1, value), Instruction(JUMP, 0, 0, len(no)), *no, *yes)
