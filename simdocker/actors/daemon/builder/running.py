"""The containers of a build: one for each step that is not found in the cache, taken away again.

They are ordinary containers of the daemon. Those of metadata steps are made and never started, as
dockerd does it, so that a commit always has a container to stand on; RUN's is started, watched and
waited for (moby's `builder/dockerfile/containerbackend.go`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simdocker.actors.daemon.builder.output import Output
from simdocker.actors.daemon.container import Container
from simdocker.api import Request, Response
from simdocker.api.models import ContainerConfig, ContainerCreateBody, HostConfig
from simdocker.backends.ports import Process

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

STDERR = 2


class CommandFailed(Exception):
    """A RUN's command ended with another exit code than 0. Arguments: the sentence, the code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.message = message
        self.code = code


class Intermediate:
    """The intermediate containers of one build."""

    __slots__ = ("_containers", "_daemon", "_host", "_output")

    def __init__(self, daemon: Daemon, host: HostConfig, output: Output) -> None:
        self._daemon = daemon
        self._host = host
        self._output = output
        self._containers: list[Container] = []

    def create(self, config: ContainerConfig) -> Process:
        """Process → Container. Raises ApiError."""
        containers = self._daemon.containers
        body = ContainerCreateBody(**msgspec.structs.asdict(config), HostConfig=self._host)
        response = yield from containers.create(Request("POST", "/containers/create", {}, body))
        for warning in response.body["Warnings"]:
            self._output.text(f" ---> [Warning] {warning}\n")
        container = containers.get(response.body["Id"])
        self._containers.append(container)
        self._output.text(f" ---> Running in {container.short_id}\n")
        return container

    def run(self, container: Container) -> Process:
        """Process: run to the end, its output being the build's. Raises CommandFailed, ApiError."""
        containers = self._daemon.containers
        attached = yield from containers.console.attach(
            Request("POST", "/attach", {"stream": "1", "stdout": "1", "stderr": "1"}), container.id
        )
        yield from containers.lifecycle.start(container)
        yield from self._show(attached)
        ended = yield from containers.console.wait(Request("POST", "/wait", {"condition": "not-running"}), container.id)
        assert ended.stream is not None
        code = (yield from ended.stream.read())["StatusCode"]
        if code:
            command = " ".join(container.config.Cmd or ())
            raise CommandFailed(f"The command '{command}' returned a non-zero code: {code}", code)

    def _show(self, attached: Response) -> Process:
        """Process: pass on what the container writes until it has ended."""
        assert attached.stream is not None
        while (chunk := (yield from attached.stream.read())) is not None:
            fd, data = chunk
            text = data.decode("utf-8", "replace")
            if fd == STDERR:
                self._output.error_text(text)
            else:
                self._output.text(text)

    def remove_all(self, *, quietly: bool = False) -> Process:
        """Process: take them away with their volumes, the running one killed first."""
        containers = self._daemon.containers
        while self._containers:
            container = self._containers.pop()
            if container.running:
                yield from containers.lifecycle.kill(container)
            yield from containers.remove(container, volumes=True)
            if not quietly:
                self._output.text(f"Removing intermediate container {container.short_id}\n")
