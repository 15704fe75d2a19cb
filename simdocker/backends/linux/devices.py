"""Which devices a container may use: Docker's rules, and the program that keeps them on cgroup v2.

A v1 cgroup is written the rules (cgroup-v1/devices.rst). v2 has no such file: a BPF program of the type
CGROUP_DEVICE that is attached to the cgroup is asked at each mknod and open of a device in it, and answers 1 or 0
(linux/bpf.h, struct bpf_cgroup_dev_ctx). One program serves all containers, as their rules are the same.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from functools import cache

from simdocker.backends.linux import syscalls

RULES = ("c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm",
         "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm")  # fmt: skip
"""What runc lets a container do with devices: make any, use these (libcontainer/specconv AllowedDevices)."""

TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR
ACCESS = {"m": 1, "r": 2, "w": 4}  # BPF_DEVCG_ACC_MKNOD, _READ, _WRITE
LOAD, AND, SHIFT_RIGHT, COPY, SET, JUMP_UNLESS_EQUAL, EXIT = 0x61, 0x54, 0x74, 0xBC, 0xB4, 0x55, 0x95
ANSWER, CONTEXT, TYPE, WANTED, MAJOR, MINOR, REST = range(7)  # registers; REST is what a rule does not give
INSTRUCTION = struct.Struct("=BBhi")  # operation, registers (source << 4 | target), jump, value
LICENSE = b"Apache-2.0\0"  # a program of this kind calls nothing that asks for the GPL


def attach(cgroup: str, rules: tuple[str, ...]) -> None:
    """Keep what runs in a v2 cgroup from all devices but those of the rules, until the cgroup is removed."""
    directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        syscalls.bpf_prog_attach(directory, _loaded(rules), syscalls.BPF_CGROUP_DEVICE)
    finally:
        os.close(directory)


@cache
def _loaded(rules: tuple[str, ...]) -> int:
    """The descriptor of the program in the kernel, which the process keeps."""
    return syscalls.bpf_prog_load(syscalls.BPF_PROG_TYPE_CGROUP_DEVICE, program(rules), LICENSE)


def program(rules: Iterable[str]) -> bytes:
    """The program that lets through what one of the rules allows, and nothing else."""
    code = [
        _do(LOAD, TYPE, CONTEXT, offset=0), _do(COPY, WANTED, TYPE),  # the type below, the access above
        _do(AND, TYPE, value=0xFFFF), _do(SHIFT_RIGHT, WANTED, value=16),
        _do(LOAD, MAJOR, CONTEXT, offset=4), _do(LOAD, MINOR, CONTEXT, offset=8),
    ]  # fmt: skip
    for rule in rules:
        code += _allowing(rule)
    return b"".join([*code, *_answer(0)])


def _allowing(rule: str) -> Iterator[bytes]:
    """`c 1:3 rwm`: answer 1 if all of it fits, else go on behind it."""
    kind, numbers, access = rule.split(" ")
    given = sum(ACCESS[letter] for letter in access)
    wanted = [(TYPE, TYPES[kind])]
    wanted += [(register, int(number)) for register, number in zip((MAJOR, MINOR), numbers.split(":"), strict=True)
               if number != "*"]  # fmt: skip
    body: list[bytes | tuple[int, int]] = [
        _do(COPY, REST, WANTED),
        _do(AND, REST, value=~given),
        (REST, 0),
        *wanted,
        *_answer(1),
    ]
    for at, part in enumerate(body):
        if isinstance(part, tuple):
            register, number = part
            part = _do(JUMP_UNLESS_EQUAL, register, value=number, offset=len(body) - at - 1)
        yield part


def _answer(value: int) -> list[bytes]:
    return [_do(SET, ANSWER, value=value), _do(EXIT)]


def _do(operation: int, target: int = 0, source: int = 0, *, offset: int = 0, value: int = 0) -> bytes:
    return INSTRUCTION.pack(operation, source << 4 | target, offset, value)
