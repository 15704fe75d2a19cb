"""Looking at what our daemon keeps, without asking it: it takes no time and leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon import image_views, views
from simdocker.actors.daemon.events import as_json
from simdocker.actors.daemon.query import NO_FILTERS
from simdocker.api import ApiError

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
