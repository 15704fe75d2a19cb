"""Which daemon a command line means: `-H`, `--context`, DOCKER_HOST, DOCKER_CONTEXT and the context that is in
use, in docker's order.

A context is a name for a daemon (`contextstore.py`); `default` is DOCKER_HOST's daemon or else the host's own.
"""

from __future__ import annotations

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.configfile import ConfigFile, config_directory
from simdocker.actors.client.connection import endpoint
from simdocker.actors.client.contextstore import DEFAULT, ContextStore, host_of
from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.line import not_resolved
from simdocker.actors.client.terminal import Terminal


class Way:
    """What a command line's global flags and surroundings say: the `context` it uses, and the configuration
    `directory`."""

    __slots__ = ("_given", "context", "directory", "terminal")

    def __init__(self, flags: Flags, terminal: Terminal) -> None:
        """Raises CommandError with docker's words."""
        hosts, context = flags.many("host"), flags.text("context")
        if hosts and context:
            raise CommandError("conflicting options: cannot specify both --host and --context")
        self.terminal = terminal
        self.directory = flags.text("config") if flags.changed("config") else config_directory(terminal)
        self._given = hosts[0] if hosts else terminal.env.get("DOCKER_HOST", "")
        if not context and not self._given:
            context = terminal.env.get("DOCKER_CONTEXT", "") or self._in_use()
        self.context = context or DEFAULT

    def _in_use(self) -> str:
        if not self.directory or not self.terminal.exists(f"{self.directory}/config.json"):
            return ""
        return ConfigFile(self.terminal, self.directory, warn=True).text("currentContext")

    @property
    def contexts(self) -> ContextStore:
        """The contexts there are."""
        return ContextStore(self.terminal, self.directory)

    def address(self) -> str | None:
        """The daemon's address, None for this host's own. Raises CommandError."""
        try:
            if self.context == DEFAULT:
                return self.default_address()
            return _endpoint(host_of(self.contexts.read(self.context)))
        except CommandError as fault:
            if fault.message.startswith("simdocker: "):
                raise
            raise CommandError(not_resolved(fault.message).rstrip("\n")) from None

    def default_address(self) -> str | None:
        """What the context `default` means, None for this host's own daemon. Raises CommandError."""
        return _endpoint(self._given)


def _endpoint(given: str) -> str | None:
    if given.startswith("ssh://"):
        raise CommandError(f"simdocker: a daemon over ssh ({given}) is not simulated; tcp://HOST:2375 is")
    try:
        return endpoint(given) if given else None
    except ValueError as fault:
        raise CommandError(str(fault)) from None
