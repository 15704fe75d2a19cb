"""Containers: making, finding, listing, renaming and removing them.

In Docker a container is a directory of configuration, a writable layer and, while it runs, a
process. Here the daemon's `Containers` keeps the configuration and the names; the state machine is
`lifecycle.py`, what people type into and read from a container is `console.py`, and what the API
shows is `views.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from simdocker.actors.daemon import checks, views
from simdocker.actors.daemon.console import Console
from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.lifecycle import Lifecycle
from simdocker.actors.daemon.names import random_name
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.api import BadRequest, Conflict, NotFound, Request, Response
from simdocker.api.models import ContainerConfig, ContainerCreateBody, HostConfig
from simdocker.backends.ports import Process

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.images import Image

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VALID_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")

LIST_FILTERS = frozenset(
    ("ancestor before exited expose health id isolation is-task label name network publish since status volume").split()
)
STATUSES = frozenset(("created", "dead", "exited", "paused", "removing", "restarting", "running"))
PRUNE_FILTERS = frozenset(("label", "label!", "until"))


class Containers:
    """All containers of one daemon, by id and by name."""

    __slots__ = ("_by_id", "_by_name", "_names", "console", "daemon", "lifecycle")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._by_id: dict[str, Container] = {}
        self._by_name: dict[str, Container] = {}
        self._names = daemon.random_names
        self.lifecycle = Lifecycle(daemon, self)
        self.console = Console(daemon, self)

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/containers/create", self.create),
            Route("GET", "/containers/json", self.list),
            Route("POST", "/containers/prune", self.prune),
            Route("GET", "/containers/{id}/json", self.inspect),
            Route("POST", "/containers/{id}/rename", self.rename),
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
        if container is not None:
            return container
        if not name_or_id:
            raise BadRequest("invalid container ID")
        matches = [container for id, container in self._by_id.items() if id.startswith(name_or_id)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise BadRequest(f"Multiple IDs found with provided prefix: {name_or_id}")
        raise NotFound(f"No such container: {name_or_id}")

    def using_image(self, image_id: str) -> list[Container]:
        """The containers made from an image."""
        return [container for container in self._by_id.values() if container.image and container.image.id == image_id]

    # -- creating --------------------------------------------------------------------------

    def create(self, request: Request) -> Reply:
        """Process: `POST /containers/create`.

        1. Check what does not depend on the image.
        2. Find the image and merge its configuration under the caller's.
        3. Reserve the name, plan networks and mounts.
        4. Make the writable layer and the volumes.
        """
        daemon = self.daemon
        body: ContainerCreateBody = request.body
        host = body.HostConfig or HostConfig()
        name = request.query.get("name", "").removeprefix("/")
        if name and not VALID_NAME.fullmatch(name):
            raise BadRequest(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        warnings = checks.check(body, host, daemon)
        yield daemon.work("container.create")
        image = self._image(body.Image, request.query.get("platform", ""))
        id = daemon.new_id()
        config = merge(body, image, id)
        if not (config.Cmd or config.Entrypoint):
            raise BadRequest("No command specified")
        warnings += daemon.networks.check(body, host)
        container = Container(id, self._reserve(name, id), image, body.Image, config, host, daemon.env.now)
        container.path, *container.args = (*(config.Entrypoint or ()), *(config.Cmd or ()))
        try:
            container.networking = daemon.networks.plan(host, body.NetworkingConfig)
            container.mounts = daemon.volumes.plan(config, host, image)
            self._by_name[container.name] = container
            daemon.storage.create(id, image.chain_id if image else "")
            yield from self._prepare(container)
        except Exception:
            self._by_name.pop(container.name, None)
            daemon.storage.remove(id)
            raise
        self._by_id[id] = container
        daemon.trace.state(container.actor, "created", {"image": body.Image})
        self.event(container, "create")
        return Response(201, {"Id": id, "Warnings": warnings})

    def _prepare(self, container: Container) -> Process:
        """Process: what has to exist before the container does: its working directory, its volumes."""
        daemon = self.daemon
        if container.config.WorkingDir not in ("", "/"):
            daemon.storage.make_directory(container.id, container.config.WorkingDir)
        if container.mounts:
            yield from daemon.volumes.prepare(container)

    def _image(self, reference: str, platform: str) -> Image | None:
        if not reference:
            return None  # dockerd allows it; starting is what fails
        image = self.daemon.images.get(reference)
        if platform:
            wanted = platform.split("/")
            if wanted[:2] != [image.os, image.architecture][: len(wanted)]:
                raise NotFound(
                    f"image with reference {reference} was found but does not match the specified platform: "
                    f"wanted {platform}, actual: {image.os}/{image.architecture}"
                )
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
        """Process: `GET /containers/json`: newest first; only running ones unless `all`, `limit` or a
        filter on state asks for more."""
        query = request.query
        filters = Filters.parse(query.get("filters"), LIST_FILTERS)
        for status in filters.get("status"):
            if status not in STATUSES:
                raise BadRequest(f"Invalid filter 'status={status}'")
        limit = int(query.get("limit") or 0)
        everything = truthy(query.get("all")) or limit > 0 or "status" in filters or "exited" in filters
        yield self.daemon.work("api.list")
        found: list[Container] = []
        for container in self._selected(filters):
            if everything or container.running or "before" in filters or "since" in filters:
                found.append(container)
                if limit > 0 and len(found) == limit:
                    break
        size = truthy(query.get("size"))
        return Response(200, [views.summary(self.daemon, container, size=size) for container in found])

    def _selected(self, filters: Filters) -> Iterator[Container]:
        newest_first = sorted(self._by_id.values(), key=lambda c: c.created_ns, reverse=True)
        before = self.get(filters.get("before")[-1]) if "before" in filters else None
        since = self.get(filters.get("since")[-1]) if "since" in filters else None
        ancestors = self._ancestors(filters.get("ancestor"))
        for container in newest_first:
            if before is not None and container.created_ns >= before.created_ns:
                continue
            if since is not None and container.created_ns <= since.created_ns:
                continue
            if ancestors is not None and (container.image is None or container.image.id not in ancestors):
                continue
            if self._matches(container, filters):
                yield container

    def _ancestors(self, references: list[str]) -> set[str] | None:
        if not references:
            return None
        found = set()
        for reference in references:
            try:
                found.add(self.daemon.images.get(reference).id)
            except (NotFound, BadRequest):
                continue
        return found

    def _matches(self, container: Container, filters: Filters) -> bool:
        state = container.state
        if not (
            filters.prefix("id", container.id)
            and (filters.match("name", container.name) or filters.match("name", "/" + container.name))
            and filters.exact("status", state.status)
            and filters.labels(container.config.Labels)
        ):
            return False
        if "exited" in filters:
            codes = [int(code) for code in filters.get("exited") if code.lstrip("-").isdigit()]
            if state.exit_code not in codes or state.running or state.started_ns < 0:
                return False
        if "health" in filters and not filters.exact("health", "none"):
            return False
        if "volume" in filters and not any(
            wanted in (mount.name, mount.target) for wanted in filters.get("volume") for mount in container.mounts
        ):
            return False
        if "network" in filters:
            networks = {value for name, id in self.daemon.networks.names(container) for value in (name, id)}
            if not networks.intersection(filters.get("network")):
                return False
        for key in ("publish", "expose"):
            if key in filters and not views.has_port(self.daemon, container, key, filters.get(key)):
                return False
        return True

    def inspect(self, request: Request, id: str) -> Reply:
        """Process: `GET /containers/{id}/json`."""
        container = self.get(id)
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
                f"Error when allocating new name: Invalid container name ({new}), "
                "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            )
        try:
            self.check_free(new)
        except Conflict as error:
            raise Conflict("Error when allocating new name: " + error.message) from None
        old = container.name
        del self._by_name[old]
        self._by_name[new] = container
        container.name = new
        container.actor = "container/" + new
        self.daemon.trace.state(container.actor, "renamed", {"from": old})
        self.event(container, "rename", {"oldName": "/" + old})
        return Response(204)

    def delete(self, request: Request, id: str) -> Reply:
        """Process: `DELETE /containers/{id}`: `force` kills first, `v` takes anonymous volumes along."""
        container = self.get(id)
        query = request.query
        state = container.state
        if state.removing:
            raise Conflict(f"removal of container {container.id} is already in progress")
        if state.running:
            if not truthy(query.get("force")):
                raise Conflict(checks.not_removable(container))
            yield from self.lifecycle.kill(container)
        yield from self.remove(container, volumes=truthy(query.get("v")))
        return Response(204)

    def remove(self, container: Container, *, volumes: bool) -> Process:
        """Process: take a stopped container away, with its writable layer and, if asked, its
        anonymous volumes. Whoever waits for `removed` is told."""
        daemon = self.daemon
        state = container.state
        if state.removing:
            return
        state.removing = state.dead = True
        lock = container.busy
        if lock is not None:
            yield from self.lifecycle.lock(container)
            self.lifecycle.unlock(container)
        yield daemon.work("container.remove")
        if container.mounts:
            yield from daemon.volumes.release(container, volumes)
        daemon.storage.remove(container.id)
        del self._by_id[container.id]
        del self._by_name[container.name]
        daemon.trace.state(container.actor, "removed")
        self.event(container, "destroy")
        self.console.end_followers(container)
        self.lifecycle.notify(container, "removed")
        yield from daemon.images.collect(container.image)

    def prune(self, request: Request) -> Reply:
        """Process: `POST /containers/prune`: remove every stopped container."""
        filters = Filters.parse(request.query.get("filters"), PRUNE_FILTERS)
        until = self.daemon.env.now - checks.age_ns(filters.get("until"), self.daemon.env.now)
        deleted: list[str] = []
        reclaimed = 0
        for container in list(self._by_id.values()):
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
        labels = container.config.Labels
        extra = {**(labels or {}), **(attributes or {})} if labels or attributes else {}
        extra["image"] = container.image_ref
        extra["name"] = container.name
        self.daemon.events.emit("container", action, container.id, extra)


def merge(body: ContainerCreateBody, image: Image | None, id: str) -> ContainerConfig:
    """The configuration a container runs with: the caller's over the image's (daemon/commit.go `merge`).

    An entrypoint given by the caller drops the image's command; environments and labels are united,
    the caller's winning.
    """
    base = image.config if image is not None else NOTHING
    entrypoint, command = body.Entrypoint, body.Cmd
    if not entrypoint:
        if not command:
            command = base.Cmd
        if entrypoint is None:
            entrypoint = base.Entrypoint
    if entrypoint == [""]:
        entrypoint = None
    env = body.Env
    if base.Env:
        given = {entry.partition("=")[0] for entry in env or ()}
        env = [*(env or ()), *(entry for entry in base.Env if entry.partition("=")[0] not in given)]
    return ContainerConfig(
        Hostname=body.Hostname or ("" if shares_hostname(body.HostConfig) else id[:12]),
        Domainname=body.Domainname,
        User=body.User or base.User,
        AttachStdin=body.AttachStdin,
        AttachStdout=body.AttachStdout,
        AttachStderr=body.AttachStderr,
        ExposedPorts={**(body.ExposedPorts or {}), **base.ExposedPorts} if base.ExposedPorts else body.ExposedPorts,
        Tty=body.Tty,
        OpenStdin=body.OpenStdin,
        StdinOnce=body.StdinOnce,
        Env=env,
        Cmd=command,
        Healthcheck=body.Healthcheck or base.Healthcheck,
        Image=body.Image,
        Volumes=({**(body.Volumes or {}), **(base.Volumes or {})}) or None,
        WorkingDir=body.WorkingDir or base.WorkingDir,
        Entrypoint=entrypoint,
        NetworkDisabled=body.NetworkDisabled,
        OnBuild=body.OnBuild,
        Labels={**base.Labels, **(body.Labels or {})} if base.Labels else body.Labels,
        StopSignal=body.StopSignal or base.StopSignal,
        StopTimeout=body.StopTimeout,
        Shell=base.Shell,
    )


NOTHING = ContainerConfig()


def shares_hostname(host: HostConfig | None) -> bool:
    """Whether the container takes another namespace's host name."""
    mode = host.NetworkMode if host is not None else ""
    return mode == "host" or mode.startswith("container:")
