"""What a daemon keeps on disk of its objects, so that they are there when it starts again.

dockerd writes an object's file wherever it has changed it (`CheckpointTo`, the image and network stores), before it
answers. So does this: `Daemon.keep` after a change, `Daemon.drop` when an object goes. Without a `Disk`, as in a
simulated world, nothing is written: that is remembered by living through it again (`server.ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from simdocker.actors.daemon import records
from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.network import Network
from simdocker.actors.daemon.volumes import Volume
from simdocker.api import InternalError

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.backends.ports import Process
    from simdocker.content.image import Layer

CONTAINERS, IMAGES, NETWORKS, VOLUMES = "containers", "images", "networks", "volumes"
NAMES, SOURCES = "names", "sources"
"""Two tables beside the images: which name is whose, and from which repositories a blob is known."""

Kept = Container | Image | Network | Volume


class LogFile(Protocol):
    """Where a container's output goes."""

    def write(self, entry: tuple[int, int, bytes], entries: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep what was written; `entries` is all that can be read of the log now."""

    def read(self) -> Iterable[tuple[int, int, bytes]]:
        """All of it."""

    def close(self) -> None:
        """Nothing is written for now."""


class Disk(Protocol):
    """A file per object, by kind and name: there as it was last written, whenever the process is killed."""

    def write(self, kind: str, name: str, text: bytes) -> None:
        """Raises OSError."""

    def delete(self, kind: str, name: str) -> None:
        """It is no more."""

    def everything(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """What there is of a kind: (name, text), in the order in which it was written."""

    def unreadable(self, kind: str, name: str, why: str) -> None:
        """Tell that an object is of no use; it stays."""

    def set_aside(self, kind: str, name: str) -> None:
        """What is of no use is not to be written over."""

    def log(self, container_id: str) -> LogFile:
        """A container's output."""

    def keep_layer(self, chain_id: str, parent: str, layer: Layer) -> Process:
        """Process: a layer has been extracted. Raises DriverError."""

    def layers(self) -> Iterator[tuple[str, str, Layer]]:
        """(chain id, that of the layer below, layer), lower ones first."""

    def has_files(self, container_id: str) -> bool:
        """Whether a container's writable layer is there."""

    def forget_strangers(self) -> None:
        """Delete the writable layers of containers that have no file."""


class Memory:
    """What one daemon writes."""

    __slots__ = ("_unwritten", "daemon", "disk")

    def __init__(self, daemon: Daemon, disk: Disk) -> None:
        self.daemon = daemon
        self.disk = disk
        self._unwritten: dict[tuple[str, str], Kept] = {}  # the disk was full; tried again with the next that changes

    def keep(self, thing: Kept, *, new: bool = False) -> None:
        """An object has changed. One that is `new` cannot be without its file: raises InternalError."""
        if self._is_gone(thing) and not new:
            return
        kind, name = _place(thing)
        try:
            self.disk.write(kind, name, records.encoded(thing))
        except OSError as error:
            if new:
                raise InternalError(_sentence(error)) from None
            self._unwritten[kind, name] = thing
            self.daemon.trace.note(self.daemon.actor, "not kept", {kind: name, "error": _sentence(error)})
            return
        self._unwritten.pop((kind, name), None)
        if self._unwritten:
            (kind, name), other = self._unwritten.popitem()
            self.keep(other)

    def drop(self, thing: Kept) -> None:
        """An object is no more."""
        kind, name = _place(thing)
        self._unwritten.pop((kind, name), None)
        self.disk.delete(kind, name)

    def _is_gone(self, thing: Kept) -> bool:
        """Whether it was removed while somebody was still at it: it must not come back."""
        if isinstance(thing, Container):
            return thing.state.dead
        return isinstance(thing, Image) and not thing.orphan and self.daemon.images.store.by_id(thing.id) is not thing

    def keep_names(self) -> None:
        """An image has got a name or lost one. Raises InternalError."""
        table = {name.canonical: id for name, id in self.daemon.images.store.names().items()}
        try:
            self.disk.write(IMAGES, NAMES, records.table(table))
        except OSError as error:
            raise InternalError(_sentence(error)) from None

    def keep_sources(self) -> None:
        """A blob has been seen in a repository. To forget that costs an upload at most."""
        sources = self.daemon.images.layers.sources
        try:
            self.disk.write(IMAGES, SOURCES, records.table({digest: list(known) for digest, known in sources.items()}))
        except OSError as error:
            self.daemon.trace.note(self.daemon.actor, "not kept", {"error": _sentence(error)})

    def log_of(self, container: Container) -> None:
        """A container starts: what it writes is kept."""
        if container.log.file is None:
            container.log.file = self.disk.log(container.id)


def _place(thing: Kept) -> tuple[str, str]:
    if isinstance(thing, Container):
        return CONTAINERS, thing.id
    if isinstance(thing, Image):
        return IMAGES, thing.id.partition(":")[2]
    return (NETWORKS, thing.id) if isinstance(thing, Network) else (VOLUMES, thing.name)


def _sentence(error: OSError) -> str:
    return f"write {error.filename}: {(error.strerror or '').lower()}"
