"""The fingerprint of each shipped scenario: what its trace with seed 1 hashes to.

    python -m tests.scenario.fingerprints

writes `fingerprints.json` anew, for a change that is meant to change what happens, and says which
scenarios that change touched; with `--print` it prints them and writes nothing.
"""

import hashlib
import json
import sys
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
    """Print the fingerprints, or write the data file and tell what is no longer as it was."""
    now = {path.stem: fingerprint(path) for path in SCENARIOS}
    text = json.dumps(now, indent=1) + "\n"
    if "--print" in sys.argv:
        print(text, end="")
        return
    before = json.loads(DATA.read_text()) if DATA.exists() else {}
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            print("gone" if name not in now else "new" if name not in before else "changed", name)
    DATA.write_text(text)


if __name__ == "__main__":
    main()
