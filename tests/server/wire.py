"""HTTP as it is, on a served world's (or a real engine's) unix socket: no library's idea of Docker between."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE = 60  # seconds


class Answer(NamedTuple):
    """What came back."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection(http.client.HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, path: Path | str) -> None:
        super().__init__("docker", timeout=PATIENCE)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Wire:
    """Asks one thing after the other. `version` is the prefix of every path (`/v1.41`), or empty."""

    def __init__(self, path: Path | str, version: str = "") -> None:
        self.path = path
        self.version = version

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own; a dict or list goes as JSON, bytes as a tar."""
        headers = dict(headers or {})
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        elif isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/x-tar")
        connection = Connection(self.path)
        try:
            connection.request(method, self.version + path, body, headers)
            answer = connection.getresponse()
            return Answer(method, path, answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()
