"""A row of `docker images`: one per tag, or per digest of an image without a tag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simdocker.actors.client.format.listing import Column, View
from simdocker.actors.client.format.units import ago, clock, human_size, short_id
from simdocker.content.reference import InvalidReference, parse

NONE = "<none>"


class ImageRow:
    """One name of one image of `GET /images/json`."""

    __slots__ = ("digest", "image", "now", "repository", "tag", "trunc")

    def __init__(self, image: Mapping[str, Any], repository: str, tag: str, digest: str, trunc: bool, now: int) -> None:
        self.image = image
        self.repository = repository
        self.tag = tag
        self.digest = digest
        self.trunc = trunc
        self.now = now

    def identity(self) -> str:
        return short_id(self.image["Id"]) if self.trunc else str(self.image["Id"])

    def count(self, key: str) -> int:
        return int(self.image.get(key, -1))

    def shared(self) -> str:
        shared = self.count("SharedSize")
        return "N/A" if shared == -1 else human_size(shared)

    def unique(self) -> str:
        size, shared = self.count("Size"), self.count("SharedSize")
        return "N/A" if -1 in (size, shared) else human_size(size - shared)


def _containers(row: ImageRow) -> str:
    return "N/A" if row.count("Containers") == -1 else str(row.count("Containers"))


IMAGES = View(
    "*formatter.imageContext",
    {
        "Containers": Column("CONTAINERS", _containers),
        "CreatedAt": Column("CREATED AT", lambda row: clock(row.image["Created"])),
        "CreatedSince": Column("CREATED", lambda row: ago(row.image["Created"], row.now)),
        "Digest": Column("DIGEST", lambda row: row.digest),
        "ID": Column("IMAGE ID", ImageRow.identity),
        "Repository": Column("REPOSITORY", lambda row: row.repository),
        "SharedSize": Column("SHARED SIZE", ImageRow.shared),
        "Size": Column("SIZE", lambda row: human_size(row.count("Size"), 3)),
        "Tag": Column("TAG", lambda row: row.tag),
        "UniqueSize": Column("UNIQUE SIZE", ImageRow.unique),
        "VirtualSize": Column("SIZE", lambda row: human_size(row.count("Size"))),
    },
)

_CREATED = "{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}"
_TABLE = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t" + _CREATED + "\t{{.Size}}"
_DIGESTS = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t" + _CREATED + "\t{{.Size}}"


def image_layout(layout: str, quiet: bool, digests: bool) -> str:
    """The template behind `--format`, `--quiet` and `--digests`."""
    if layout in ("", "table"):
        return "{{.ID}}" if quiet else _DIGESTS if digests else _TABLE
    if layout == "raw":
        if quiet:
            return "image_id: {{.ID}}"
        lines = ["repository: {{ .Repository }}", "tag: {{.Tag}}", "digest: {{.Digest}}", "image_id: {{.ID}}"]
        lines += ["created_at: {{.CreatedAt}}", "virtual_size: {{.Size}}", ""]
        return "\n".join(line for line in lines if digests or not line.startswith("digest"))
    if layout.startswith("table") and digests and "{{.Digest}}" not in layout:
        layout += "\t{{.Digest}}"
    return layout


def image_rows(
    images: Iterable[Mapping[str, Any]], layout: str, digests: bool, trunc: bool, now: int
) -> Iterator[ImageRow]:
    """A row for every name of every image. Digests multiply the rows only where they are shown."""
    shown = digests or "{{.Digest}}" in layout
    for image in images:
        tags, by_digest = _named(image.get("RepoTags"), "tag"), _named(image.get("RepoDigests"), "digest")
        if not tags and not by_digest:
            yield ImageRow(image, NONE, NONE, NONE, trunc, now)
        for repository, names in tags.items():
            known = by_digest.pop(repository, [])
            for tag in names:
                for digest in (known if shown else []) or [NONE]:
                    yield ImageRow(image, repository, tag, digest, trunc, now)
        for repository, known in by_digest.items():
            for digest in known if digests else [""]:
                yield ImageRow(image, repository, NONE, digest, trunc, now)


def _named(references: Iterable[str] | None, part: str) -> dict[str, list[str]]:
    """Familiar repository names and their tags or digests; `<none>:<none>` is no reference."""
    found: dict[str, list[str]] = {}
    for text in references or ():
        try:
            reference = parse(text)
        except InvalidReference:
            continue
        value = getattr(reference, part)
        if value:
            found.setdefault(reference.familiar_name, []).append(value)
    return found
