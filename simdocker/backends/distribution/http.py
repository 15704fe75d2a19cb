"""One HTTP exchange with a registry, and what can go wrong with it in the words of Go's net and http packages.

It waits in place; whoever must not wait calls it from another thread. Redirects are followed, as registries send their
clients to where the blobs are; the `Authorization` goes to no other host than the one it was meant for.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from simdocker.actors.wire import Unreachable, not_dialled, not_found

PATIENCE_S = 30
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10  # as Go's client


class Http:
    """A client with its trust: `ca` is a file of certificates, "" for the system's; `insecure` takes any."""

    def __init__(self, ca: str = "", insecure: bool = False) -> None:
        self.ca, self.insecure = ca, insecure

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[HTTPResponse]:
        """The answer, open to be read inside. Raises Unreachable."""
        headers, home = dict(headers), urlsplit(url).netloc
        for _ in range(MOST_REDIRECTS):
            with _in_go_words(url):
                connection = self._connection(url)
            try:
                with _in_go_words(url):
                    parts = urlsplit(url)
                    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                    connection.request(method, target, body, headers)
                    answer = connection.getresponse()
                location = answer.headers.get("Location")
                if answer.status not in REDIRECTS or not location or method not in ("GET", "HEAD"):
                    yield answer
                    return
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
            return HTTPConnection(host, parts.port, timeout=PATIENCE_S)
        return HTTPSConnection(host, parts.port, timeout=PATIENCE_S, context=self._trust())

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@contextmanager
def _in_go_words(url: str) -> Iterator[None]:
    """Raises Unreachable for what the network does."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Unreachable(f'parse "{url}": invalid port') from None
    try:
        yield
    except socket.gaierror:
        raise Unreachable(not_found(host)) from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(_x509(error, host)) from None
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            raise Unreachable("http: server gave HTTP response to HTTPS client") from None
        raise Unreachable(f"tls: {error.reason or error}") from None
    except ConnectionRefusedError:
        raise Unreachable(not_dialled(f"{_address(host)}:{port}", "connection refused")) from None
    except TimeoutError:
        raise Unreachable(f"dial tcp {_address(host)}:{port}: i/o timeout") from None
    except (ConnectionError, HTTPException):
        raise Unreachable("EOF") from None
    except OSError as error:
        raise Unreachable(f"dial tcp {_address(host)}:{port}: {(error.strerror or str(error)).lower()}") from None


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
