"""What leaves a container as a whole, and what becomes an image of it: `export`, `diff` and `commit`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from simdocker.actors.daemon.builder.configuring import changed
from simdocker.actors.daemon.committing import Change, commit
from simdocker.actors.daemon.configuration import merge
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.query import truthy
from simdocker.api import ApiError, Request, Response
from simdocker.api.messages import values
from simdocker.api.models import ContainerConfig
from simdocker.content import archive
from simdocker.content.archive import copying

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

OCTETS = {"Content-Type": "application/octet-stream"}


class Exporting:
    """`GET /containers/{id}/export`, `GET /containers/{id}/changes` and `POST /commit`."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/containers/{id}/export", self.export),
            Route("GET", "/containers/{id}/changes", self.changes),
            Route("POST", "/commit", self.commit),
        ]

    def export(self, request: Request, id: str) -> Reply:
        """Process: the container's root filesystem as one archive. Volumes are not part of it."""
        container = self.daemon.containers.get(id)
        yield self.daemon.work("storage.mount")
        files = self.daemon.storage.files(container.id)
        names = sorted(files.names("/"))
        data = archive.pack((entry for name in names for entry in copying.below(files, f"/{name}", name)), kinds=True)
        self.daemon.containers.event(container, "export")
        return Response(200, data, OCTETS, size=data.size)

    def changes(self, request: Request, id: str) -> Reply:
        """Process: what the container changed in its image's files."""
        container = self.daemon.containers.get(id)
        yield self.daemon.work("api.inspect")
        found = self.daemon.storage.changes(container.id)
        shown = [{"Path": change.path, "Kind": change.kind} for change in found]
        return Response(200, shown or None, {"Content-Type": "application/json"})  # nil in Go: null, not []

    def commit(self, request: Request) -> Reply:
        """Process: the container's changes, and those asked for, as a new image.

        1. Work out the new image's configuration, of the body's and the container's; freeze the container
           meanwhile, unless told not to.
        2. Commit its writable layer over its image.
        3. Name the image. It stays, nameless, when the name is none.
        """
        query = request.query
        container = self.daemon.containers.get(query.get("container", ""))
        config = _plain(container.config)
        asked_for: ContainerConfig | None = request.body
        new = changed(asked_for or config, values(query, "changes"))
        if asked_for is not None:
            new = merge(new, config)
        asked = query.get("pause", "")
        freeze = container.running and not container.state.paused and (not asked or truthy(asked))
        lifecycle = self.daemon.containers.lifecycle
        if freeze:
            with suppress(ApiError):  # it ended meanwhile: dockerd commits it all the same
                yield from lifecycle.pause(container)
        try:
            change = Change(container.id, new, config, container.id, query.get("author", ""), query.get("comment", ""))
            image = yield from commit(self.daemon, change, container.image)
        finally:
            if freeze:
                with suppress(ApiError):
                    yield from lifecycle.unpause(container)
        name = ""
        if query.get("repo"):
            name = yield from self.daemon.images.name_as(image, query["repo"], query.get("tag", ""))
        told = {"comment": query.get("comment", ""), "imageID": image.id, "imageRef": name}
        self.daemon.containers.event(container, "commit", told)
        return Response(201, {"Id": image.id})


def _plain(config: ContainerConfig) -> ContainerConfig:
    """A container's configuration without what else it was created with."""
    return ContainerConfig(**{name: getattr(config, name) for name in ContainerConfig.__struct_fields__})
