"""Builds asked of a daemon over its API: a Dockerfile and files in, what the builder says out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.api import Request, Response
from simdocker.content import archive
from simdocker.content.blob import Blob
from simdocker.content.changeset import Node, file
from simdocker.scenario.load import from_lines
from simdocker.scenario.player import play

Files = Mapping[str, "str | bytes | Node"]


class Builder:
    """A world of one host with busybox pulled, whose daemon builds."""

    def __init__(self) -> None:
        self.world = play(from_lines("docker pull -q busybox", "builds")).world
        self.daemon = self.world.daemon()
        self.code = 0

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> Response:
        """The answer to a request, its stream unread."""
        env = self.world.env
        response: Response = env.run(env.process(self.daemon.handle(Request(method, path, query or {}, body))))
        return response

    def build(self, dockerfile: str, files: Files | None = None, **query: str) -> str:
        """The build's text; a failure's sentence comes last. `code` is then the failed command's."""
        entries = {"Dockerfile": dockerfile, **(files or {})}
        nodes = [(name, what if isinstance(what, Node) else file(what)) for name, what in sorted(entries.items())]
        return self.send(archive.pack(nodes), **query)

    def send(self, body: Blob | bytes, **query: str) -> str:
        """The same for any body."""
        env = self.world.env
        response = self.ask("POST", "/build", query, body)
        if response.stream is None:
            return f"{response.status} {response.message}"
        said = ""
        while (message := env.run(env.process(response.stream.read()))) is not None:
            said += message.get("stream", "")
            if "error" in message:
                self.code = message["errorDetail"].get("code", 0)
                said += message["error"]
        return said

    def image(self, name: str) -> dict[str, Any]:
        """What inspecting an image shows."""
        body: dict[str, Any] = self.ask("GET", f"/images/{name}/json").body
        return body

    def history(self, name: str) -> list[str]:
        """What made the image's layers, newest first."""
        return [step["CreatedBy"] for step in self.ask("GET", f"/images/{name}/history").body]

    def run(self, line: str) -> str:
        """What a shell line on the host prints."""
        done = self.world.start_line(next(iter(self.world.machines)), line)
        self.world.env.run(done.done)
        return (done.stdout + done.stderr).decode()
