"""`simdocker export`: a trace in another tool's form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from simdocker.cli import written
from simdocker.errors import UserError
from simdocker.scenario.told import Told, is_trace, strange, told
from simdocker.trace import Record
from simdocker.trace.reading import commands

WIDTH, HEIGHT = 100, 30  # of the terminal in an asciicast: what fits a slide


def _perfetto(records: Sequence[Record]) -> bytes:
    from simdocker.export.perfetto import trace_events

    return trace_events(records)


def _mermaid(records: Sequence[Record]) -> bytes:
    from simdocker.export.mermaid import sequence_diagram

    return sequence_diagram(records).encode()


def _dot(records: Sequence[Record]) -> bytes:
    from simdocker.export.graphs import dot

    return dot(records).encode()


def _graphml(records: Sequence[Record]) -> bytes:
    from simdocker.export.graphs import graphml

    return graphml(records)


def _csv(records: Sequence[Record]) -> bytes:
    from simdocker.export.table import csv_text

    return csv_text(records).encode()


def _otlp(records: Sequence[Record]) -> bytes:
    from simdocker.export.otlp import spans

    return spans(records)


FORMATS: dict[str, Callable[[Sequence[Record]], bytes]] = {
    "perfetto": _perfetto,
    "mermaid": _mermaid,
    "dot": _dot,
    "graphml": _graphml,
    "csv": _csv,
    "otlp": _otlp,
}
CAST = "asciicast"
NAMES = (*FORMATS, CAST)


def run_export(
    path: str, *, format: str, output: Path | None, step: int | None, seed: int | None, profile: str | None
) -> int:
    """Write `path` (a trace or a scenario) in `format` to `output`, or to standard output. Raises UserError."""
    if format not in NAMES:
        raise UserError(f"--format {format}: there is no such format; choose one of {', '.join(NAMES)}")
    if output is not None:
        written.check(output, path, f"{Path(path).stem}.{format}" if Path(path).stem else format)
    if format == CAST:
        data = _cast(path, step, seed, profile)
    else:
        source = told(path, seed=seed, profile=profile)
        records = _of_step(source, step)
        with strange(path):
            data = FORMATS[format](records)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    written.write(output, data)
    return 0


def _of_step(source: Told, step: int | None) -> Sequence[Record]:
    """The records of the step alone, if one is asked for."""
    if step is None:
        return source.records
    played = commands(source.records)
    if not 1 <= step <= len(played):
        there_are = "is 1 command" if len(played) == 1 else f"are {len(played)} commands"
        raise UserError(f"--step {step}: there {there_are}, counted from 1")
    return played[step - 1].records


def _cast(path: str, step: int | None, seed: int | None, profile: str | None) -> bytes:
    """The terminal's view is no reading of records alone: what docker printed stands beside them."""
    from simdocker.cli.recording import recorded
    from simdocker.export.asciicast import asciicast

    if step is not None:
        raise UserError("--step: an asciicast shows the whole play; leave it out")
    if is_trace(path):
        raise UserError(f"{path}: a trace does not hold what docker printed; name the scenario for an asciicast")
    title, frames = recorded(path, seed=seed, profile=profile, width=WIDTH, height=HEIGHT)
    return asciicast(frames, title=title, width=WIDTH, height=HEIGHT)
