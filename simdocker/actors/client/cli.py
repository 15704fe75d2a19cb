"""What a running command sees: its terminal and the daemon, as docker's `command.Cli`.

A `Cli` lives for one command line. It greets the daemon (`HEAD /_ping`) before the first call, turns
an unreachable daemon and an error answer into the sentences docker prints, and forwards the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.connection import Connection, DaemonUnreachable, Reply
from simdocker.actors.client.help import older
from simdocker.actors.client.terminal import Process, Terminal
from simdocker.actors.wire import not_answered
from simdocker.api import Request, Response, Stream
from simdocker.api.messages import NO_QUERY
from simdocker.content.blob import Blob

if TYPE_CHECKING:
    from collections.abc import Callable

    from simdocker.actors.client.way import Way
    from simdocker.actors.distribution.directory import Connection as RegistryConnection
    from simdocker.des import Environment

VERSION = "28.2.2"
GIT_COMMIT = "e6534b4"
OLDEST_API_VERSION = "1.24"  # what a daemon without an Api-Version header is taken to speak
API_VERSION = "1.50"  # the newest the CLI speaks; the daemon's, when older, is spoken instead


class Cli:
    """One command line at work. `env` is the clock; environment variables are `terminal.env`.
    `words` is how the command was called (`"container ls"`), `api_version` what is spoken with the
    daemon once it has been greeted. `memo` is a place that belongs to the command line, shared by
    all its runs, for what the command derives from its words alone. `streams` are those that answers opened."""

    __slots__ = (
        "_greeted", "api_version", "arch", "connection", "env", "err", "memo", "out", "reached", "registries",
        "streams", "terminal", "way", "words",
    )  # fmt: skip

    def __init__(
        self, env: Environment, terminal: Terminal, connection: Connection, words: str, memo: dict[str, Any]
    ) -> None:
        self.env = env
        self.terminal = terminal
        self.connection = connection
        self.words = words
        self.memo = memo
        self.api_version = terminal.env.get("DOCKER_API_VERSION") or API_VERSION
        self.out = terminal.out
        self.err = terminal.err
        self._greeted = False
        self.reached = False  # whether a daemon has answered
        self.way: Way  # how the daemon is chosen
        self.registries: Callable[[str, str], RegistryConnection] | None = None  # for what asks them itself
        self.arch = "amd64"  # what this client is built for
        self.streams: list[Stream] = []

    def greet(self) -> Process:
        """Process: ping the daemon once and settle the API version, unless DOCKER_API_VERSION has. An
        unreachable daemon is not a fault here; the call that follows reports it."""
        if self._greeted:
            return
        self._greeted = True
        try:
            response = yield from self.connection.call(Request("HEAD", "/_ping"))
        except DaemonUnreachable:
            return
        self.reached = True
        offered = response.headers.get("Api-Version", OLDEST_API_VERSION)
        if older(offered, API_VERSION) and not self.terminal.env.get("DOCKER_API_VERSION"):
            self.api_version = offered

    def need(self, feature: str, version: str) -> Process:
        """Process: fail with docker's sentence unless the daemon speaks API `version`."""
        yield from self.greet()
        if older(self.api_version, version):
            raise CommandError(
                f'"{feature}" requires API version {version}, but the Docker daemon API version is {self.api_version}'
            )

    def try_call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = NO_QUERY,
        body: Any = None,
        headers: Mapping[str, str] = NO_QUERY,
        stdin: Stream | None = None,
    ) -> Reply:
        """Process → Response, whatever its status. Raises CommandError only when no daemon answers."""
        if not self._greeted:
            yield from self.greet()
        try:
            size = body.size if isinstance(body, Blob) else 0
            response: Response = yield from self.connection.call(
                Request(method, path, query, body, headers, stdin, size)
            )
        except DaemonUnreachable as fault:
            raise CommandError(self._unreachable(method, path, query, fault.reason)) from None
        if response.stream is not None:
            self.streams.append(response.stream)
        return response

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = NO_QUERY,
        body: Any = None,
        headers: Mapping[str, str] = NO_QUERY,
        stdin: Stream | None = None,
    ) -> Reply:
        """Process → Response. An error answer becomes CommandError("Error response from daemon: …")."""
        response: Response = yield from self.try_call(method, path, query, body, headers, stdin)
        if response.status >= 400:
            raise CommandError(error_text(response))
        return response

    def _unreachable(self, method: str, path: str, query: Mapping[str, str], reason: str) -> str:
        address = self.connection.address
        if not reason:
            return f"Cannot connect to the Docker daemon at {address}. Is the docker daemon running?"
        from urllib.parse import quote, urlencode

        where = "http://" + quote(address.partition("://")[2], safe=":") + f"/v{self.api_version}" + path
        if query:
            where += "?" + urlencode(sorted(query.items()))
        return f"error during connect: {not_answered(method, where, reason)}"


def error_text(response: Response) -> str:
    """The line the CLI prints for an error answer."""
    return f"Error response from daemon: {response.message.strip()}"


def filters(pairs: Iterable[tuple[str, str]]) -> str:
    """The `filters` parameter of a list, prune or events call: `{"name":{"value":true}}`, sorted as Go's
    encoder does; "" without filters (the parameter is then not sent)."""
    table: dict[str, dict[str, bool]] = {}
    for name, value in pairs:
        table.setdefault(name, {})[value] = True
    return json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if table else ""
