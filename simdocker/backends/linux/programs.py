"""Real programs for the modelled ones of the simulated images.

A program has to run in any image, so it is one static file: this machine's busybox and, if it is there, its static
bash; for hello-world a few instructions made here. The others have no twin on this machine, and say so when they are
started.
"""

from __future__ import annotations

import shutil
import struct
from functools import cache
from pathlib import Path

from simdocker.backends.hello_world import greeting

ELF_BASE = 0x400000
PT_INTERP = 3
TWINS = {"busybox": "busybox", "bash": "bash-static"}
"""Simulated programs, and the command of this machine that does the same without any library."""

TWIN_PACKAGES = {"busybox": "busybox-static", "bash": "bash-static"}
NO_TWIN = "runs in the simulator only: this machine has no program that stands for it"


@cache
def real_program(program: str) -> bytes | None:
    """The file that does what a simulated program does, None where there is none."""
    if program in TWINS:
        found = shutil.which(TWINS[program])
        return Path(found).read_bytes() if found else None
    return saying(greeting("x86_64").encode()) if program == "hello" else None


def is_static(binary: bytes) -> bool:
    """Whether a 64-bit ELF file asks for no loader: one that does runs only where that is."""
    if binary[:5] != b"\x7fELF\x02":
        return False
    (offset,) = struct.unpack_from("<Q", binary, 32)
    size, count = struct.unpack_from("<HH", binary, 54)
    kinds = (struct.unpack_from("<I", binary, offset + number * size)[0] for number in range(count))
    return PT_INTERP not in kinds


@cache
def excuse(program: str) -> bytes:
    """A program that says why it is not the one it stands for, on standard error, and ends with 126."""
    return saying(f"{program} {NO_TWIN}\n".encode(), fd=2, status=126)


def saying(text: bytes, fd: int = 1, status: int = 0) -> bytes:
    """A static x86-64 Linux program that writes `text` and ends: an ELF header, one segment, two system calls."""
    entry = 64 + 56
    code_size = 34
    code = b"".join(
        (
            b"\xb8\x01\x00\x00\x00",  # mov eax, 1 (write)
            b"\xbf" + struct.pack("<I", fd),  # mov edi, fd
            b"\xbe" + struct.pack("<I", ELF_BASE + entry + code_size),  # mov esi, text
            b"\xba" + struct.pack("<I", len(text)),  # mov edx, length
            b"\x0f\x05",  # syscall
            b"\xb8\x3c\x00\x00\x00",  # mov eax, 60 (exit)
            b"\xbf" + struct.pack("<I", status),  # mov edi, status
            b"\x0f\x05",  # syscall
        )
    )
    assert len(code) == code_size
    size = entry + code_size + len(text)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, ELF_BASE + entry, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, ELF_BASE, ELF_BASE, size, size, 0x1000)
    return header + segment + code + text
