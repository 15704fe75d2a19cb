"""`simdocker catalog`: what the built-in Docker Hub holds."""

from __future__ import annotations

import difflib

from rich.console import Console
from rich.table import Table

from simdocker.actors.registry.catalogue import hub
from simdocker.content.image import Image
from simdocker.errors import UserError


def show_catalog(name: str | None) -> int:
    """List all images, or one image's layers; returns the exit code. Raises UserError."""
    console = Console(highlight=False)
    console.print(_all_images() if name is None else _one_image(name))
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _all_images() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, justify in (
        ("IMAGE", "left"),
        ("TAGS", "left"),
        ("LAYERS", "right"),
        ("PULL", "right"),
        ("ON DISK", "right"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for repository, tags in hub().items():
        latest = tags["latest"]
        table.add_row(
            repository.removeprefix("library/"),
            " ".join(tags),
            str(len(latest.layers)),
            _megabytes(sum(layer.size for layer in latest.layers)),
            _megabytes(latest.unpacked),
        )
    return table


def _one_image(name: str) -> Table:
    image = _find(name)
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=f"{name}: layers, lowest first", title_justify="left"
    )
    for title, justify in (("LAYER", "left"), ("PULL", "right"), ("ON DISK", "right"), ("MADE BY", "left")):
        table.add_column(title, justify=justify, no_wrap=title != "MADE BY")  # type: ignore[arg-type]
    for layer in image.layers:
        digest = layer.digest.removeprefix("sha256:")[:12]
        table.add_row(digest, _megabytes(layer.size), _megabytes(layer.unpacked), layer.created_by[:60])
    return table


def _find(name: str) -> Image:
    short, _, tag = name.removeprefix("docker.io/").removeprefix("library/").partition(":")
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
