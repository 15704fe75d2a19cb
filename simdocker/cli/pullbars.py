"""Bars for pulled layers: when each was on the wire and when it was unpacked, on one time axis."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from simdocker.scenario.units import show_duration
from simdocker.trace import STATE, Record

DOWNLOADING, DOWNLOADED, EXTRACTED = "downloading", "downloaded", "extracted"


def pull_bars(records: list[Record], width: int, host: str = "") -> Iterator[Text]:
    """One bar a layer, in the order the downloads began: ▓ downloading, █ extracting. `host`: only its."""
    layers: dict[tuple[str, str], dict[str, int]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for record in records:
        if record.kind == STATE and record.actor.startswith("layer/"):
            attrs = record.attrs or {}
            key = (record.actor, str(attrs.get("on", "")))
            if host and key[1] != host:
                continue
            layers.setdefault(key, {}).setdefault(record.what, record.t_ns)
            if "size" in attrs:
                sizes[key] = int(attrs["size"])
    pulled = {key: marks for key, marks in layers.items() if DOWNLOADING in marks and EXTRACTED in marks}
    if not pulled:
        return
    begin = min(marks[DOWNLOADING] for marks in pulled.values())
    end = max(marks[EXTRACTED] for marks in pulled.values())
    cells = max(10, width - 42)

    def cell(t_ns: int) -> int:
        return round((t_ns - begin) / max(1, end - begin) * cells)

    for key, marks in pulled.items():
        start, done, last = (
            cell(marks[DOWNLOADING]),
            cell(marks.get(DOWNLOADED, marks[EXTRACTED])),
            cell(marks[EXTRACTED]),
        )
        bar = Text("  " + key[0].removeprefix("layer/")[:12] + " ")
        bar.append(" " * start)
        bar.append("▓" * max(1, done - start), "yellow")
        bar.append("█" * max(1, last - max(done, start + 1)), "green")
        bar.append(" " * (cells + 2 - max(last, start + 2)))
        size = f"{sizes[key] / 1e6:.3g} MB" if key in sizes else ""
        bar.append(f"{size:>9}  {show_duration(marks[EXTRACTED] - marks[DOWNLOADING])}", "dim")
        yield bar
