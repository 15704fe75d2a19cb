"""`docker load` of Docker's first image format, as engines before 1.10 saved: a directory for each layer.

Each directory is an image that names its parent; the layers of an image are those of its parents and its own.
The ids are Docker's old ones, chosen by chance, so the image gets another here (dockerd's `legacyLoad`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon import gojson
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.saving import LAYER, REPOSITORIES
from simdocker.api import Stream
from simdocker.backends.ports import Process
from simdocker.content import reference as references
from simdocker.content.image import Layer
from simdocker.content.manifest import ZERO_TIME, ImageConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.loading import Loading, Unpacked

CONFIG = "json"
OLD_KEYS = ("id", "parent", "Size", "parent_id", "layer_id", "throwaway")  # what says nothing any more


class FirstFormat:
    """The images of one archive; `loaded` are those that are done, by their old id."""

    def __init__(self, loading: Loading, source: Unpacked, stream: Stream, quiet: bool) -> None:
        self._loading = loading
        self._source = source
        self._stream = stream
        self._watcher = None if quiet else stream
        self.loaded: dict[str, Image] = {}
        self._begun: set[str] = set()

    def load(self) -> Process:
        """Process: every directory, in order of name; then the names. Raises LoadError."""
        for old in self._source.directories():
            yield from self._image(old)
        for name, old in self._names():
            self._loading.rename(self.loaded[old], name, self._stream)

    def _image(self, old: str) -> Process:
        """Process: one image, its parent first."""
        if old in self.loaded:
            return
        given = self._json(f"{old}/{CONFIG}")
        if not isinstance(given, dict):
            raise self._source.error(
                f"json: cannot unmarshal {gojson.kind(given)} into Go value of type struct "
                '{ OS string "json:\\"os,omitempty\\""; Parent string }'
            )
        self._loading.check_system(given.get("os") or "linux")
        parent = str(given.get("parent") or "")
        if old in self._begun:  # dockerd never ends
            raise self._source.error(f"open {self._source.folder}/{old}/{CONFIG}: too many levels of parents")
        self._begun.add(old)
        if parent:
            yield from self._image(parent)
        below = self.loaded[parent] if parent else None
        layer = yield from self._loading.layer(
            len(below.layers) if below else 0, f"{old}/{LAYER}", "", below.holds if below else None, self._source,
            self._watcher,
        )  # fmt: skip
        try:
            self.loaded[old] = self._loading.keep(_document(given, below, layer.content), layer)
        except (ValueError, TypeError, AttributeError):
            raise self._source.error(f"json: cannot unmarshal {old}/{CONFIG} into an image's configuration") from None
        finally:
            yield from self._loading.daemon.images.layers.release(layer)  # an image holds it now

    def _names(self) -> Iterator[tuple[references.Reference, str]]:
        """The names in `repositories`, each with the old id of its image. Raises LoadError."""
        repositories = self._json(REPOSITORIES)
        try:
            msgspec.convert(repositories, dict[str, dict[str, str]])
        except msgspec.ValidationError:
            kind = gojson.kind(repositories)
            raise self._source.error(
                f"json: cannot unmarshal {kind} into Go value of type map[string]map[string]string"
            ) from None
        for repository, tags in repositories.items():
            for tag, old in tags.items():
                if old not in self.loaded:
                    raise self._source.error(f"invalid target ID: {old}")
                yield references.parse(repository).with_tag(tag), old

    def _json(self, name: str) -> Any:
        text = bytes(self._source.read(name)).decode(errors="replace")
        problem = gojson.problem(text)
        if problem is not None:
            raise self._source.error(problem)
        return msgspec.json.decode(text)


def _document(given: dict[str, Any], below: Image | None, layer: Layer) -> ImageConfig:
    """The configuration that an image of the first format has in today's (`MakeConfigFromV1Config`)."""
    base = below.document if below is not None else None
    diff_ids = [*(base.rootfs.diff_ids if base is not None else ()), layer.diff_id]
    command = (given.get("container_config") or {}).get("Cmd") or ()
    line = {
        "created": given.get("created") or ZERO_TIME,
        "author": given.get("author"),
        "created_by": " ".join(command),
        "comment": given.get("comment"),
    }
    history = [*msgspec.to_builtins(base.history if base is not None else ()), {k: v for k, v in line.items() if v}]
    kept = {key: value for key, value in given.items() if key not in OLD_KEYS}
    kept |= {"rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history}
    return ImageConfig.decode(msgspec.json.encode(dict(sorted(kept.items()))))
