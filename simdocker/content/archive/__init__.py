"""Tar archives, and the trees of files that go into them and come out of them.

An image travels as archives: a layer is a tar whose digest is the layer's name, `docker save` a tar
of those, `docker cp` a tar of one path. `writing.py` turns nodes into a tar whose bytes depend on
the nodes alone, `reading.py` takes one apart as Go's package archive/tar does, and `unpacking.py`
puts what it holds into a filesystem and lets nothing out of it (moby's pkg/archive).
"""

from __future__ import annotations

from simdocker.content.archive.copying import archive_of
from simdocker.content.archive.reading import ArchiveError, Member, begins, inflate, members
from simdocker.content.archive.unpacking import Files, Filesystem, Tree, read_layer, unpack
from simdocker.content.archive.writing import end, layer, member, pack

__all__ = [
    "ArchiveError", "Files", "Filesystem", "Member", "Tree", "archive_of", "begins", "end", "inflate", "layer",
    "member", "members", "pack", "read_layer", "unpack",
]  # fmt: skip
