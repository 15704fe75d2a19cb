"""A registry that really is there: what the daemon asks of it goes over HTTP(S), under the name it has in the world.

It stands where a simulated registry stands (`Directory.add`), so the daemon's client, its tokens, its three downloads
at a time and its second attempts are the ones of every registry. What comes is verified against its digest while it
comes; a blob that is cut off is asked for from there on (Range). In a simulated world the bytes are real and the time
they take is the world's links'.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
from simpy import Event

from simdocker.actors.distribution.directory import scheme_of
from simdocker.actors.distribution.protocol import TOKEN_PATH, basic
from simdocker.actors.distribution.repository import understood_config, understood_layer
from simdocker.actors.distribution.session import REALM, Refused
from simdocker.actors.wire import Unreachable
from simdocker.api import Request, Response
from simdocker.backends.distribution.http import Http
from simdocker.content import digest as digests
from simdocker.content.blob import Blob
from simdocker.content.manifest import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST, Index, Manifest, read_document
from simdocker.des import Environment

ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_INDEX, MANIFEST, INDEX))
HEADERS = ("WWW-Authenticate", "Docker-Content-Digest", "Location", "Content-Type", "Retry-After")
BLOCK = 1 << 18
CONTINUED = 5  # times a blob is asked for from where it was cut off, as long as some of it comes each time
LARGEST_DOCUMENT = 4 << 20  # bytes of a manifest, as dockerd and registries have it
BROKEN = (OSError, HTTPException)


class RemoteRegistry:
    """The registry at `url`, which the world calls `name`. `username` and `password` are for whoever asks without
    credentials of his own. `ca` and `insecure` are as in `Http`."""

    refuses = False

    def __init__(
        self, name: str, env: Environment, url: str, *, username: str = "", password: str = "", ca: str = "",
        insecure: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.actor = f"registry@{name}"
        self.scheme = scheme_of(name)  # what the daemon speaks to this name; the url says what is really spoken
        self.env = env
        self.url = url.rstrip("/")
        self._own = basic(username, password) if username else ""
        self._own_everywhere = False  # basic authentication with it
        self._http = Http(ca, insecure)
        self._realm = ""
        self._configs: set[str] = set()  # digests of configurations: the other blobs are layers
        self._workers: ThreadPoolExecutor | None = None

    def handle(self, request: Request, *, client: str = "") -> Generator[Event, Any, Response]:
        """Process → Response: carry one request there. Raises Unreachable, Refused."""
        future = getattr(self.env, "future", None)
        if future is None:  # a simulated clock stands still meanwhile
            yield self.env.timeout(0)
            return self.answer(request)
        if self._workers is None:
            self._workers = ThreadPoolExecutor(thread_name_prefix=self.actor)
        return (yield future(self._workers.submit(self.answer, request)))  # type: ignore[no-any-return]

    def answer(self, request: Request) -> Response:
        """The registry's answer; waits for it. Raises Unreachable, Refused."""
        path = request.path
        if path == TOKEN_PATH:
            return self._token(request)
        if request.method == "GET" and "/blobs/" in path:
            return self._blob(request, path.rpartition("/")[2])
        if request.method in ("GET", "HEAD") and "/manifests/" in path:
            return self._manifest(request, path.rpartition("/")[2])
        if request.method not in ("GET", "HEAD"):
            return _said(405, "UNSUPPORTED", "The operation is unsupported.")
        with self._http.ask(request.method, self._at(request), self._headers(request)) as answer:
            if path == "/v2/" and answer.status == HTTPStatus.UNAUTHORIZED:
                return self._challenged(request, answer)
            return _response(answer, _text(answer))

    # -- who is asking ---------------------------------------------------------------------------

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"User-Agent": "simdocker", **request.headers}
        if "/manifests/" in request.path:
            headers["Accept"] = ACCEPT
        if self._own_everywhere:
            headers.setdefault("Authorization", self._own)
        return headers

    def _challenged(self, request: Request, answer: HTTPResponse) -> Response:
        """The registry wants to know who asks: by a token, which the daemon will fetch; or by a password."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        found = REALM.search(challenge)
        self._realm = found[1] if found else ""
        if challenge.lower().startswith("basic") and self._own and not self._own_everywhere:
            self._own_everywhere = True
            again = self.answer(request)
            self._own_everywhere = again.status < HTTPStatus.BAD_REQUEST
            return again
        return _response(answer, _text(answer))

    def _token(self, request: Request) -> Response:
        """Ask the token server that the challenge named."""
        headers = {**request.headers} if request.headers else {}
        if self._own:
            headers.setdefault("Authorization", self._own)
        url = urljoin(f"{self.url}/", self._realm)
        if not urlsplit(url).scheme.startswith("http"):
            raise Refused(f"unsupported realm {self._realm!r}", retry=False)
        with self._http.ask("GET", f"{url}?{urlencode(request.query)}", headers) as answer:
            text = _text(answer)
            body = _json(text)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                said = body if _errors(body) else {"errors": [{"message": _sentence(answer, body)}]}
                return Response(answer.status, said)
        token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
        if not isinstance(token, str):
            raise Refused("authorization server did not include a token in the response", retry=False)
        return Response(200, {"token": token})

    # -- what it holds ---------------------------------------------------------------------------

    def _manifest(self, request: Request, reference: str) -> Response:
        """A document, or for HEAD its digest."""
        with self._http.ask(request.method, self._at(request), self._headers(request)) as answer:
            data = _text(answer)
            response = _response(answer, data)
            kind = answer.headers.get("Content-Type", "")
        if response.failed:
            return response
        if request.method == "HEAD":
            if "Docker-Content-Digest" in response.headers:
                return response
            whole = self._manifest(Request("GET", request.path, request.query, headers=request.headers), reference)
            return Response(200, None, {"Docker-Content-Digest": whole.body.digest}) if not whole.failed else whole
        if ":" in reference and digests.of(data) != reference:
            raise Refused(f"manifest verification failed for digest {reference}", retry=False)
        document = _document(data, kind)
        if isinstance(document, Manifest):
            self._configs.add(document.config.digest)
        return Response(200, document, {"Docker-Content-Digest": document.digest}, size=document.size)

    def _blob(self, request: Request, digest: str) -> Response:
        """A configuration or a layer, whole and as its digest says. Raises Refused in dockerd's words."""
        found = self._fetched(request, digest)
        if isinstance(found, Response):
            return found
        config = digest in self._configs
        if found[1] != digest:
            what = "image config" if config else "filesystem layer"
            raise Refused(f"{what} verification failed for digest {digest}")
        data = found[0]
        body = understood_config(data) if config else understood_layer(data, digest)
        return Response(200, body, size=data.size)

    def _fetched(self, request: Request, digest: str) -> Response | tuple[Blob, str]:
        """A blob's bytes and their digest, reckoned while they come; what is cut off is gone on with."""
        pieces: list[Blob] = []
        hashed, size, cuts = sha256(), 0, 0
        while True:
            headers = self._headers(request) | ({"Range": f"bytes={size}-"} if size else {})
            before = size
            with self._http.ask("GET", self._at(request), headers) as answer:
                if answer.status >= HTTPStatus.BAD_REQUEST:
                    return _response(answer, _text(answer))
                if size and not _goes_on(answer, size):
                    pieces, hashed, size, before = [], sha256(), 0, 0  # it does not know ranges: from the beginning
                try:
                    while data := answer.read(BLOCK):
                        hashed.update(data)
                        pieces.append(Blob.of(data))
                        size += len(data)
                    if not answer.length:  # of what was announced nothing is missing
                        return Blob(pieces), f"sha256:{hashed.hexdigest()}"
                except BROKEN:
                    pass
            cuts += 1
            if cuts > CONTINUED or size == before:
                raise Unreachable("unexpected EOF")

    def _at(self, request: Request) -> str:
        return f"{self.url}{request.path}" + (f"?{urlencode(request.query)}" if request.query else "")


def _goes_on(answer: HTTPResponse, at: int) -> bool:
    """Whether an answer begins where the last one was cut off."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return answer.status == HTTPStatus.PARTIAL_CONTENT and found is not None and int(found[1]) == at


def _document(data: bytes, kind: str) -> Manifest | Index:
    """Raises Refused."""
    try:
        return read_document(data, kind)
    except ValueError as error:
        raise Refused(str(error), retry=False) from None


def _text(answer: HTTPResponse) -> bytes:
    """The body of an answer that is no blob. Raises Unreachable."""
    try:
        return answer.read(LARGEST_DOCUMENT)
    except BROKEN:
        raise Unreachable("unexpected EOF") from None


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None


def _errors(body: Any) -> bool:
    """Whether it is an error in the Distribution API's form."""
    try:
        return isinstance(body["errors"][0]["code"], str) and isinstance(body["errors"][0]["message"], str)
    except (TypeError, LookupError):
        return False


def _sentence(answer: HTTPResponse, body: Any) -> str:
    details = body.get("details") if isinstance(body, dict) else None
    return str(details or f"{answer.status} {answer.reason}").strip()


def _response(answer: HTTPResponse, data: bytes) -> Response:
    """An answer as the actors know it: errors are JSON in the Distribution API's form, or what text there is."""
    headers = {name: value for name in HEADERS if (value := answer.headers.get(name)) is not None}
    body = _json(data) if data else None
    status = answer.status if answer.status in set(HTTPStatus) else HTTPStatus.BAD_GATEWAY.value
    if status >= HTTPStatus.BAD_REQUEST and not _errors(body):
        body = data.decode(errors="replace")
    return Response(status, body, headers)


def _said(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, {"errors": [{"code": code, "message": message, "detail": None}]}, headers or {})
