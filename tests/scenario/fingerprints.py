"""The fingerprint of each shipped scenario: what its trace with seed 1 hashes to.

    python -m tests.scenario.fingerprints

writes `fingerprints.json` anew, for a change that is meant to change what happens.
"""

import hashlib
import json
from pathlib import Path

from simdocker.scenario.load import load
from simdocker.scenario.player import play
from simdocker.trace import Record, writer

SEED = 1
DATA = Path(__file__).with_suffix(".json")
SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


class Hashing:
    """A file that only remembers the hash of what was written to it."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.hash.update(data)


def fingerprint(path: Path) -> str:
    """The SHA-256 of the trace of one play."""
    into = Hashing()
    write = writer(into)  # type: ignore[arg-type]
    records: list[Record] = play(load(str(path)), seed=SEED).trace.records
    for record in records:
        write(record)
    return into.hash.hexdigest()


def main() -> None:
    """Write the data file."""
    DATA.write_text(json.dumps({path.stem: fingerprint(path) for path in SCENARIOS}, indent=1) + "\n")


if __name__ == "__main__":
    main()
