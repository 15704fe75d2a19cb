"""Who is logged in where: `~/.docker/config.json`, and the header that goes with requests.

The client keeps names and passwords, merely encoded, and sends those for a registry along with each
request that makes the daemon talk to it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from simdocker.actors.client.configfile import ConfigFile, config_directory
from simdocker.actors.client.terminal import Terminal
from simdocker.content.reference import HUB

HUB_ADDRESS = "https://index.docker.io/v1/"
NO_AUTH = {"X-Registry-Auth": "e30="}  # base64 of {}: nobody is logged in
NO_AUTHS = {"X-Registry-Config": "e30="}  # the same for all registries, as a build sends it


class Credentials:
    """The credentials kept in one user's configuration file."""

    __slots__ = ("_file", "path")

    def __init__(self, terminal: Terminal) -> None:
        self._file = ConfigFile(terminal, config_directory(terminal))
        self.path = self._file.path

    @property
    def _auths(self) -> dict[str, Any]:
        auths: dict[str, Any] = self._file.content.setdefault("auths", {})
        return auths

    def get(self, server: str) -> tuple[str, str] | None:
        """Name and password kept for a server."""
        encoded = (self._file.content.get("auths") or {}).get(server, {}).get("auth", "")
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
        self._file.write()
        return True

    def forget(self, server: str) -> None:
        """Forget them, if there are any. Raises OSError."""
        if self._auths.pop(server, None) is not None:
            self._file.write()


def hostname(address: str) -> str:
    """The host, with its port, of an address such as `https://registry.lab:5000/v1/`."""
    if address == HUB_ADDRESS:
        return address
    return address.removeprefix("https://").removeprefix("http://").partition("/")[0]


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
