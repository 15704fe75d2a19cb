"""The filter of a container decides about every system call as libseccomp's own does, in a third of its length."""

from __future__ import annotations

import ctypes.util
import json
from itertools import product
from typing import Any

import pytest

from simdocker.backends.linux import filters, seccomp
from simdocker.backends.linux.filters import Code, Instruction, parsed, shortened

pytestmark = pytest.mark.skipif(ctypes.util.find_library("seccomp") is None, reason="needs libseccomp")

X86_64, X86, ARM = 0xC000003E, 0x40000003, 0x40000028
WORDS = 16  # struct seccomp_data: number, architecture, instruction pointer, six arguments


def decided(code: Code, data: list[int]) -> int:
    """What the kernel makes of a filter: linux/filter.h, as much of it as seccomp filters have."""
    at = loaded = 0
    while True:
        it = code[at]
        at += 1
        if it.code == filters.RETURN:
            return it.value
        if it.code == filters.LOAD:
            loaded = data[it.value // 4]
        elif it.code == filters.AND:
            loaded &= it.value
        elif it.code == filters.JUMP:
            at += it.value
        else:
            holds = {
                filters.EQUAL: loaded == it.value,
                filters.GREATER: loaded > it.value,
                filters.AT_LEAST: loaded >= it.value,
                filters.ANY_BIT: bool(loaded & it.value),
            }[it.code]
            at += it.yes if holds else it.no


def of_libseccomp(profile: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> bytes:
    with monkeypatch.context() as patch:
        patch.setattr(seccomp, "shortened", lambda program: program)
        return seccomp._compile(profile)


def asked_words(code: Code) -> set[int]:
    return {it.value // 4 for it in code if it.code == filters.LOAD and it.value > filters.ARCHITECTURE}


def check_same(long: Code, short: Code) -> None:
    """For all numbers there are, and all that a comparison could tell apart, with all arguments it could."""
    values = {it.value for it in long if it.code in (*filters.BRANCHES, filters.AND)}
    edges = {(value + by) % filters.LIMIT for value in values for by in (-1, 0, 1)}
    numbers = sorted({*range(700), *range(0x40000000, 0x40000400), *edges, 0, filters.LIMIT - 1})
    for architecture, number in product((X86_64, X86, ARM, 0), numbers):
        data = [number, architecture] + [0] * (WORDS - 2)
        assert decided(short, data) == decided(long, data), (hex(architecture), number)
    words = sorted(asked_words(long))
    assert asked_words(short) <= set(words)
    some = sorted({0, 1, filters.LIMIT - 1, *(edge for edge in edges if edge < 1 << 20 or edge in values)})
    by_arguments = [
        (architecture, number) for architecture, number in product((X86_64, X86), numbers)
        if _asks(long, architecture, number)
    ]  # fmt: skip
    assert by_arguments
    for (architecture, number), word, value in product(by_arguments, words, some):
        for rest in (0, filters.LIMIT - 1):
            data = [number, architecture] + [rest] * (WORDS - 2)
            data[word] = value
            assert decided(short, data) == decided(long, data), (hex(architecture), number, word, value)


def _asks(code: Code, architecture: int, number: int) -> bool:
    return code[filters._decided(code, architecture, number)].code == filters.LOAD


def test_the_default_profile_decides_as_docker_s_does_for_every_call_and_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = parsed(of_libseccomp(json.loads(seccomp.DEFAULT.read_bytes()), monkeypatch))
    short = parsed(seccomp.program("default"))
    assert len(short) < len(long) / 2
    check_same(long, short)


@pytest.mark.parametrize("default", ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"])
def test_a_profile_with_conditions_on_arguments_decides_the_same(default: str, monkeypatch: pytest.MonkeyPatch) -> None:
    action = "SCMP_ACT_ALLOW" if default == "SCMP_ACT_ERRNO" else "SCMP_ACT_KILL_PROCESS"
    rules: list[dict[str, Any]] = [
        {"names": ["clone"], "args": [{"index": 0, "value": 0x7E020000, "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 0}]},
        {"names": ["socket"], "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]},
        {"names": ["lseek"], "args": [{"index": 1, "value": 1 << 33, "op": "SCMP_CMP_GT"}]},
        {"names": ["read", "write", "openat", "close", "exit", "execve", "mount"]},
    ]
    profile: dict[str, Any] = {
        "defaultAction": default,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [{**rule, "action": action} for rule in rules],
    }
    long = of_libseccomp(profile, monkeypatch)
    check_same(parsed(long), parsed(shortened(long)))


def test_a_filter_that_is_not_understood_stays_as_it_is() -> None:
    odd = [Instruction(filters.LOAD, 0, 0, 0), Instruction(0x87, 0, 0, 0), Instruction(filters.RETURN, 0, 0, 0)]
    program = b"".join(filters.FORMAT.pack(*it) for it in odd)
    assert shortened(program) == program
