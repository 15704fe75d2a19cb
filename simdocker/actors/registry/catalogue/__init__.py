"""The built-in Docker Hub: a handful of official images that look and behave like the real ones.

`hub()` gives its repositories by name. Everything here is made when it is first needed: a module
when its repository is asked for, a layer's files when the layer's digest or content is, and both
only once per process, since images are never changed. `diff_ids.json` has the digests of the layers'
archives, by fingerprint; after a change to a layer `python -m simdocker.actors.registry.catalogue`
writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path

from simdocker.content import porting
from simdocker.content.image import Image, remember
from simdocker.content.manifest import Platform

DIFF_IDS = "diff_ids.json"
PORTED_LAYERS, PORTED_MANIFESTS = "ported_layers.json", "ported_manifests.json"

PLATFORMS = (Platform("arm", "linux", "v7"), Platform("arm64", "linux", "v8"), Platform("s390x", "linux"))
"""What every image is there for, beside linux/amd64."""

NAMES = ("alpine", "busybox", "hello-world", "httpd", "nginx", "node", "postgres", "python", "redis", "ubuntu")

Tags = Mapping[str, Image]
"""A repository: its images by tag."""


class Hub(Mapping[str, Tags]):
    """The repositories of the catalogue: `hub()["library/busybox"]["latest"]`."""

    def __getitem__(self, name: str) -> Tags:
        namespace, _, short = name.partition("/")
        if namespace != "library" or short not in NAMES:
            raise KeyError(name)
        return _tags(short)

    def __iter__(self) -> Iterator[str]:
        return (f"library/{name}" for name in NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@cache
def hub() -> Hub:
    """The repositories of docker.io."""
    remember(_read(DIFF_IDS))
    porting.remember(partial(_read, PORTED_LAYERS), partial(_read, PORTED_MANIFESTS))
    return Hub()


@cache
def _tags(name: str) -> Tags:
    tags: Tags = import_module(f"{__name__}.{name.replace('-', '_')}").images()
    for image in dict.fromkeys(tags.values()):
        porting.widened(image, PLATFORMS)
    return tags


def _read(name: str) -> dict[str, str]:
    """One of the tables beside this file."""
    table: dict[str, str] = json.loads((Path(__file__).parent / name).read_text("ascii"))
    return table
