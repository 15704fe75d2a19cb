"""Contexts: names for daemons, kept in the user's configuration directory (docker's `cli/context/store`).

Each is a file `contexts/meta/DIGEST/meta.json`, the digest being the name's; TLS material lies beside it under
`contexts/tls/DIGEST`. `default` is no file: it is whatever DOCKER_HOST says, or the host's own daemon.
"""

from __future__ import annotations

import json
import posixpath
import re
from hashlib import sha256
from typing import Any

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.configfile import ConfigFile
from simdocker.actors.client.terminal import Terminal
from simdocker.actors.client.values import go_quote

DEFAULT = "default"
VALID_NAME = "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"
IN_MEMORY = "<IN MEMORY>"
DOCKER = "docker"  # the one endpoint a context has
TLS_FILES = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}


class ContextStore:
    """The contexts of one user; `directory` is the configuration's."""

    __slots__ = ("_terminal", "directory")

    def __init__(self, terminal: Terminal, directory: str) -> None:
        self._terminal = terminal
        self.directory = directory

    def names(self) -> list[str]:
        """All but `default`, in no order."""
        meta = f"{self.directory}/contexts/meta"
        if not self._terminal.is_dir(meta):
            return []
        found = (self._load(f"{meta}/{folder}/meta.json") for folder in self._terminal.filesystem.names(meta))
        return [document["Name"] for document in found if document]

    def has(self, name: str) -> bool:
        return bool(self._load(self.file(name)))

    def read(self, name: str) -> dict[str, Any]:
        """`{"Name": …, "Metadata": {…}, "Endpoints": {"docker": {"Host": …}}}`. Raises CommandError."""
        document = self._load(self.file(name))
        if not document:
            why = f"open {self.file(name)}: no such file or directory"
            raise CommandError(f"context {go_quote(name)}: context not found: {why}")
        return document

    def write(self, name: str, document: dict[str, Any], tls: dict[str, bytes]) -> None:
        """Create or replace a context. Raises OSError."""
        terminal, path = self._terminal, self.file(name)
        terminal.make_directory(posixpath.dirname(path), 0o755)
        terminal.write_file(path, json.dumps(document, separators=(",", ":")).encode())
        if terminal.exists(self.tls(name)):
            terminal.filesystem.remove(self.tls(name))
        if tls:
            folder = f"{self.tls(name)}/{DOCKER}"
            terminal.make_directory(folder, 0o700)
            for file, data in tls.items():
                terminal.write_file(f"{folder}/{file}", data, 0o600)

    def remove(self, name: str) -> None:
        """Forget a context, if there is one. Raises OSError."""
        for path in (posixpath.dirname(self.file(name)), self.tls(name)):
            if self._terminal.exists(path):
                self._terminal.filesystem.remove(path)

    def tls_of(self, name: str) -> dict[str, bytes]:
        """The TLS files of a context by name."""
        folder = f"{self.tls(name)}/{DOCKER}"
        if not self._terminal.is_dir(folder):
            return {}
        return {file: self._terminal.read_file(f"{folder}/{file}") for file in self._terminal.filesystem.names(folder)}

    def file(self, name: str) -> str:
        return f"{self.directory}/contexts/meta/{_digest(name)}/meta.json"

    def tls(self, name: str) -> str:
        return f"{self.directory}/contexts/tls/{_digest(name)}"

    def _load(self, path: str) -> dict[str, Any]:
        try:
            document = json.loads(self._terminal.read_file(path))
        except (OSError, ValueError):
            return {}
        if not isinstance(document, dict) or not isinstance(document.get("Name"), str):
            return {}
        return {"Metadata": {}, **document}


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def host_of(document: dict[str, Any]) -> str:
    """The daemon's address that a context gives, "" for none."""
    endpoint = (document.get("Endpoints") or {}).get(DOCKER) or {}
    return str(endpoint.get("Host", ""))


def check_name(name: str) -> None:
    """Raises CommandError for a name that no context may have."""
    if name == DEFAULT:
        raise CommandError(f"{go_quote(DEFAULT)} is a reserved context name")
    if not re.match(VALID_NAME, name) or name.endswith("\n"):
        raise CommandError(
            f"context name {go_quote(name)} is invalid, names are validated against regexp {go_quote(VALID_NAME)}"
        )


def set_current(terminal: Terminal, directory: str, name: str) -> None:
    """Make a context the one that is used when nothing else is said. Raises OSError."""
    config = ConfigFile(terminal, directory)
    if config.text("currentContext") != (name if name != DEFAULT else ""):
        if name == DEFAULT:
            config.content.pop("currentContext", None)
        else:
            config.content["currentContext"] = name
        config.content.setdefault("auths", {})
        config.write()
