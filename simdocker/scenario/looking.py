"""Looking at what our daemon keeps, without asking it: it takes no time and leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon import image_views, views
from simdocker.actors.daemon.events import as_json
from simdocker.actors.daemon.query import NO_FILTERS
from simdocker.api import ApiError
from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon


def inspect(daemon: Daemon, kind: str, name: str) -> dict[str, Any] | None:
    """What `docker inspect` would show of an object, None when there is none."""
    try:
        if kind == "container":
            return views.inspect(daemon, daemon.containers.get(name))
        if kind == "image":
            return image_views.inspection(daemon.storage, daemon.images.get(name))
        if kind == "network":
            return daemon.networks.find(name).view()
        return daemon.volumes.get(name).view()
    except ApiError:
        return None


def listing(daemon: Daemon, kind: str) -> list[dict[str, Any]]:
    """What `docker ps -a`, `images`, `network ls` or `volume ls` would be told of each object."""
    if kind == "container":
        return [views.summary(daemon, container) for container in daemon.containers.all()]
    if kind == "image":
        return [image_views.summary(image, image.repo_tags, image.repo_digests) for image in daemon.images.store.all()]
    if kind == "network":
        return [network.view() for network in daemon.networks.all()]
    return [volume.view() for volume in daemon.volumes.all()]


def events(*daemons: Daemon) -> list[dict[str, Any]]:
    """What daemons said happened, oldest first, as `docker events` tells it."""
    logs = [event for daemon in daemons for event in daemon.events.past(0, daemon.env.now, NO_FILTERS)]
    return [as_json(event) for event in sorted(logs, key=lambda event: event.t_ns)]


def inspected(daemon: Daemon, kind: str) -> dict[str, dict[str, Any]]:
    """What `docker inspect` shows of every object of a kind, by its names."""
    if kind == "container":
        return {each.name: views.inspect(daemon, each) for each in daemon.containers.all()}
    if kind == "image":
        stored = daemon.images.store.all()
        return {
            name: image_views.inspection(daemon.storage, image)
            for image in stored
            for name in image.repo_tags or [image.id]
        }
    return {str(view["Name"]): view for view in listing(daemon, kind)}


def changes(daemon: Daemon, container: str) -> list[str]:
    """What `docker diff` says. Raises UserError when there is no such container."""
    try:
        found = daemon.containers.get(container)
    except ApiError as error:
        raise UserError(error.message) from None
    return [f"{'CAD'[change.kind]} {change.path}" for change in daemon.storage.changes(found.id)]
