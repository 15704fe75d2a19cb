"""One record of the trace as one line for a reader: when, who to whom, what, and why."""

from __future__ import annotations

import re

from rich.text import Text

from simdocker.cli.narration import ANSWERS, why
from simdocker.scenario.units import show_duration
from simdocker.trace import MESSAGE, NOTE, STATE, STEP, Record

LONG_ID = re.compile(r"\b(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}\b")
COLOURS = {"client": "cyan", "daemon": "magenta", "registry": "yellow", "player": "white"}
TIME_WIDTH = 9
ACTORS_WIDTH = 19


class RecordLines:
    """Draws records. With `many_hosts` actors are called by their host as well."""

    def __init__(self, *, many_hosts: bool) -> None:
        self.many_hosts = many_hosts

    def line(self, record: Record, began_ns: int) -> Text | None:
        """What a reader sees of `record`, with the time since `began_ns`; None for what is no news."""
        since = show_duration(record.t_ns - began_ns)
        attrs = record.attrs or {}
        line = Text(f"{since:>{TIME_WIDTH}}  ", style="dim")
        if record.kind == MESSAGE:
            actors = Text()
            for part in (record.actor, " → ", str(attrs["to"])):
                actors.append(self._short_actor(part), COLOURS.get(part.partition("@")[0], ""))
            actors.pad_right(max(0, ACTORS_WIDTH - actors.cell_len))
            line.append(actors).append("  ")
            if record.what.isdigit():
                status = int(record.what)
                text = str(attrs.get("message") or ANSWERS.get(status, ""))
                line.append(record.what, "red bold" if status >= 400 else "green").append(f"  {text}", "dim")
            else:
                line.append(shorten(record.what)).append(f"  {why(record.what)}", "dim")
            return line
        if record.kind == STEP:
            detail = " ".join(f"{key}={shorten(str(value))}" for key, value in attrs.items())
            return line.append(f"    · {record.what}", "blue").append(f"  {detail}", "dim")
        if record.kind == STATE:
            return line.append(f"    ∙ {shorten(record.actor)} {record.what}").append(_details(attrs), "dim")
        if record.kind == NOTE and record.what in ("fault", "fault ends", "interrupt"):
            return line.append(f"⚡ {record.what}", "red").append(_details(attrs), "dim")
        return None

    def _short_actor(self, actor: str) -> str:
        name, at, _host = actor.partition("@")
        return actor if self.many_hosts or name == "registry" else name if at else actor


def _details(attrs: object) -> str:
    if not isinstance(attrs, dict) or not attrs:
        return ""
    return "  " + " ".join(f"{key}={shorten(str(value))}" for key, value in attrs.items() if value is not None)


def shorten(text: str) -> str:
    """Ids as people see them: twelve digits."""
    return LONG_ID.sub(r"\1", text)
