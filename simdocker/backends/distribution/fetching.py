"""A blob on its way here: into a spool, its digest reckoned while it comes.

A download that breaks off is gone on with from there (Range). More bytes than the manifest has announced are not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPResponse

from simdocker.actors.distribution.session import Refused
from simdocker.actors.wire import Unreachable
from simdocker.api import Response
from simdocker.backends.distribution import answers
from simdocker.backends.distribution.errand import CalledBack, Errand
from simdocker.backends.distribution.http import BROKEN, Http, pieces
from simdocker.content.blob import Blob
from simdocker.content.spool import Spool, not_written

CONTINUED = 5  # times a blob is asked for from where it was cut off, as long as some of it comes each time
LARGEST = 16 << 30  # bytes of a blob that no manifest has announced


def fetched(
    http: Http, errand: Errand, url: str, headers: Mapping[str, str], announced: int | None
) -> Response | tuple[Blob, str]:
    """A blob's bytes and their digest; or the registry's refusal. Raises Unreachable, Refused, CalledBack."""
    most = LARGEST if announced is None else announced
    spool, hashed, cuts = Spool(), sha256(), 0
    while True:
        asked = {**headers, "Range": f"bytes={spool.size}-"} if spool.size else headers
        before = spool.size
        with http.ask(errand, "GET", url, asked) as answer:
            if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                return answers.response(answer, answers.text(answer))
            if before and not _goes_on(answer, before):  # it does not know ranges: from the beginning
                spool, hashed, before = Spool(), sha256(), 0
            try:
                for piece in pieces(answer):
                    if spool.size + len(piece) > most:
                        raise Refused(f"the blob has more bytes than the {most} it should have", retry=False)
                    hashed.update(piece)
                    with _on_disk():
                        spool.write(piece)
                    errand.carried = spool.size
                with _on_disk():
                    return spool.blob(), f"sha256:{hashed.hexdigest()}"
            except BROKEN:
                if errand.over:
                    raise CalledBack from None
        cuts += 1
        if cuts > CONTINUED or spool.size == before:
            raise Unreachable("unexpected EOF")


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(not_written(error), retry=False) from None


def _goes_on(answer: HTTPResponse, at: int) -> bool:
    """Whether an answer begins where the last one was cut off."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return answer.status == HTTPStatus.PARTIAL_CONTENT and found is not None and int(found[1]) == at
