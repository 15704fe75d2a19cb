"""`simdocker catalog`: what the built-in Docker Hub holds."""

from __future__ import annotations

import difflib
import shutil
import textwrap
from collections.abc import Iterator, Sequence

from simdocker.actors.registry.catalogue import hub
from simdocker.content.image import Image
from simdocker.errors import UserError
from simdocker.scenario.units import show_size

GAP = "  "


def show_catalog(name: str | None = None) -> int:
    """List all images, or one image's layers; returns the exit code. Raises UserError."""
    width = shutil.get_terminal_size().columns
    for line in _all_images(width) if name is None else _one_image(name, width):
        print(line)
    return 0


def _all_images(width: int) -> Iterator[str]:
    rows = [
        (
            repository.removeprefix("library/"),
            str(len(tags["latest"].layers)),
            show_size(sum(layer.size for layer in tags["latest"].layers)),
            " ".join(tags),
        )
        for repository, tags in hub().items()
    ]
    yield from _table(("IMAGE", "LAYERS", "PULL", "TAGS"), "<>><", rows, width)
    yield ""
    yield "simdocker catalog IMAGE shows an image's layers; a scenario's images: adds more."


def _one_image(name: str, width: int) -> Iterator[str]:
    layers, others = _find(name).layers, _tags(name)
    rows = [
        (
            layer.digest.removeprefix("sha256:")[:12],
            show_size(layer.size),
            show_size(layer.unpacked),
            layer.created_by,
        )
        for layer in layers
    ]
    yield f"{name}: {len(layers)} layer{'s' if len(layers) != 1 else ''}, lowest first"
    yield from _table(("LAYER", "PULL", "ON DISK", "MADE BY"), "<>><", rows, width)
    yield from textwrap.wrap(f"its tags: {' '.join(others)}", width, break_on_hyphens=False)


def _table(titles: Sequence[str], align: str, rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Lines of a table whose last column is folded into what the others leave of `width`."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)][:-1]
    left = sum(widths) + len(GAP) * len(widths)
    for row in (titles, *rows):
        cells = [f"{cell:{side}{size}}" for cell, side, size in zip(row, align, widths, strict=False)]
        first, *more = textwrap.wrap(
            row[-1], max(20, width - left), break_long_words=False, break_on_hyphens=False
        ) or [""]
        yield GAP.join([*cells, first]).rstrip()
        yield from (" " * left + line for line in more)


def _parted(name: str) -> tuple[str, str]:
    short, _, tag = name.removeprefix("docker.io/").removeprefix("library/").partition(":")
    return short, tag


def _tags(name: str) -> Sequence[str]:
    return list(hub()[f"library/{_parted(name)[0]}"])


def _find(name: str) -> Image:
    short, tag = _parted(name)
    tags = hub().get(f"library/{short}")
    if tags is None:
        known = [repository.removeprefix("library/") for repository in hub()]
        near = difflib.get_close_matches(short, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        raise UserError(f"the catalogue has no image {short!r}: {hint}")
    image = tags.get(tag or "latest")
    if image is None:
        raise UserError(f"the catalogue has no tag {tag!r} of {short}: known are {', '.join(tags)}")
    return image
