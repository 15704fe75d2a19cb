"""Work out the digests of all the catalogue's layers, and write them down for the catalogue to use."""

from __future__ import annotations

from pathlib import Path

import msgspec

from simdocker.actors.registry.catalogue import DIFF_IDS, hub
from simdocker.content.changeset import fingerprint

layers = {layer for tags in hub().values() for image in tags.values() for layer in image.layers}
table = {fingerprint(layer.tree): layer.archive.sha256 for layer in layers}
text = msgspec.json.format(msgspec.json.encode(table, order="deterministic"), indent=1)
Path(__file__).with_name(DIFF_IDS).write_bytes(text + b"\n")
