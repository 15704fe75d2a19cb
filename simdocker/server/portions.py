"""A blob on its way to a registry, however large: what comes in one request enters the world in several.

The Distribution API allows a client that itself ("Pushing a blob in chunks"), so to the registry there is nothing new
in it, and nobody holds more than a portion. As with docker-registry, what had come of an upload that breaks
off is there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from simdocker.api import Response

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from simdocker.server.reading import Question

PORTION = 8 << 20  # bytes
UPLOAD = re.compile(r"/v2/.+/blobs/uploads/.*")
WHOLE = ("content-range", "content-length", "transfer-encoding")  # headers that are about the body as it was sent

Ask = Callable[["Question"], Awaitable[Response]]


def wanted(http: BaseRequest, question: Question) -> bool:
    """Whether this may be a blob that is more than a portion."""
    whole = question.method == "PUT" or (question.method == "POST" and "digest" in question.query)
    many = http.content_length is None or http.content_length > PORTION
    return http.body_exists and many and (whole or question.method == "PATCH") and bool(UPLOAD.fullmatch(question.path))


async def carried(http: BaseRequest, question: Question, ask: Ask) -> Response:
    """The answer to all of it, or the first refusal.

    1. A blob that comes with its POST gets a place first.
    2. Portion by portion is sent there (PATCH).
    3. The last goes as the request did, or ends the upload under its digest (PUT).
    """
    portions = _portions(http)
    this, following = await anext(portions), await anext(portions, None)
    if following is None:
        return await ask(question._replace(body=this))
    place = question._replace(query={name: said for name, said in question.query.items() if name != "digest"})
    if question.method == "POST":
        begun = await ask(place)
        if begun.failed:
            return begun
        question = question._replace(method="PUT", path=begun.headers["Location"])
    place = place._replace(method="PATCH", path=question.path)
    while following is not None:
        answer = await ask(place._replace(body=this))
        if answer.failed:
            return answer
        headers = [(name, said) for name, said in place.headers if name.lower() not in WHOLE]
        place, question = place._replace(headers=headers), question._replace(headers=headers)
        this, following = following, await anext(portions, None)
    return await ask(question._replace(body=this))


async def _portions(http: BaseRequest) -> AsyncIterator[bytes]:
    """At least one, all but the last full."""
    held = bytearray()
    async for part in http.content.iter_any():
        held += part
        if len(held) >= PORTION:
            yield bytes(held[:PORTION])
            del held[:PORTION]
    yield bytes(held)
