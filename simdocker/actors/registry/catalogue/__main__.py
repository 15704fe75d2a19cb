"""Work out the digests of all the catalogue's layers and manifests, and write them down for the catalogue to use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from simdocker.actors.registry.catalogue import DIFF_IDS, PORTED_LAYERS, PORTED_MANIFESTS, hub
from simdocker.content.changeset import fingerprint
from simdocker.content.porting import PortedLayer


def write(name: str, table: Mapping[str, str]) -> None:
    text = msgspec.json.format(msgspec.json.encode(table, order="deterministic"), indent=1)
    Path(__file__).with_name(name).write_bytes(text + b"\n")


images = {image for tags in hub().values() for image in tags.values()}
others = [(image, other) for image in images for other in image.others]
layers = {layer for image in (*images, *(other for _, other in others)) for layer in image.layers}
ported = {layer for layer in layers if isinstance(layer, PortedLayer)}
write(DIFF_IDS, {fingerprint(layer.tree): layer.archive.sha256 for layer in layers - ported})
write(PORTED_LAYERS, {f"{layer.original.diff_id} {layer.machine}": layer.archive.sha256 for layer in ported})
write(
    PORTED_MANIFESTS,
    {
        f"{image.manifest.digest} {other.platform}": f"{other.manifest.digest} {other.manifest.size}"
        for image, other in others
    },
)
