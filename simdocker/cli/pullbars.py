"""Bars for pulled layers: when each was on the wire and when it was unpacked, on one time axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from simdocker.scenario.units import show_duration, show_size
from simdocker.trace import STATE, Record

NAME_WIDTH = 15
MARGIN = NAME_WIDTH + 20  # beside the bars: names, sizes and times


@dataclass
class _Layer:
    """One layer's pull on one host. Times are ns; 0 while it has not come so far."""

    name: str
    host: str
    size: int
    downloading: int
    downloaded: int = 0
    extracting: int = 0
    extracted: int = 0


def is_layer(record: Record) -> bool:
    """Whether it tells of a layer, as `pull_bars` reads it."""
    return record.kind == STATE and record.actor.startswith("layer/")


def pull_bars(records: Sequence[Record], width: int) -> Iterator[Text]:
    """One bar a layer and host, in the order the downloads began."""
    layers = [layer for layer in _layers(records) if layer.extracted]
    if not layers:
        return
    begin = min(layer.downloading for layer in layers)
    end = max(layer.extracted for layer in layers)
    cells = max(10, width - MARGIN)

    def cell(t_ns: int) -> int:
        return round((t_ns - begin) / max(1, end - begin) * cells)

    yield Text(f"{'':{NAME_WIDTH}}▓ on the wire   ░ waiting for the layer below   █ unpacking", "dim")
    for layer in layers:
        bar = Text(f"  {layer.name:<12} ")
        at = 0
        for until, sign, style in (
            (cell(layer.downloading), " ", ""),
            (cell(layer.downloaded), "▓", "yellow"),
            (cell(layer.extracting), "░", "dim"),
            (cell(layer.extracted), "█", "green"),
        ):
            # what took any time at all is seen: at least one cell for the wire and for unpacking
            until = max(until, at + (1 if sign in "▓█" else 0))
            bar.append(sign * (until - at), style)
            at = until
        took = show_duration(layer.extracted - layer.downloading)
        bar.append(" " * (cells + 2 - at) + f"{show_size(layer.size):>8} {took:>8}", "dim")
        yield bar


def _layers(records: Sequence[Record]) -> Iterable[_Layer]:
    """The layers pulled in these records; unpacking begins when the one before on its host is done."""
    layers: dict[tuple[str, str], _Layer] = {}
    unpacked: dict[str, int] = {}
    for record in records:
        if not is_layer(record):
            continue
        attrs = record.attrs or {}
        name, host = record.actor.removeprefix("layer/"), str(attrs.get("on", ""))
        if record.what == "downloading":
            layers.setdefault((host, name), _Layer(name[:12], host, int(attrs["size"]), record.t_ns))
        layer = layers.get((host, name))
        if layer is None:
            continue
        if record.what == "downloaded":
            layer.downloaded = record.t_ns
        elif record.what == "extracted" and not layer.extracted:
            layer.extracting = max(layer.downloaded, unpacked.get(host, 0))
            layer.extracted = unpacked[host] = record.t_ns
    return layers.values()
