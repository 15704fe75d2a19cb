"""A row of `docker history`: one step that made an image."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from simdocker.actors.client.format.listing import Column, View
from simdocker.actors.client.format.units import ago, ellipsis, human_size, short_id

COMMAND_WIDTH = 45


class HistoryRow:
    """One element of `GET /images/{name}/history`."""

    __slots__ = ("human", "now", "step", "trunc")

    def __init__(self, step: Mapping[str, Any], trunc: bool, human: bool, now: int) -> None:
        self.step = step
        self.trunc = trunc
        self.human = human
        self.now = now

    def identity(self) -> str:
        id = str(self.step["Id"])
        return short_id(id) if self.trunc else id

    def created_at(self) -> str:
        return datetime.fromtimestamp(self.step["Created"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def created_since(self) -> str:
        return ago(self.step["Created"], self.now) if self.human else self.created_at()

    def created_by(self) -> str:
        text = str(self.step["CreatedBy"]).replace("\t", " ")
        return ellipsis(text, COMMAND_WIDTH) if self.trunc else text

    def size(self) -> str:
        return human_size(self.step["Size"], 3) if self.human else str(self.step["Size"])


HISTORY = View(
    "*image.historyContext",
    {
        "Comment": Column("COMMENT", lambda row: row.step["Comment"]),
        "CreatedAt": Column("CREATED AT", HistoryRow.created_at),
        "CreatedBy": Column("CREATED BY", HistoryRow.created_by),
        "CreatedSince": Column("CREATED", HistoryRow.created_since),
        "ID": Column("IMAGE", HistoryRow.identity),
        "Size": Column("SIZE", HistoryRow.size),
    },
)


def history_layout(layout: str, quiet: bool, human: bool) -> str:
    """The template behind `--format`, `--quiet` and `--human`."""
    if layout not in ("", "table"):
        return layout
    if quiet:
        return "{{.ID}}"
    created = "{{.CreatedSince}}" if human else "{{.CreatedAt}}"
    return "table {{.ID}}\t" + created + "\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
