"""A token server for a real docker-registry: it says in a signed token what somebody may do there."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from simdocker.actors.distribution.protocol import basic
from tests.registry.real import answer

SERVICE = ISSUER = "lab"


class TokenServer:
    """`may` are the actions of each user (name → password and actions) in every repository; nobody's are those of "".
    `configuration` is what the registry is told of it."""

    def __init__(self, directory: Path, may: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl")
        self.certificate, self._key = directory / "token.pem", directory / "token-key.pem"
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=lab",
                "-keyout",
                str(self._key),
                "-out",
                str(self.certificate),
            ],
            check=True,
            capture_output=True,
        )
        self.scopes: list[str] = []  # that were asked for
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = self.headers.get("Authorization", "")
                who = next((name for name, (password, _) in may.items() if name and said == basic(name, password)), "")
                if said and not who:
                    answer(self, 401, json.dumps({"details": "incorrect username or password"}).encode())
                    return
                scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
                scopes = [scope for text in scopes for scope in text.split(" ")]
                tokens.scopes += scopes
                answer(self, 200, json.dumps({"token": tokens.token(who, scopes, may[who][1])}).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        realm = f"http://127.0.0.1:{self._server.server_port}/token"
        self.configuration = (
            f"{{token: {{realm: '{realm}', service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {self.certificate}}}}}"
        )

    def token(self, who: str, scopes: list[str], actions: tuple[str, ...]) -> str:
        """A JSON Web Token (RFC 7519, RS256), with what of the scopes is granted."""
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, asked = rest.rpartition(":")
            access.append({"type": kind, "name": name, "actions": [one for one in asked.split(",") if one in actions]})
        chain = self.certificate.read_text().split("-----")[2].replace("\n", "")
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": SERVICE, "sub": who, "nbf": now - 60, "iat": now, "exp": now + 300, "jti": "1"}
        parts = ({"typ": "JWT", "alg": "RS256", "x5c": [chain]}, {**claims, "access": access})
        text = ".".join(_url(json.dumps(part).encode()) for part in parts)
        sign = ["openssl", "dgst", "-sha256", "-sign", str(self._key)]
        return f"{text}.{_url(subprocess.run(sign, input=text.encode(), check=True, capture_output=True).stdout)}"

    def __enter__(self) -> TokenServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
