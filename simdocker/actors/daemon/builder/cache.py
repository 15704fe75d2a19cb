"""The layer cache: whether a step has been done before (moby's `image/cache`).

A step is a hit when some image was committed over the same parent by a container configured the same
way. The command is part of that configuration (a COPY's holds the hash of what it copies), so
another text, another file or another variable before it is a miss; and after one miss a stage
looks no further.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.system import VERSION
from simdocker.api import ApiError
from simdocker.api.models import ContainerConfig
from simdocker.content.manifest import ImageConfig, RootFS

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

_COMPARED = ("AttachStdout", "AttachStderr", "User", "Tty", "Cmd", "Env", "Labels", "Entrypoint")
_COMPARED_BY_KEY = ("ExposedPorts", "Volumes")


class Cache:
    """What one build may take from earlier ones. `sources` are the images of `--cache-from`: where some are named,
    nothing else is taken, even if none of them is here."""

    __slots__ = ("_daemon", "_missed", "_sources", "_use")

    def __init__(self, daemon: Daemon, *, use: bool, sources: Iterable[str]) -> None:
        self._daemon = daemon
        self._use = use
        self._missed = False
        named = tuple(sources)
        self._sources = [image for image in map(self._look_up, named) if image is not None] if named else None

    def begin_stage(self) -> None:
        """A new stage may find its steps again."""
        self._missed = False

    def probe(self, parent: Image | None, config: ContainerConfig) -> Image | None:
        """The image that a step configured like this left behind over `parent`."""
        if not self._use or self._missed:
            return None
        found = self._local(parent, config)
        if self._sources is not None:
            found = self._from_sources(parent, config, found, self._sources)
        self._missed = found is None
        return found

    def _look_up(self, name: str) -> Image | None:
        try:
            return self._daemon.images.get(name)
        except ApiError:  # dockerd only logs that it is not here
            return None

    def _local(self, parent: Image | None, config: ContainerConfig) -> Image | None:
        """The newest match among the children of `parent`."""
        matches = [
            image
            for image in self._daemon.images.store.all()
            if image.parent is parent and same(image.document.container_config, config)
        ]
        return max(matches, key=lambda image: image.created_ns, default=None)

    def _from_sources(
        self, parent: Image | None, config: ContainerConfig, local: Image | None, sources: list[Image]
    ) -> Image | None:
        """A match that one of the sources stands on, or a source whose history goes on this way."""
        if local is not None and any(_stands_on(source, local) for source in sources):
            return local
        done = len(parent.document.history) if parent is not None else 0
        for source in sources:
            history = source.document.history
            if len(history) <= done or history[done].created_by != " ".join(config.Cmd or ()):
                continue
            if not _continues(source, parent):
                continue
            self._sources = [source]  # dockerd goes on with the source it has begun with
            if len(history) > done + 1:
                return self._restored(parent, source, config, done + 1)
            self._daemon.images.descend(source, parent)
            return source
        return None

    def _restored(self, parent: Image | None, source: Image, config: ContainerConfig, steps: int) -> Image:
        """The image that stood below `source` after so many steps, of which only `source` knows."""
        images = self._daemon.images
        history = source.document.history[:steps]
        count = sum(not line.empty_layer for line in history)
        document = ImageConfig(
            architecture=source.architecture,
            os=source.os,
            created=history[-1].created,
            config=config,
            rootfs=RootFS("layers", source.layers[:count]),
            history=history,
            author=source.document.author,
            docker_version=VERSION,
        )
        image = images.keep(document, images.layers.get(source.chain_ids[count - 1]) if count else None)
        images.descend(image, parent)
        return image


def same(a: ContainerConfig | None, b: ContainerConfig) -> bool:
    """Whether two configurations make the same step (moby's `cache.compare`): the names of image and
    host do not count, nothing and an empty list are the same."""
    if a is None or a.OpenStdin or b.OpenStdin:
        return False
    return all((getattr(a, name) or None) == (getattr(b, name) or None) for name in _COMPARED) and all(
        (getattr(a, name) or {}).keys() == (getattr(b, name) or {}).keys() for name in _COMPARED_BY_KEY
    )


def _stands_on(image: Image, below: Image) -> bool:
    at: Image | None = image
    while at is not None and at is not below:
        at = at.parent
    return at is below


def _continues(image: Image, parent: Image | None) -> bool:
    """Whether the image's history and layers begin with the parent's."""
    if parent is None:
        return True
    history, layers = parent.document.history, parent.layers
    return image.document.history[: len(history)] == history and image.layers[: len(layers)] == layers
