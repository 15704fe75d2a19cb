"""Checksums and encodings: md5sum and its kin, crc32, base64, uuencode."""

from __future__ import annotations

import base64 as base64_codec
import binascii
import hashlib
import re
import zlib
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, decode, options
from simdocker.backends.sim.applets.input import must_read, read_named, split_lines

_NAMES = {"md5sum": "md5", "sha1sum": "sha1", "sha256sum": "sha256", "sha512sum": "sha512", "sha3sum": "sha3_224"}


def _digest(call: Call, name: str, algorithm: str) -> Generator[Event, Any, str | None]:
    data = yield from read_named(call, name)
    if data is None:
        return None
    yield from call.p.compute(len(data) * 3)
    return hashlib.new(algorithm, data).hexdigest()


@applet(*_NAMES)
def checksum(call: Call) -> Status:
    found = options(call, "csba:" if call.name == "sha3sum" else "csbw")
    algorithm = _NAMES[call.name]
    if "a" in found:
        algorithm = f"sha3_{found.value('a')}"
    if "c" in found:
        return (yield from _check(call, found.args or ["-"], algorithm, "s" in found))
    if "s" in found or "w" in found:
        raise Usage("-s and -w are meaningful only with -c")
    status = 0
    for name in found.args or ["-"]:
        digest = yield from _digest(call, name, algorithm)
        if digest is None:
            status = 1
        else:
            call.out(f"{digest}  {name}\n")
    return status


def _check(call: Call, names: list[str], algorithm: str, silent: bool) -> Status:
    failed = total = 0
    for listing in names:
        data = yield from must_read(call, listing)
        for line in split_lines(data):
            match = re.fullmatch(r"([0-9a-fA-F]+) [ *](.*)", decode(line))
            if not match:
                continue
            total += 1
            digest = yield from _digest(call, match.group(2), algorithm)
            good = digest == match.group(1).lower()
            failed += not good
            if not silent:
                call.out(f"{match.group(2)}: {'OK' if good else 'FAILED'}\n")
    if failed and not silent:
        call.complain(f"WARNING: {failed} of {total} computed checksums did NOT match")
    return int(failed > 0 or not total)


@applet("crc32")
def crc32(call: Call) -> Status:
    options(call, "")
    status = 0
    for name in call.args or ["-"]:
        data = yield from read_named(call, name)
        if data is None:
            status = 1
        else:
            call.out(f"{zlib.crc32(data):08x}{f' {name}' if call.args else ''}\n")
    return status


@applet("base64")
def base64(call: Call) -> Status:
    found = options(call, "dw:i")
    if len(found.args) > 1:
        raise Usage
    data = yield from must_read(call, found.args[0] if found.args else "-", message="{}: {}")
    if "d" in found:
        text = b"".join(data.split())
        if not re.match(rb"[A-Za-z0-9+/]", text):
            return 0
        if not re.fullmatch(rb"[A-Za-z0-9+/]*={0,2}", text):
            raise Failure("truncated base64 input")
        try:
            call.out(base64_codec.b64decode(text))
        except binascii.Error:
            raise Failure("truncated base64 input") from None
        return 0
    width = int(found.value("w", "76"))
    text = base64_codec.b64encode(data)
    lines = [text[at : at + width] for at in range(0, len(text), width)] if width else [text]
    call.out(b"".join(line + b"\n" for line in lines) if width else text)
    return 0


@applet("uuencode")
def uuencode(call: Call) -> Status:
    found = options(call, "m", permute=False)
    if not 1 <= len(found.args) <= 2:
        raise Usage
    mode = 0o644
    data = yield from must_read(call, found.args[0] if len(found.args) == 2 else "-", message="{}: {}")
    if len(found.args) == 2:
        mode = call.p.stat(found.args[0]).st_mode & 0o777
    if "m" in found:
        call.out(f"begin-base64 {mode:o} {found.args[-1]}\n")
        for at in range(0, len(data), 45):
            call.out(base64_codec.b64encode(data[at : at + 45]) + b"\n")
        call.out("====\n")
        return 0
    call.out(f"begin {mode:o} {found.args[-1]}\n")
    for at in range(0, len(data), 45):
        call.out(binascii.b2a_uu(data[at : at + 45], backtick=True))
    call.out("`\nend\n")
    return 0


@applet("uudecode")
def uudecode(call: Call) -> Status:
    found = options(call, "o:")
    data = yield from must_read(call, found.args[0] if found.args else "-", message="{}: {}")
    lines = split_lines(data)
    start = next((i for i, line in enumerate(lines) if line.startswith((b"begin ", b"begin-base64 "))), -1)
    if start < 0:
        raise Failure("no 'begin' line")
    name = found.value("o", decode(lines[start].split(b" ", 2)[2]))
    body = bytearray()
    for line in lines[start + 1 :]:
        if line in (b"end", b"`", b"===="):
            break
        body += base64_codec.b64decode(line) if lines[start].startswith(b"begin-b") else binascii.a2b_uu(line)
    if name in ("-", "/dev/stdout"):
        call.out(bytes(body))
    else:
        call.p.write_file(name, bytes(body))
    return 0
