"""Who is logged in where: `~/.docker/config.json`, and the header that goes with requests.

The client keeps names and passwords, merely encoded, and sends those for a registry along with each
request that makes the daemon talk to it.
"""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
from typing import Any

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.terminal import Terminal
from simdocker.content.reference import HUB

HUB_ADDRESS = "https://index.docker.io/v1/"
NO_AUTH = {"X-Registry-Auth": "e30="}  # base64 of {}: nobody is logged in
NO_AUTHS = {"X-Registry-Config": "e30="}  # the same for all registries, as a build sends it


class Credentials:
    """The credentials kept in one user's configuration file."""

    __slots__ = ("_content", "_terminal", "path")

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        directory = terminal.env.get("DOCKER_CONFIG", "")
        home = terminal.env.get("HOME", "")
        self.path = f"{directory or home + '/.docker'}/config.json" if directory or home else ""
        self._content: dict[str, Any] = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            text = self._terminal.read_file(self.path) if self.path else b"{}"
        except OSError:
            return {}
        try:
            content = json.loads(text)
        except ValueError:
            raise CommandError(f"Error loading config file: {self.path}: not valid JSON") from None
        return content if isinstance(content, dict) else {}

    @property
    def _auths(self) -> dict[str, Any]:
        auths: dict[str, Any] = self._content.setdefault("auths", {})
        return auths

    def get(self, server: str) -> tuple[str, str] | None:
        """Name and password kept for a server."""
        encoded = (self._content.get("auths") or {}).get(server, {}).get("auth", "")
        try:
            name, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (name, password) if name else None

    def keep(self, server: str, name: str, password: str) -> bool:
        """Remember them; False when nothing had to be written. Raises OSError."""
        if self.get(server) == (name, password):
            return False
        self._auths[server] = {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}
        self._write()
        return True

    def forget(self, server: str) -> None:
        """Forget them, if there are any. Raises OSError."""
        if self._auths.pop(server, None) is not None:
            self._write()

    def _write(self) -> None:
        text = json.dumps(dict(sorted(self._content.items())), indent="\t", sort_keys=True)
        self._terminal.make_directory(posixpath.dirname(self.path), 0o700)
        self._terminal.write_file(self.path, text.encode(), 0o600)


def server_of(domain: str) -> str:
    """Under which address credentials for a registry are kept."""
    return HUB_ADDRESS if domain == HUB else domain


def registry_auth(terminal: Terminal, domain: str) -> dict[str, str]:
    """The header that tells the daemon who asks it to talk to the registry `domain`."""
    server = server_of(domain)
    known = Credentials(terminal).get(server)
    if known is None:
        return NO_AUTH
    content = {"username": known[0], "password": known[1], "serveraddress": server}
    text = json.dumps(content, separators=(",", ":"))
    return {"X-Registry-Auth": base64.urlsafe_b64encode(text.encode()).decode()}
