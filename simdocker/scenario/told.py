"""What a reader of traces is given: a trace file that was kept, or a scenario, which is played for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simdocker.errors import UserError
from simdocker.trace import Record

if TYPE_CHECKING:
    from simdocker.scenario.result import Run


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
    """The records of a trace file. Raises UserError for a line that is none, as where a copy was cut off."""
    decode = msgspec.json.Decoder(Record).decode
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    records: list[Record] = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UserError(
                f"{path}: line {number} is no record of a trace; write it anew with simdocker run --trace FILE SCENARIO"
            ) from None
    return records
