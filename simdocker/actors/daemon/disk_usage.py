"""`GET /system/df`: what images, containers and volumes take of the disk.

A layer counts once however many images stand on it, so the sum of the images' sizes is more than they
take: an image's own part is what no other image shares.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon import image_views, views
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.api import Request, Response

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.image_store import Image
    from simdocker.actors.daemon.layers import StoredLayer


class DiskUsage:
    """The disk usage of one daemon."""

    __slots__ = ("daemon",)

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [Route("GET", "/system/df", self.get)]

    def get(self, request: Request) -> Reply:
        """Process: `GET /system/df`."""
        daemon = self.daemon
        yield daemon.work("api.info")
        store = daemon.images.store
        everything = sorted(store.all(), key=lambda image: -image.created_ns)
        layers = {image.id: _layers(image) for image in everything}
        images = [image for image in everything if image.names or not store.children(image)]
        uses = Counter(layer for image in images for layer in layers[image.id])  # what a build went through shares none
        volumes = [
            volume.view() | {"UsageData": {"RefCount": len(volume.users), "Size": daemon.volumes.size(volume)}}
            for volume in daemon.volumes.all()
        ]
        newest_first = sorted(daemon.containers.all(), key=lambda container: -container.created_ns)
        return Response(
            200,
            {
                "LayersSize": sum(layer.size for layer in {*chain(*layers.values())}),
                "Images": [self._image(image, layers[image.id], uses) for image in images],
                "Containers": [views.summary(daemon, container, size=True) for container in newest_first],
                "Volumes": volumes,
                "BuildCache": [],
                "BuilderSize": 0,
            },
        )

    def _image(self, image: Image, layers: list[StoredLayer], uses: Counter[StoredLayer]) -> dict[str, Any]:
        shared = sum(layer.size for layer in layers if uses[layer] > 1)
        used = len(self.daemon.containers.using_image(image.id))
        row = image_views.summary(image, *(image_views.named(image.repo_tags, image.repo_digests)))
        return row | {"Containers": used, "SharedSize": shared}


def _layers(image: Image) -> list[StoredLayer]:
    found = []
    layer = image.holds
    while layer is not None:
        found.append(layer)
        layer = layer.parent
    return found
