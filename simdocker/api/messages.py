"""What actors say to each other: one request, one response, and streams.

A message is given away when it is sent: the sender keeps no reference to its body, so the two
ends never share state. Bodies are models of `simdocker.api`, plain JSON values, or a `Blob`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import msgspec

from simdocker.api.streams import Stream

NO_QUERY: Mapping[str, str] = {}


class Repeated(str):
    """A query parameter that is given several times, such as `names=a&names=b`. Read as a text it is
    its first value, as in Go's `FormValue`."""

    values: tuple[str, ...]

    def __new__(cls, values: Sequence[str]) -> Repeated:
        text = super().__new__(cls, values[0])
        text.values = tuple(values)
        return text


def values(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    """All values of a query parameter."""
    given = query.get(name)
    if given is None:
        return ()
    return given.values if isinstance(given, Repeated) else (given,)


class Framing(Enum):
    """How the chunks of an answer's stream follow each other on a real wire."""

    LINES = "a line of JSON each, ended by \\n"
    PROGRESS = "a line of JSON each, ended by \\r\\n"  # pull, push, build, load
    MULTIPLEXED = "an 8-byte header each: which descriptor, how many bytes"
    RAW = "the bytes alone"  # a terminal has but one output


class Request(msgspec.Struct, gc=False):
    """One API call. `path` never carries the version prefix; `version` is what it said, where that makes a
    difference (empty: the one that is spoken); `size` is the body's bytes on the
    wire where they matter (an upload), 0 for an ordinary control message."""

    method: str
    path: str
    query: Mapping[str, str] = NO_QUERY
    body: Any = None
    headers: Mapping[str, str] = NO_QUERY
    stdin: Stream | None = None
    size: int = 0
    meter: Any = None  # of whoever wants to know how much of a bulky body has come, from who really carries it
    version: str = ""
    looks: bool = False  # it only looks, and the world is to go on as if nobody had asked


class Response(msgspec.Struct, gc=False):
    """The answer. An error's body is `{"message": …}`. With `stream` set, chunks follow the
    headers: JSON values for progress, events and `/wait`; `(fd, bytes)` for attach, exec and logs.
    `size` is the body's bytes on the wire where they matter (a blob)."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = NO_QUERY
    stream: Stream | None = None
    size: int = 0
    framing: Framing = Framing.LINES

    @property
    def failed(self) -> bool:
        """Whether the call was refused (304 Not Modified counts as success, as in the CLI)."""
        return self.status >= 400

    @property
    def message(self) -> str:
        """The Engine's own sentence of an error response."""
        body = self.body
        return str(body.get("message", "")) if isinstance(body, dict) else ""
