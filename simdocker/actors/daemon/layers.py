"""The layer store: which layers are extracted on this host, and what keeps them.

A layer is named by its chain id (itself over everything below it), because the same content over
another base is another directory for overlay2. A layer stays while an image, a layer above it, a
container or a pull in progress holds it; the storage driver keeps the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.backends.ports import DriverError, Process
from simdocker.content.digest import short

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.content.image import Layer
    from simdocker.content.reference import Reference


class StoredLayer:
    """One extracted layer: its content, the layer below it, and how many things hold it. `size` is
    the content's unpacked bytes."""

    __slots__ = ("chain_id", "content", "holders", "parent", "size")

    def __init__(self, chain_id: str, parent: StoredLayer | None, content: Layer) -> None:
        self.chain_id = chain_id
        self.parent = parent
        self.content = content
        self.size = content.unpacked
        self.holders = 0


class Layers:
    """One daemon's layers by chain id."""

    __slots__ = ("_layers", "daemon", "known", "packed", "sources")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._layers: dict[str, StoredLayer] = {}
        self.known: dict[str, str] = {}  # blob digest → diff id of blobs once unpacked here
        self.packed: dict[str, Layer] = {}  # diff id → the layer as it was last pushed to a real registry
        self.sources: dict[str, dict[tuple[str, str], None]] = {}  # blob digest → repositories known to have it

    def seen(self, digest: str, reference: Reference) -> None:
        """A blob was pulled from a repository or pushed there: a later push need not send it."""
        known = self.sources.setdefault(digest, {})
        if (repository := (reference.domain, reference.path)) not in known:
            known[repository] = None
            if self.daemon.memory is not None:
                self.daemon.memory.keep_sources()

    def __contains__(self, chain_id: str) -> bool:
        return chain_id in self._layers

    def get(self, chain_id: str) -> StoredLayer | None:
        """The layer, if it is extracted here."""
        return self._layers.get(chain_id)

    def register(self, chain_id: str, parent: str, layer: Layer) -> Process:
        """Process → StoredLayer: extract `layer` over chain `parent`, held once by the caller."""
        below = self._layers[parent] if parent else None
        yield from self.daemon.storage.apply(chain_id, parent, layer.tree, layer.unpacked)
        if self.daemon.memory is not None:
            try:
                yield from self.daemon.memory.disk.keep_layer(chain_id, parent, layer)
            except DriverError:
                yield from self.daemon.storage.delete(chain_id)
                raise
        stored = self._layers.get(chain_id)
        if stored is None:
            stored = self._layers[chain_id] = StoredLayer(chain_id, below, layer)
            if below is not None:
                below.holders += 1
        self.known[layer.digest] = layer.diff_id
        stored.holders += 1
        self.daemon.trace.state(f"layer/{short(layer.digest)}", "extracted", {"on": self.daemon.host})
        return stored

    def restored(self, chain_id: str, parent: str, layer: Layer) -> None:
        """A layer that was extracted before this daemon began, held by nothing yet but those above."""
        below = self._layers[parent] if parent else None
        self._layers[chain_id] = StoredLayer(chain_id, below, layer)
        if below is not None:
            below.holders += 1
        self.known[layer.digest] = layer.diff_id

    def unheld(self) -> list[StoredLayer]:
        """Those that nothing needs."""
        return [layer for layer in self._layers.values() if layer.holders == 0]

    def hold(self, layer: StoredLayer) -> None:
        """One more thing needs the layer, and with it all below."""
        layer.holders += 1

    def release(self, layer: StoredLayer) -> Process:
        """Process → chain ids deleted, top first: the layer lost a holder; what nothing holds goes."""
        deleted: list[str] = []
        below: StoredLayer | None = layer
        while below is not None:
            below.holders -= 1
            if below.holders > 0:
                break
            del self._layers[below.chain_id]
            yield from self.daemon.storage.delete(below.chain_id)
            deleted.append(below.chain_id)
            below = below.parent
        return deleted
