"""A push on its way there: uploads go where the registry says, and go on where they broke off.

A layer has to have bytes now: it is compressed into a temporary file without a name first, and it is the digest of what
came of it that the upload is ended with and that the manifest names, as dockerd does.
"""

from __future__ import annotations

import re
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import IO, cast
from urllib.parse import urlencode, urljoin, urlsplit

from simdocker.actors.distribution.session import Refused
from simdocker.actors.wire import Unreachable
from simdocker.api import Request, Response
from simdocker.backends.distribution import answers
from simdocker.backends.distribution.errand import Errand
from simdocker.backends.distribution.http import Http
from simdocker.content.image import Layer
from simdocker.content.manifest import Document

CONTINUED = 5  # times an upload goes on from where it was cut off, as long as some of it arrives each time
BYTES = {"Content-Type": "application/octet-stream"}

Headers = Callable[[Request], dict[str, str]]


class Sending:
    """The uploads to one registry at `url`; `headers` are what it wants to see in a request."""

    def __init__(self, http: Http, url: str, headers: Headers) -> None:
        self._http = http
        self._url = url
        self._headers = headers
        self._places: dict[str, str] = {}  # path of an upload → where it really goes on
        self._count = 0

    def begin(self, request: Request, errand: Errand) -> Response:
        """`POST …/blobs/uploads/`: the blob is mounted, or there is a place for its bytes."""
        url = f"{self._url}{request.path}" + (f"?{urlencode(request.query)}" if request.query else "")
        with self._http.ask(errand, "POST", url, {**self._headers(request), "Content-Length": "0"}) as answer:
            response = answers.response(answer, answers.text(answer))
        if response.status == HTTPStatus.ACCEPTED:
            self._go_on_at(request.path, url, response)
        return response

    def send(self, request: Request, errand: Errand) -> Response:
        """`PATCH`: all bytes of a blob. The answer has their digest and, as `Range`, how many they are."""
        with tempfile.TemporaryFile(prefix="simdocker-push-") as file:
            digest, size = _written(file, request.body)
            if errand.over:
                return answers.said(400, "UNKNOWN", "context canceled")
            response = self._sent(request, errand, file, size)
        if not response.failed:
            told = {"Docker-Content-Digest": digest, "Range": f"0-{size - 1}"}
            response.headers = {**response.headers, **told}
        return response

    def _sent(self, request: Request, errand: Errand, file: IO[bytes], size: int) -> Response:
        at, cuts = 0, 0
        while True:
            url = self._place(request.path)
            headers = {**self._meant_for(url, request), **BYTES, "Content-Length": str(size - at)}
            headers |= {"Content-Range": f"{at}-{size - 1}"} if at else {}
            file.seek(at)
            try:
                with self._http.ask(errand, "PATCH", url, headers, cast("IO[bytes]", _Counted(file, errand))) as answer:
                    response = answers.response(answer, answers.text(answer))
                self._go_on_at(request.path, url, response)
                return response
            except Unreachable:
                cuts += 1
                before, at = at, self._arrived(request, errand)
                if cuts > CONTINUED or not before < at <= size:
                    raise

    def _arrived(self, request: Request, errand: Errand) -> int:
        """How much of an upload that was cut off the registry has; 0 where it does not say. Raises Unreachable."""
        url = self._place(request.path)
        with self._http.ask(errand, "GET", url, self._meant_for(url, request)) as answer:
            found = re.fullmatch(r"(?:bytes=)?0-(\d+)", answer.headers.get("Range", ""))
            response = answers.response(answer, answers.text(answer))
        if response.failed or found is None or found[1] == "0":
            return 0
        self._go_on_at(request.path, url, response)
        return int(found[1]) + 1

    def finish(self, request: Request, errand: Errand) -> Response:
        """`PUT …?digest=`: that was all of it."""
        url = self._place(request.path)
        url += ("&" if urlsplit(url).query else "?") + urlencode(request.query)
        self._places.pop(request.path, None)
        with self._http.ask(errand, "PUT", url, {**self._meant_for(url, request), "Content-Length": "0"}) as answer:
            return answers.response(answer, answers.text(answer))

    def manifest(self, request: Request, errand: Errand) -> Response:
        """`PUT …/manifests/…`."""
        document: Document = request.body
        headers = {**self._headers(request), "Content-Type": str(getattr(document, "mediaType", ""))}
        with self._http.ask(errand, "PUT", f"{self._url}{request.path}", headers, document.encoded) as answer:
            return answers.response(answer, answers.text(answer))

    # -- where ---------------------------------------------------------------------------------------

    def _go_on_at(self, path: str, url: str, response: Response) -> None:
        """The upload goes on where the answer says. To the daemon it has the path it has here."""
        location = response.headers.get("Location")
        if response.failed or location is None:
            return
        self._count += 1
        upload = path if path in self._places else f"{path}{self._count:08x}"
        try:
            self._places[upload] = urljoin(url, location)
        except ValueError:
            raise Refused(f"the registry's Location is no address: {location[:100]!r}", retry=False) from None
        response.headers = {**response.headers, "Location": upload}

    def _place(self, path: str) -> str:
        return self._places.get(path, f"{self._url}{path}")

    def _meant_for(self, url: str, request: Request) -> Mapping[str, str]:
        """Passwords and tokens are for the registry, not for where it sends its clients."""
        headers = self._headers(request)
        if urlsplit(url).netloc != urlsplit(self._url).netloc:
            headers.pop("Authorization", None)
        return headers


class _Counted:
    """A file that tells how much of it has been read."""

    def __init__(self, file: IO[bytes], errand: Errand) -> None:
        self._file, self._errand = file, errand

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._errand.carried = self._file.tell()
        return data


def _written(file: IO[bytes], body: Layer | Document) -> tuple[str, int]:
    """The digest and the size of a blob, whose bytes are now in the file. Raises Refused."""
    hashed, size = sha256(), 0
    try:
        for piece in _compressed(body) if isinstance(body, Layer) else (body.encoded,):
            hashed.update(piece)
            size += file.write(piece)
    except OSError as error:
        raise Refused(f"write {tempfile.gettempdir()}: {(error.strerror or str(error)).lower()}", retry=False) from None
    return f"sha256:{hashed.hexdigest()}", size


def _compressed(layer: Layer) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)  # gzip, without a time: equal layers have equal blobs
    for block in layer.archive.blocks():
        yield packer.compress(block)
    yield packer.flush()
