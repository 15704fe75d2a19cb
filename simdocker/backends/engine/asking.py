"""Asking an engine from outside a play: before its first step, after its last, and for what a step's checks look at.

These calls are the player's own, not the scenario's: they wait in place and are not in the trace.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

import msgspec

from simdocker.api import Request
from simdocker.backends.engine.endpoint import dialled
from simdocker.backends.engine.exchange import target
from simdocker.errors import UserError

PATIENCE = 300  # seconds: loading a large image takes a while


class _Unix(HTTPConnection):
    def __init__(self, path: str, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """The engine at `address`. Raises UserError when nobody answers there within `patience` seconds."""

    def __init__(self, address: str, patience: float = PATIENCE) -> None:
        self.address = address
        self._patience = patience

    def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Iterable[bytes] | None = None
    ) -> tuple[int, Any]:
        """Status and body of one call; a body that is not one JSON value is given as bytes."""
        where, port = dialled(self.address)
        connection = HTTPConnection(where, port, timeout=self._patience) if port else _Unix(where, self._patience)
        try:
            headers = {} if body is None else {"Content-Type": "application/x-tar"}
            connection.request(method, target(Request(method, path, query or {}), ""), body, headers)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, HTTPException) as fault:
            why = fault.strerror if isinstance(fault, OSError) and fault.strerror else fault
            raise UserError(
                f"no Docker Engine answers at {self.address}: {why} (start dockerd, or name a running one with --host "
                "or DOCKER_HOST; without any, `--with linux` or `--backend linux` plays on this kernel)"
            ) from None
        finally:
            connection.close()
        try:
            return answer.status, msgspec.json.decode(data)
        except msgspec.DecodeError:
            return answer.status, data

    def events(self, since: float, until: float) -> list[dict[str, Any]]:
        """What the engine says happened between two times in Unix seconds, both past."""
        _, said = self.ask("GET", "/events", {"since": f"{since:.6f}", "until": f"{until:.6f}"})
        return [said] if isinstance(said, dict) else [msgspec.json.decode(line) for line in said.splitlines() if line]

    def get(self, path: str, **query: str) -> Any:
        """A GET's body; None where it is refused."""
        status, body = self.ask("GET", path, query)
        return body if status == 200 else None
