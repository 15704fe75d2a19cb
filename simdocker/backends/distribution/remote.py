"""A registry that really is there: what the daemon asks of it goes over HTTP(S), under the name it has in the world.

It stands where a simulated registry stands (`Directory.add`), so the daemon's client, its tokens, its downloads three
at a time, its uploads and its second attempts are the ones of every registry. Each request is an errand on a thread of
its own; on a simulated clock, too, it takes the time that it takes (`des.aside`), and several go at once.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from simpy import Event

from simdocker.actors.distribution.directory import scheme_of
from simdocker.actors.distribution.protocol import TOKEN_PATH, basic
from simdocker.actors.distribution.repository import understood_config, understood_layer
from simdocker.actors.distribution.session import REALM, Refused
from simdocker.actors.registry.registry import parts_of
from simdocker.api import Request, Response
from simdocker.api.messages import values
from simdocker.backends.distribution import answers
from simdocker.backends.distribution.errand import Errand
from simdocker.backends.distribution.fetching import fetched
from simdocker.backends.distribution.http import Http
from simdocker.backends.distribution.sending import Sending
from simdocker.content import digest as digests
from simdocker.content.manifest import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST, Index
from simdocker.des import Environment

MOST_PAGES = 100
NEXT = re.compile(r'<([^>]*)>; *rel="?next"?')
ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_INDEX, MANIFEST, INDEX))


class RemoteRegistry:
    """The registry at `url`, which the world calls `name`. `username` and `password` are for whoever asks without
    credentials of his own. `ca` and `insecure` are as in `Http`."""

    refuses = False
    real = True

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
        self._sizes: dict[str, int] = {}  # of blobs, as manifests have announced them
        self._sending = Sending(self._http, self.url, self._headers)

    def handle(self, request: Request, *, client: str = "") -> Generator[Event, Any, Response]:
        """Process → Response: carry one request there. Raises Unreachable, Refused."""
        errand = Errand()
        if request.meter is not None:
            request.meter.follow(lambda: errand.carried)
        future = errand.start(lambda: self.answer(request, errand), self.actor)
        try:
            return (yield self.env.future(future))  # type: ignore[no-any-return]
        except BaseException:  # whoever asked is interrupted: nobody waits for the rest
            errand.call_back()
            raise

    def answer(self, request: Request, errand: Errand) -> Response:
        """The registry's answer; waits for it. Raises Unreachable, Refused, CalledBack."""
        _, kind, reference = parts_of(request.path)
        reads = request.method in ("GET", "HEAD")
        if request.path == TOKEN_PATH:
            return self._token(request, errand)
        if kind == "blobs" and request.method == "GET":
            return self._blob(request, reference, errand)
        if kind == "manifests" and reads:
            return self._manifest(request, reference, errand)
        push = {
            ("POST", "uploads"): self._sending.begin,
            ("PATCH", "uploads"): self._sending.send,
            ("PUT", "uploads"): self._sending.finish,
            ("PUT", "manifests"): self._sending.manifest,
        }.get((request.method, kind))
        if push is not None:
            return push(request, errand)
        if not reads:
            return answers.said(405, "UNSUPPORTED", "The operation is unsupported.")
        if kind == "tags":
            return self._tags(request, errand)
        with self._http.ask(errand, request.method, self._at(request), self._headers(request)) as answer:
            if request.path == "/v2/" and answer.status == HTTPStatus.UNAUTHORIZED:
                return self._challenged(request, answer, errand)
            return answers.response(answer, answers.text(answer))

    # -- who is asking ---------------------------------------------------------------------------

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"User-Agent": "simdocker", **request.headers}
        if "/manifests/" in request.path:
            headers["Accept"] = ACCEPT
        if self._own_everywhere:
            headers.setdefault("Authorization", self._own)
        return headers

    def _challenged(self, request: Request, answer: HTTPResponse, errand: Errand) -> Response:
        """The registry wants to know who asks: by a token, which the daemon will fetch; or by a password."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        found = REALM.search(challenge)
        self._realm = found[1] if found else ""
        if challenge.lower().startswith("basic") and self._own and not self._own_everywhere:
            self._own_everywhere = True
            again = self.answer(request, errand)
            self._own_everywhere = again.status < HTTPStatus.BAD_REQUEST
            return again
        return answers.response(answer, answers.text(answer))

    def _token(self, request: Request, errand: Errand) -> Response:
        """Ask the token server that the challenge named."""
        headers = {**request.headers} if request.headers else {}
        if self._own:
            headers.setdefault("Authorization", self._own)
        url = urljoin(f"{self.url}/", self._realm)
        if urlsplit(url).scheme not in ("http", "https"):
            raise Refused(f"unsupported realm {self._realm!r}", retry=False)
        asked = [(name, value) for name in request.query for value in values(request.query, name)]
        with self._http.ask(errand, "GET", f"{url}?{urlencode(asked)}", headers) as answer:
            body = answers.json(answers.text(answer))
            if answer.status >= HTTPStatus.BAD_REQUEST:
                told = body["errors"][0]["message"] if answers.has_errors(body) else answers.sentence(answer, body)
                return answers.said(answer.status, "UNAUTHORIZED", told)
        token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
        if not isinstance(token, str):
            raise Refused("authorization server did not include a token in the response", retry=False)
        if not (token.isascii() and token.isprintable()):
            raise Refused("the authorization server's token does not fit into a header", retry=False)
        return Response(200, {"token": token})

    # -- what it holds ---------------------------------------------------------------------------

    def _tags(self, request: Request, errand: Errand) -> Response:
        """All of them: a long list comes in pages. Raises Refused."""
        url, tags = self._at(request), []
        for _ in range(MOST_PAGES):
            with self._http.ask(errand, "GET", url, self._headers(request)) as answer:
                response = answers.response(answer, answers.text(answer))
            if response.failed:
                return response
            tags += answers.listed(response.body, "tags")
            following = NEXT.match(response.headers.get("Link", ""))
            if following is None:
                return Response(200, {"tags": tags})
            url = urljoin(url, following[1])
            if urlsplit(url).netloc != urlsplit(self.url).netloc:
                raise Refused("the registry's list of tags goes on elsewhere", retry=False)
        raise Refused(f"the registry's list of tags has more than {MOST_PAGES} pages", retry=False)

    def _manifest(self, request: Request, reference: str, errand: Errand) -> Response:
        """A document, or for HEAD its digest."""
        with self._http.ask(errand, request.method, self._at(request), self._headers(request)) as answer:
            data = answers.text(answer) if request.method == "GET" else b""
            response = answers.response(answer, data)
            kind = answer.headers.get("Content-Type", "")
        if response.failed:
            return response
        if request.method == "HEAD":
            told = response.headers.get("Docker-Content-Digest")
            if told is not None:
                if fault := digests.fault(told):
                    raise Refused(f"the registry's Docker-Content-Digest is none: {fault}", retry=False)
                return response
            whole = Request("GET", request.path, request.query, headers=request.headers)
            found = self._manifest(whole, reference, errand)
            return found if found.failed else Response(200, None, {"Docker-Content-Digest": found.body.digest})
        if ":" in reference and digests.of(data) != reference:
            raise Refused(f"manifest verification failed for digest {reference}", retry=False)
        document = answers.document(data, kind)
        if not isinstance(document, Index):
            self._configs.add(document.config.digest)
            self._sizes.update((part.digest, part.size) for part in (document.config, *document.layers))
        return Response(200, document, {"Docker-Content-Digest": document.digest})

    def _blob(self, request: Request, digest: str, errand: Errand) -> Response:
        """A configuration or a layer, whole and as its digest says. Raises Refused in dockerd's words."""
        announced = self._sizes.get(digest)
        config = digest in self._configs
        if config and (announced or 0) > answers.LARGEST_DOCUMENT:
            raise Refused(f"an image's configuration has at most {answers.LARGEST_DOCUMENT} bytes", retry=False)
        found = fetched(self._http, errand, self._at(request), self._headers(request), announced)
        if isinstance(found, Response):
            return found
        data, told = found
        if told != digest:
            what = "image config" if config else "filesystem layer"
            raise Refused(f"{what} verification failed for digest {digest}")
        return Response(200, understood_config(data) if config else understood_layer(data, digest))

    def _at(self, request: Request) -> str:
        return f"{self.url}{request.path}" + (f"?{urlencode(request.query)}" if request.query else "")
