"""What a reader of traces is given: a trace file that was kept, or a scenario, which is played for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simdocker.errors import UserError
from simdocker.trace import MESSAGE, NOTE, STATE, STEP, Record
from simdocker.trace.reading import begins_command

if TYPE_CHECKING:
    from simdocker.scenario.result import Run


LATEST = 1 << 62
"""ns: a century and a half, beyond which no tool's clock goes."""


class Told(msgspec.Struct):
    """Records with a title. `run` is the play they are from, None where only its trace was kept."""

    title: str
    records: list[Record]
    run: Run | None = None


def told(path: str, *, backend: str = "sim", seed: int | None = None, profile: str | None = None) -> Told:
    """The records of a trace file, or of the scenario at `path` (`-`: standard input), played.

    Raises UserError for what is neither, and ScenarioError (one of them) for a mistake in the scenario.
    """
    if is_trace(path):
        if seed is not None or profile is not None:
            raise UserError(f"{path}: this is a trace, and is not played again: --seed and --profile are for scenarios")
        return Told(Path(path).stem, kept(path))
    from simdocker.scenario.load import load
    from simdocker.scenario.player import play

    run = play(load(path), backend=backend, seed=seed, profile=profile)
    return Told(run.scenario.title, run.trace.records, run)


def is_trace(path: str) -> bool:
    """Whether the file begins as `--trace` writes one: no scenario is a JSON object with `seq` first."""
    try:
        with Path(path).open("rb") as file:
            return path != "-" and file.read(8).startswith(b'{"seq":')
    except OSError:
        return False  # whoever reads it as a scenario says what is wrong with it


def kept(path: str) -> list[Record]:
    """The records of a trace file. Raises UserError for a line that is none, as where a copy was cut off, and for one
    that no trace has: readers rely on the order of records and on what they point to."""
    decode = msgspec.json.Decoder(Record).decode
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    records: list[Record] = []
    for number, line in enumerate(lines, 1):
        try:
            record = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _no_trace(path, number) from None
        if not _follows(record, records[-1] if records else None):
            raise _no_trace(path, number)
        records.append(record)
    return records


def _follows(record: Record, before: Record | None) -> bool:
    """Whether a record can be the next one of a trace."""
    ordered = record.seq == (before.seq + 1 if before else 0) and (before.t_ns if before else 0) <= record.t_ns < LATEST
    points = -1 <= record.cause_seq < record.seq and -1 <= record.span < record.seq
    attrs = record.attrs or {}
    says = isinstance(attrs.get("to"), str) if record.kind == MESSAGE else record.kind in (STATE, STEP, NOTE)
    if begins_command(record):
        says = isinstance(attrs.get("line"), str) and isinstance(attrs.get("on"), str)
    return ordered and points and says


def _no_trace(path: str, number: int) -> UserError:
    return UserError(
        f"{path}: line {number} is no record of a trace; write it anew with simdocker run --trace FILE SCENARIO"
    )


@contextmanager
def strange(path: str) -> Iterator[None]:
    """While a reader goes through a trace that may be anybody's: a record that lacks what those of its kind say is told
    in a sentence. Raises UserError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if not is_trace(path):
            raise
        raise UserError(
            f"{path}: its records do not say what a trace's do ({type(error).__name__}: {error}); "
            "write it anew with simdocker run --trace FILE SCENARIO"
        ) from None
