"""A blob on its way here: into a temporary file without a name, its digest reckoned while it comes.

A download that breaks off is gone on with from there (Range). More bytes than the manifest has announced are not taken.
"""

from __future__ import annotations

import mmap
import re
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPResponse
from typing import IO, cast

from simdocker.actors.distribution.session import Refused
from simdocker.actors.wire import Unreachable
from simdocker.api import Response
from simdocker.backends.distribution import answers
from simdocker.backends.distribution.errand import CalledBack, Errand
from simdocker.backends.distribution.http import BROKEN, Http, pieces
from simdocker.content.blob import Blob

CONTINUED = 5  # times a blob is asked for from where it was cut off, as long as some of it comes each time
LARGEST = 16 << 30  # bytes of a blob that no manifest has announced
PIECE = 1 << 20
GZIP, BZIP2, XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"


def fetched(
    http: Http, errand: Errand, url: str, headers: Mapping[str, str], announced: int | None
) -> Response | tuple[Blob, str]:
    """A blob's bytes and their digest; or the registry's refusal. Raises Unreachable, Refused, CalledBack."""
    most = LARGEST if announced is None else announced
    with tempfile.TemporaryFile(prefix="simdocker-blob-") as file:
        hashed, size, cuts = sha256(), 0, 0
        while True:
            asked = {**headers, "Range": f"bytes={size}-"} if size else headers
            before = size
            with http.ask(errand, "GET", url, asked) as answer:
                if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                    return answers.response(answer, answers.text(answer))
                if size and not _goes_on(answer, size):  # it does not know ranges: from the beginning
                    hashed, size, before = sha256(), 0, 0
                    file.seek(0)
                    file.truncate()
                try:
                    for piece in pieces(answer):
                        size += len(piece)
                        if size > most:
                            raise Refused(f"the blob has more bytes than the {most} it should have", retry=False)
                        hashed.update(piece)
                        _write(file, piece)
                        errand.carried = size
                    return _read(file, size), f"sha256:{hashed.hexdigest()}"
                except BROKEN:
                    if errand.over:
                        raise CalledBack from None
            cuts += 1
            if cuts > CONTINUED or size == before:
                raise Unreachable("unexpected EOF")


def _write(file: IO[bytes], piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        raise Refused(f"write {tempfile.gettempdir()}: {(error.strerror or str(error)).lower()}", retry=False) from None


def _read(file: IO[bytes], size: int) -> Blob:
    """The file's content. What is compressed stays on the disk as long as somebody looks at it, although the file is
    closed; what is not is made of the layer's files."""
    file.seek(0)
    if not file.read(len(XZ)).startswith((GZIP, BZIP2, XZ)):
        file.seek(0)
        return Blob(Blob.of(piece) for piece in iter(lambda: file.read(PIECE), b""))
    file.flush()
    view = memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
    return Blob(cast("bytes", view[at : at + PIECE]) for at in range(0, size, PIECE))


def _goes_on(answer: HTTPResponse, at: int) -> bool:
    """Whether an answer begins where the last one was cut off."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return answer.status == HTTPStatus.PARTIAL_CONTENT and found is not None and int(found[1]) == at
