"""One HTTP exchange with a registry, and what can go wrong with it in the words of Go's net and http packages.

It waits in place; whoever must not wait calls it from another thread. Redirects are followed, as registries send their
clients to where the blobs are; the `Authorization` goes to no other host than the one it was meant for.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    InvalidURL,
    RemoteDisconnected,
)
from typing import IO
from urllib.parse import urljoin, urlsplit

from simdocker.actors.wire import Unreachable, not_dialled, not_found
from simdocker.backends.distribution.errand import CalledBack, Errand

PATIENCE_S = 30  # for the next byte
SLOWEST = 100  # bytes a second, from then on: whoever sends less keeps others waiting on purpose
BLOCK = 1 << 18
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10  # as Go's client
HUNG_UP = (BrokenPipeError, ConnectionResetError)
BROKEN = (OSError, HTTPException)


class Http:
    """A client with its trust: `ca` is a file of certificates, "" for the system's; `insecure` takes any."""

    def __init__(self, ca: str = "", insecure: bool = False) -> None:
        self.ca, self.insecure = ca, insecure

    @contextmanager
    def ask(
        self, errand: Errand, method: str, url: str, headers: Mapping[str, str], body: bytes | IO[bytes] | None = None
    ) -> Iterator[HTTPResponse]:
        """The answer, open to be read inside. Raises Unreachable, CalledBack."""
        headers, home = dict(headers), urlsplit(url).netloc
        for _ in range(MOST_REDIRECTS):
            with _in_go_words(url, errand):
                connection = self._connection(url)
            try:
                with _in_go_words(url, errand):
                    parts = urlsplit(url)
                    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                    connection.connect()
                    errand.at(connection.sock)
                    with suppress(*HUNG_UP):  # it has answered before it had all
                        connection.request(method, target, body, headers)
                    answer = connection.getresponse()
                location = answer.headers.get("Location")
                with closing(answer):
                    if answer.status not in REDIRECTS or not location or method not in ("GET", "HEAD"):
                        yield answer
                        return
                with _in_go_words(location, errand):
                    url = urljoin(url, location)
                if urlsplit(url).netloc != home:
                    headers.pop("Authorization", None)
            finally:
                connection.close()
        raise Unreachable(f"stopped after {MOST_REDIRECTS} redirects")

    def _connection(self, url: str) -> HTTPConnection:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return HTTPConnection(host, parts.port, timeout=PATIENCE_S, blocksize=BLOCK)
        if parts.scheme != "https":
            raise Unreachable(f'unsupported protocol scheme "{parts.scheme}"')
        return HTTPSConnection(host, parts.port, timeout=PATIENCE_S, context=self._trust(), blocksize=BLOCK)

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def pieces(answer: HTTPResponse) -> Iterator[bytes]:
    """The body as it comes. Raises OSError or HTTPException when it ends before it should, or comes too slowly."""
    began, size, left = time.monotonic(), 0, answer.length
    while left is None or left > 0:
        data = answer.read1(BLOCK if left is None else min(BLOCK, left))
        if not data:
            if left is not None:
                raise ConnectionResetError
            return
        size += len(data)
        left = left - len(data) if left is not None else None
        yield data
        if size < (time.monotonic() - began - PATIENCE_S) * SLOWEST:
            raise TimeoutError


@contextmanager
def _in_go_words(url: str, errand: Errand) -> Iterator[None]:
    """Raises Unreachable for what the network does, and CalledBack for what we did."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Unreachable(f'parse "{url}": invalid port') from None
    try:
        yield
    except CalledBack:
        raise
    except Exception as error:
        if errand.over:
            raise CalledBack from None
        if not isinstance(error, (*BROKEN, ValueError)):
            raise
        raise Unreachable(_reason(error, url, host, port)) from None


def _reason(error: Exception, url: str, host: str, port: int) -> str:
    if isinstance(error, socket.gaierror):
        return not_found(host)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _x509(error, host)
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return "http: server gave HTTP response to HTTPS client"
        return f"tls: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return not_dialled(f"{_address(host)}:{port}", "connection refused")
    if isinstance(error, TimeoutError):
        return f"dial tcp {_address(host)}:{port}: i/o timeout"
    if isinstance(error, InvalidURL | ValueError):
        return f"parse {url!r}: invalid URL"
    if isinstance(error, BadStatusLine) and not isinstance(error, RemoteDisconnected):
        return f"net/http: HTTP/1.x transport connection broken: malformed HTTP response {str(error.args[0])[:100]}"
    if isinstance(error, ConnectionError | HTTPException):
        return "EOF"
    said = error.strerror if isinstance(error, OSError) else ""
    return f"dial tcp {_address(host)}:{port}: {(said or str(error)).lower()}"


def _x509(error: ssl.SSLCertVerificationError, host: str) -> str:
    """Go's sentence for a certificate that is not trusted."""
    if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
        return "x509: certificate has expired or is not yet valid"
    if error.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        return f"x509: certificate is not valid for {host}"
    return "x509: certificate signed by unknown authority"


def _address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None)[0][4][0])
    except OSError:
        return host
