"""From the actors' bodies and chunks to bytes, as Go writes them."""

from __future__ import annotations

from typing import Any

import msgspec

from simdocker.api import Framing
from simdocker.api.wire import to_wire

_encode = msgspec.json.Encoder().encode
_ESCAPED = ((b"&", b"\\u0026"), (b"<", b"\\u003c"), (b">", b"\\u003e"))  # outside strings JSON has none of these


def json(body: Any) -> bytes:
    """JSON as Go's encoder writes it: what HTML would read as its own is escaped."""
    text = _encode(to_wire(body))
    for char, escape in _ESCAPED:
        if char in text:
            text = text.replace(char, escape)
    return text


def chunk(framing: Framing, said: Any) -> bytes:
    """One chunk of a stream: a JSON value, `(descriptor, bytes)`, or bytes."""
    if isinstance(said, bytes):
        return said
    if framing is Framing.LINES:
        return json(said) + b"\n"
    if framing is Framing.PROGRESS:
        return json(said) + b"\r\n"
    descriptor, data = said
    if framing is Framing.RAW:
        return bytes(data)
    return b"".join((bytes((descriptor, 0, 0, 0)), len(data).to_bytes(4, "big"), data))
