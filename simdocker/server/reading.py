"""From HTTP to a `Question`: path without version, query, headers, body."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from aiohttp.web import BaseRequest

from simdocker.api import BadRequest
from simdocker.content.blob import Blob
from simdocker.content.spool import LITTLE, Spool, not_written

_ABSOLUTE = re.compile(r"^https?://[^/?]*(?=/)", re.IGNORECASE)  # what a client writes to a proxy
_VERSION = re.compile(r"/v([0-9.]+)(/.*)")

Version = tuple[int, ...]
JSON = "application/json"
JSON_ERRORS: Version = (1, 24)
LONG = 18  # digits of a number that is larger than any version's


class Moved(Exception):
    """The path is written in another way than a clean one; the argument is where to go."""


class TooLarge(Exception):
    """A body has more bytes than the argument says."""


class Versions:
    """The API versions that are answered, and the one that is spoken."""

    def __init__(self, oldest: str, newest: str, spoken: str) -> None:
        self._oldest, self._newest = _numbers(oldest), _numbers(newest)
        self.oldest, self.spoken = oldest, spoken

    def check(self, text: str) -> None:
        """Raises BadRequest with dockerd's sentence for a version that is not answered."""
        version = _numbers(text)
        if version < self._oldest:
            raise BadRequest(
                f"client version {text} is too old. Minimum supported API version is {self.oldest}, "
                "please upgrade your client to a newer version"
            )
        if version > self._newest:
            raise BadRequest(f"client version {text} is too new. Maximum supported API version is {self.spoken}")


class Question(NamedTuple):
    """What a client asks: `path` without version (empty where there was none), each name of the query with all its
    values."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: list[tuple[str, str]]
    body: bytes | Blob | None
    version: str


def asked(http: BaseRequest, versions: Versions | None) -> Question:
    """What the client asks, whose body has yet to be read. Without `versions` the path has none. Raises Moved,
    BadRequest."""
    raw_path, _, raw_query = _ABSOLUTE.sub("", http.raw_path).partition("?")
    path = unquote(raw_path)
    if path != (clean := _clean(path)):
        raise Moved(clean + ("?" + raw_query if raw_query else ""))
    versioned = _VERSION.fullmatch(path) if versions is not None else None
    version = ""
    if versioned is not None and versions is not None:
        version = versioned[1]
        versions.check(version)
        path = versioned[2]
    headers = [(f"{name}", value) for name, value in http.headers.items()]  # plain texts, and not aiohttp's
    return Question(http.method, path, _query(raw_query), headers, None, version)


async def body(http: BaseRequest, most: int) -> bytes | Blob | None:
    """All of the body, which has `most` bytes (0: as many as it likes); None for an empty one, a Blob for one that is
    large and no JSON: an archive. Raises TooLarge, BadRequest."""
    if not http.body_exists:
        return None
    parts, size = [], 0
    content = http.content.iter_any()
    async for part in content:
        size += len(part)
        if most and size > most:
            raise TooLarge(most)
        parts.append(part)
        if size > LITTLE and not most and http.content_type != JSON:
            break
    else:
        return b"".join(parts) or None
    spool = Spool()
    try:
        for part in parts:
            spool.write(part)
        parts.clear()
        async for part in content:
            spool.write(part)
        return spool.blob()
    except OSError as error:
        if isinstance(error, ConnectionError):  # it is the client that has gone
            raise
        raise BadRequest(not_written(error)) from None


def before(version: str, other: Version) -> bool:
    """Whether a client's version is an older one than `other`; a path without a version is not."""
    return version != "" and _numbers(version) < other


def says_errors_as_text(path: str) -> bool:
    """Whether a client asks in a version that had no JSON errors yet: before 1.24."""
    versioned = _VERSION.fullmatch(path.partition("?")[0])
    return versioned is not None and _numbers(versioned[1]) < JSON_ERRORS


def _query(text: str) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        given.setdefault(name, []).append(value)
    return given


def _clean(path: str) -> str:
    """The path without empty and dotted segments, as Go's router wants it."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _numbers(version: str) -> Version:
    return tuple(int(part[:LONG] or 0) for part in version.split("."))
