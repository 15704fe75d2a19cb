"""The user's configuration file, `~/.docker/config.json`: who is logged in, and which context is used."""

from __future__ import annotations

import json
import posixpath
from typing import Any

from simdocker.actors.client.terminal import Terminal


def config_directory(terminal: Terminal) -> str:
    """DOCKER_CONFIG, or `.docker` in the user's home; "" without either."""
    directory = terminal.env.get("DOCKER_CONFIG", "")
    home = terminal.env.get("HOME", "")
    return directory or (f"{home}/.docker" if home else "")


class ConfigFile:
    """The file in a configuration directory, read once; `content` may be changed and written back."""

    __slots__ = ("_terminal", "content", "path")

    def __init__(self, terminal: Terminal, directory: str, *, warn: bool = False) -> None:
        """One that is no JSON is as good as none, which docker warns of once a command."""
        self._terminal = terminal
        self.path = f"{directory}/config.json" if directory else ""
        self.content: dict[str, Any] = self._read(warn)

    def _read(self, warn: bool) -> dict[str, Any]:
        try:
            text = self._terminal.read_file(self.path) if self.path else b"{}"
        except OSError:
            return {}
        try:
            content = json.loads(text)
        except ValueError:
            if warn:
                self._terminal.err(f"WARNING: Error parsing config file ({self.path}): unexpected EOF\n")
            return {}
        return content if isinstance(content, dict) else {}

    def text(self, key: str) -> str:
        """A setting that is a text; "" where it is not set."""
        value = self.content.get(key)
        return value if isinstance(value, str) else ""

    def write(self) -> None:
        """Write it back, as docker lays it out. Raises OSError."""
        text = json.dumps(dict(sorted(self.content.items())), indent="\t", sort_keys=True)
        self._terminal.make_directory(posixpath.dirname(self.path), 0o700)
        self._terminal.write_file(self.path, text.encode(), 0o600)
