"""Containers: making, finding, listing, renaming and removing them.

In Docker a container is a directory of configuration, a writable layer and, while it runs, a
process. Here the daemon's `Containers` keeps the configuration and the names; the state machine is
`lifecycle.py`, what people type into and read from a container is `console.py`, and what the API
shows is `views.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from simdocker.actors.daemon import checks, configuration, host_options, links, updating, views
from simdocker.actors.daemon.configuration import Draft
from simdocker.actors.daemon.console import Console
from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.container_list import Query
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.lifecycle import Lifecycle
from simdocker.actors.daemon.names import random_name
from simdocker.actors.daemon.pull import mismatch
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.api import ApiError, BadRequest, Conflict, InternalError, NotFound, Request, Response
from simdocker.api.models import ContainerCreateBody
from simdocker.backends.ports import DriverError, Process
from simdocker.content import platforms
from simdocker.content.manifest import Platform

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.images import Image

VALID_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")

NO_CONFIG = "Config cannot be empty in order to create a container"
PRUNE_FILTERS = frozenset(("label", "label!", "until"))
OTHER_PLATFORM = (
    "The requested image's platform ({}) does not match the detected host platform ({}) "
    "and no specific platform was requested"
)


class Containers:
    """All containers of one daemon, by id and by name."""

    __slots__ = ("_by_id", "_by_name", "_drafts", "_names", "console", "daemon", "lifecycle")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._by_id: dict[str, Container] = {}
        self._by_name: dict[str, Container] = {}
        self._names = daemon.random_names
        self._drafts: dict[str, Draft] = {}  # by image, what was last asked of it
        self.lifecycle = Lifecycle(daemon, self)
        self.console = Console(daemon, self)

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/containers/create", self.create),
            Route("GET", "/containers/json", self.list, looks=True),
            Route("POST", "/containers/prune", self.prune),
            Route("GET", "/containers/{id}/json", self.inspect, looks=True),
            Route("POST", "/containers/{id}/rename", self.rename),
            Route("POST", "/containers/{id}/update", self.update),
            Route("DELETE", "/containers/{id}", self.delete),
            *self.lifecycle.routes(),
            *self.console.routes(),
        ]

    # -- finding ---------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> Iterable[Container]:
        """Every container, oldest first."""
        return self._by_id.values()

    def get(self, name_or_id: str) -> Container:
        """By full id, name or unambiguous id prefix, in that order. Raises NotFound."""
        container = self._by_id.get(name_or_id) or self._by_name.get(name_or_id.removeprefix("/"))
        if container is not None and container.id in self._by_id:  # else its name is taken, and it is being made
            return container
        if not name_or_id:
            raise BadRequest("invalid container ID")
        matches = [container for id, container in self._by_id.items() if id.startswith(name_or_id)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise BadRequest(f"Multiple IDs found with provided prefix: {name_or_id}")
        raise NotFound(f"No such container: {name_or_id}")

    def holds(self, container: Container) -> bool:
        """Whether it has not been removed."""
        return container.id in self._by_id

    def restored(self, container: Container) -> None:
        """One that was there before this daemon began."""
        self._by_id[container.id] = self._by_name[container.name] = container

    def using_image(self, image_id: str) -> list[Container]:
        """The containers made from an image."""
        return [container for container in self._by_id.values() if container.image and container.image.id == image_id]

    # -- creating --------------------------------------------------------------------------

    def create(self, request: Request) -> Reply:
        """Process: `POST /containers/create`.

        1. Check what does not depend on the image.
        2. Find the image, merge its configuration under the caller's and check what dockerd looks at then.
        3. Reserve the name, plan networks and mounts.
        4. Make the writable layer and the volumes.
        """
        daemon = self.daemon
        body: ContainerCreateBody | None = request.body
        if body is None:
            raise InternalError("EOF")
        name = request.query.get("name", "").removeprefix("/")
        draft = self._draft(body)
        yield daemon.work("container.create")
        host_options.joining(daemon, draft.host)
        asked = daemon.platform_of(request.query.get("platform", ""))
        image = self._image(body.Image, asked)
        config = draft.config(image)
        if not (config.Cmd or config.Entrypoint):
            raise BadRequest(NO_CONFIG if configuration.is_empty(body) else "No command specified")
        host = host_options.joining(daemon, draft.completed(daemon))
        if name and not VALID_NAME.fullmatch(name):
            raise BadRequest(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        id = daemon.new_id()
        hostname = config.Hostname or (daemon.hostname if host.NetworkMode == "host" else id[:12])
        config = replace(config, Hostname=hostname)
        path, *args = [*(config.Entrypoint or []), *(config.Cmd or [])]
        container = Container(id, image, body.Image, config, host, daemon.env.now, path, args)
        container.call(self._reserve(name, id))
        host_options.check_security(host)
        if host.StorageOpt:
            raise InternalError("--storage-opt is supported only for overlay over xfs with 'pquota' mount option")
        try:
            container.networking = daemon.networks.plan(host, body.NetworkingConfig)
            self._by_name[container.name] = container
            daemon.storage.create(id, image.chain_id if image else "")
            yield from self._prepare(container)
            try:
                daemon.keep(container, new=True)
            except InternalError:
                yield from daemon.volumes.release(container, True)
                raise
        except (ApiError, DriverError):
            self._by_name.pop(container.name, None)
            daemon.storage.remove(id)
            raise
        self._by_id[id] = container
        daemon.trace.state(container.actor, "created", {"id": id, "image": body.Image})
        self.event(container, "create")
        warnings = draft.warnings
        if image is not None and asked is None and not platforms.suits(daemon.platform, image.document.platform):
            warnings = [*warnings, OTHER_PLATFORM.format(image.document.platform, daemon.platform)]
        return Response(201, {"Id": id, "Warnings": warnings})

    def _draft(self, body: ContainerCreateBody) -> Draft:
        """The body checked and completed. Raises BadRequest for what dockerd refuses."""
        draft = self._drafts.get(body.Image)
        if draft is None or not draft.serves(body):
            draft = self._drafts[body.Image] = Draft(self.daemon, body)
        return draft

    def _prepare(self, container: Container) -> Process:
        """Process: what has to exist before the container does: its working directory, its volumes."""
        daemon = self.daemon
        if container.config.WorkingDir not in ("", "/"):
            daemon.storage.make_directory(container.id, container.config.WorkingDir)
        yield from daemon.volumes.prepare(container)
        if container.host.Links:
            daemon.networks.check_links(container.host)

    def _image(self, reference: str, platform: Platform | None) -> Image | None:
        if not reference:
            return None  # dockerd allows it; starting is what fails
        image = self.daemon.images.get(reference)
        if platform is not None and not platforms.suits(platform, image.document.platform):
            raise NotFound(mismatch(reference, platform, image))
        return image

    def _reserve(self, name: str, id: str) -> str:
        if name:
            self.check_free(name)
            return name
        for attempt in range(6):
            name = random_name(self._names, attempt)
            if name not in self._by_name:
                return name
        return id[:12]

    def check_free(self, name: str) -> None:
        """Raises Conflict when the name is taken."""
        holder = self._by_name.get(name)
        if holder is not None:
            raise Conflict(
                f'Conflict. The container name "/{name}" is already in use by container "{holder.id}". '
                "You have to remove (or rename) that container to be able to reuse that name."
            )

    # -- looking ---------------------------------------------------------------------------

    def list(self, request: Request) -> Reply:
        """Process: `GET /containers/json`: newest first."""
        find = Query(self.daemon, request.query)
        yield self.daemon.work("api.list")
        size = truthy(request.query.get("size"))
        return Response(200, [views.summary(self.daemon, container, size=size) for container in find.containers()])

    def inspect(self, request: Request, id: str) -> Reply:
        """Process: `GET /containers/{id}/json`."""
        container = self.get(id)
        yield from self.lifecycle.settled(container)
        yield self.daemon.work("api.inspect")
        return Response(200, views.inspect(self.daemon, container, size=truthy(request.query.get("size"))))

    # -- renaming and removing -----------------------------------------------------------------

    def rename(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/rename`."""
        yield from ()
        new = request.query.get("name", "").removeprefix("/")
        if not id or not new:
            raise BadRequest("Neither old nor new names may be empty")
        container = self.get(id)
        if container.name == new:
            raise BadRequest("Renaming a container with the same name as its current name")
        if not VALID_NAME.fullmatch(new):
            raise BadRequest(
                f"Error when allocating new name: Invalid container name (/{new}), "
                "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            )
        try:
            self.check_free(new)
        except Conflict as error:
            raise Conflict("Error when allocating new name: " + error.message) from None
        old = container.name
        del self._by_name[old]
        self._by_name[new] = container
        for other in links.renamed(self.all(), old, new):
            self.daemon.keep(other)
        container.call(new)
        container.half_started = None
        self.daemon.keep(container)
        self.daemon.trace.state(container.actor, "renamed", {"from": old})
        self.event(container, "rename", {"oldName": "/" + old})
        return Response(204)

    def update(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/update`."""
        container = self.get(id)
        yield self.daemon.work("container.pause")  # runc writes a cgroup file here too
        warnings = updating.update(self.daemon, container, request.body)
        container.half_started = None
        self.daemon.keep(container)
        self.event(container, "update")
        return Response(200, {"Warnings": warnings or None})

    def delete(self, request: Request, id: str) -> Reply:
        """Process: `DELETE /containers/{id}`: `force` kills first, `v` takes anonymous volumes along."""
        query = request.query
        if truthy(query.get("link")):
            links.unlink(self.daemon, id)
            return Response(204)
        container = self.get(id)
        if container.busy is not None:
            yield from self.lifecycle.settled(container)
            container = self.get(id)
        state = container.state
        if state.removing:
            raise Conflict(f"removal of container {id} is already in progress")
        if state.running and not truthy(query.get("force")):
            raise Conflict(checks.not_removable(container))
        state.removing = True  # whoever else wants to remove it from now on is refused
        if state.running:
            yield from self.lifecycle.kill(container)
            if container.process is not None:  # somebody was starting it again
                yield from self.lifecycle.kill(container)
        yield from self._remove(container, truthy(query.get("v")))
        return Response(204)

    def remove(self, container: Container, *, volumes: bool) -> Process:
        """Process: take a stopped container away unless somebody does so already."""
        if not container.state.removing:
            container.state.removing = True
            yield from self._remove(container, volumes)

    def _remove(self, container: Container, volumes: bool) -> Process:
        """Process: a container goes, with its writable layer and, if asked, its anonymous volumes. Whoever
        waits for `removed` is told."""
        daemon = self.daemon
        container.state.dead = True
        lock = container.busy
        if lock is not None:
            yield from self.lifecycle.lock(container)
            self.lifecycle.unlock(container)
        yield daemon.work("container.remove")
        daemon.drop(container)  # first: half a removal is finished at the next start
        if container.mounts:
            yield from daemon.volumes.release(container, volumes)
        daemon.storage.remove(container.id)
        container.endpoints = {}  # they point back: without a circle, nothing is left to the garbage collector
        del self._by_id[container.id]
        del self._by_name[container.name]
        daemon.trace.state(container.actor, "removed")
        self.event(container, "destroy")
        self.console.end_followers(container)
        self.console.end_attached(container)  # to a container that was never started
        self.lifecycle.endings.notify(container, "removed")
        yield from daemon.images.collect(container.image)

    def prune(self, request: Request) -> Reply:
        """Process: `POST /containers/prune`: remove every stopped container."""
        try:
            filters = Filters.parse(request.query.get("filters"), PRUNE_FILTERS)
        except InternalError as error:  # the one prune whose filters are the client's fault
            raise BadRequest(error.message) from None
        until = filters.until(self.daemon.env.now)
        deleted: list[str] = []
        reclaimed = 0
        for container in reversed(list(self._by_id.values())):
            if container.running or container.state.removing or container.created_ns > until:
                continue
            if not filters.labels_for_prune(container.config.Labels):
                continue
            reclaimed += self.daemon.storage.size(container.id)
            yield from self.remove(container, volumes=False)
            deleted.append(container.id)
        self.daemon.events.emit("container", "prune", "", {"reclaimed": str(reclaimed)})
        return Response(200, {"ContainersDeleted": deleted or None, "SpaceReclaimed": reclaimed})

    def event(self, container: Container, action: str, attributes: Mapping[str, str] | None = None) -> None:
        """Emit a container event; attributes are the image, the name, the labels and what is given."""
        shown = container.shown
        if attributes:
            shown = {**shown, **attributes}
        self.daemon.events.emit("container", action, container.id, shown)
