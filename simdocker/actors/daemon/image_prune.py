"""`docker image prune`: images that have no name, or with `dangling=false` all that no container uses.

Rules and order are those of dockerd 20.10 (`daemon/images/image_prune.go`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.image_removal import Records, Removal
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.query import Filters
from simdocker.api import ApiError, Request, Response
from simdocker.backends.ports import Process

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

FILTERS = frozenset(("dangling", "label", "label!", "until"))


class ImagePrune:
    """`POST /images/prune`."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [Route("POST", "/images/prune", self.prune)]

    def prune(self, request: Request) -> Reply:
        """Process: remove what the filters leave, and tell how many bytes that frees."""
        daemon = self.daemon
        filters = Filters.parse(request.query.get("filters"), FILTERS)
        dangling_only = filters.boolean("dangling") is not False
        until = filters.until(daemon.env.now)
        before = self._layers()
        deleted: Records = []
        for image in list(daemon.images.store.all()):
            if image.created_ns > until or not filters.labels_for_prune(image.config.Labels):
                continue
            if daemon.images.store.children(image) and (dangling_only or not image.names):
                continue
            yield from self._remove(image, dangling_only, deleted)
        after = self._layers()
        reclaimed = sum(size for chain_id, size in before.items() if chain_id not in after)
        daemon.events.emit("image", "prune", "", {"reclaimed": str(reclaimed)})
        return Response(200, {"ImagesDeleted": deleted or None, "SpaceReclaimed": reclaimed})

    def _layers(self) -> dict[str, int]:
        """Every layer that an image stands on, with its bytes."""
        sizes: dict[str, int] = {}
        for image in self.daemon.images.store.all():
            below = image.holds
            while below is not None and below.chain_id not in sizes:
                sizes[below.chain_id] = below.size
                below = below.parent
        return sizes

    def _remove(self, image: Image, dangling_only: bool, deleted: Records) -> Process:
        """Process: remove one image by each of its names, or by its id; one that is in use stays."""
        names = image.names
        if names and dangling_only and any(not name.digest for name in names):
            return
        for name in names or (None,):
            if name is not None and name not in image.names:
                continue  # a digest: it went with the last tag of its repository
            removal = Removal(self.daemon, self.daemon.images.store, image, force=False)
            try:
                yield from removal.by_name(name.familiar) if name is not None else removal.by_id()
            except ApiError:
                continue
            deleted += removal.records
