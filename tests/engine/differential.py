"""Random sequences of docker commands, played here and on a real Docker Engine, and compared.

    python -m tests.engine.differential [--sequences N] [--seed N] [--length N] [--keep DIRECTORY]
    python -m tests.engine.differential --replay DIRECTORY [--only NAME] [--jobs N]
    python -m tests.engine.differential --file LINES

The first starts an engine of its own (root needed), plays what hypothesis draws, and prints every difference in exit
code, stdout, stderr, or in what there is at the end. With --keep each sequence is saved with what the engine did;
the second plays the kept ones here alone. The third plays the lines of a file on both. What is known to
differ stands in `known.py`, each with its reason. A sequence that differs is played on the engine a second time,
and only what differs both times in the same way counts.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import multiprocessing
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings

from simdocker.scenario.normal import as_recorded
from tests.engine.ending import EVERYTHING, Simulated, gathered
from tests.engine.known import KNOWN, Known
from tests.engine.lasting import STIRRING, LastingEngine, record
from tests.engine.lines import ENDING, sequences
from tests.engine.outcomes import Outcome, Reader
from tests.scenario import corpus

REST = "1s"
"""How long the simulated containers are given to come to rest where `LastingEngine.settle` waits."""
BLOCK = 10
"""Sequences that hypothesis draws afresh before it begins to make new ones of old ones."""


class Difference(NamedTuple):
    """A step that went another way than on the engine."""

    number: int
    line: str
    there: Outcome
    here: Outcome

    def differing(self) -> list[str]:
        """What differs, line by line: `-` is the engine's, `+` ours."""
        lines = []
        if self.there.exit != self.here.exit:
            lines += [f"-exit {self.there.exit}", f"+exit {self.here.exit}"]
        for there, here in zip(self.there[1:], self.here[1:], strict=True):
            lines += list(difflib.unified_diff(there.splitlines(), here.splitlines(), lineterm="", n=0))[2:]
        return lines

    def explanations(self) -> list[Known | None]:
        """For each differing line what is known of it."""
        return [
            next((known for known in KNOWN if known.explains(self.line, line)), None)
            for line in self.differing()
            if line[0] in "+-"
        ]

    def explained(self) -> bool:
        return None not in self.explanations()

    def __str__(self) -> str:
        return "\n    ".join((f"step {self.number}: {self.line}", *self.differing()))


Played = tuple[list[Outcome], dict[str, Any]]
"""What each line did, and what there was at the end."""


def played_here(lines: list[str]) -> Played:
    """The lines as they go here."""
    steps: list[dict[str, str]] = []
    for line in lines:
        steps += [{"run": line}, {"wait": REST}] if STIRRING.search(line) else [{"run": line}]
    results, world = corpus.play({"title": "a random sequence", "files": {}}, steps)
    outcomes = [
        Outcome(step.exit, *(as_recorded(text, corpus.WORKING_DIRECTORY) for text in (step.stdout, step.stderr)))
        for step in results
    ]
    asking = Simulated(world)
    return outcomes, gathered(asking.get, asking.logs)


def played_there(machine: LastingEngine, lines: list[str]) -> Played:
    """The lines as they go on the engine."""
    outcomes = record.play(machine, record.Scenario("a random sequence", list(lines)))
    return [Outcome(each.exit, each.stdout, each.stderr) for each in outcomes], machine.gathered()


def differences(lines: list[str], there: Played, here: Played) -> list[Difference]:
    """The steps that differ, and what differs at the end."""
    real, ours = Reader(), Reader()
    found = [
        (number, line, real.read(line, a), ours.read(line, b))
        for number, (line, a, b) in enumerate(zip(lines, there[0], here[0], strict=True), 1)
    ]
    found += [
        (0, f"at the end: {what}", real.ending(there[1][what]), ours.ending(here[1][what])) for what in EVERYTHING
    ]
    return [Difference(*each) for each in found if each[2] != each[3]]


def unexplained(found: Iterable[Difference]) -> list[Difference]:
    """Those of which something is not known."""
    return [difference for difference in found if not difference.explained()]


class Engine:
    """The real engine, with what it did: a sequence is never played for nothing."""

    def __init__(self, scratch: Path, keep: Path | None = None, *, record_only: bool = False) -> None:
        self.machine = LastingEngine(scratch)
        self.keep = keep
        self.record_only = record_only

    def compare(self, lines: list[str]) -> list[Difference]:
        """Play a sequence on both; what differs on every play."""
        lines = [*lines, ENDING]
        there = played_there(self.machine, lines)
        found = [] if self.record_only else differences(lines, there, played_here(lines))
        if found:
            again = played_there(self.machine, lines)
            if chance := differences(lines, there, again):
                print(f"by chance: {chance[0]}", flush=True)
                return []
        if self.keep:
            name = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
            kept = {"lines": lines, "outcomes": there[0], "ending": there[1]}
            (self.keep / f"{name}.json").write_text(json.dumps(kept))
        return found


def drawn(number: int, count: int, length: int, play: Callable[[list[str]], None], *phases: Phase) -> None:
    """Have hypothesis draw some sequences and hand each to `play`; one that fails is taken apart in `Phase.shrink`."""

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=phases or (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(sequences(length))
    def given_one(lines: list[str]) -> None:
        play(lines)

    given_one()


def replayed(path: Path) -> tuple[str, list[Difference]]:
    """A kept sequence as it goes here now, held against what the engine did."""
    kept = json.loads(path.read_text())
    lines, there = kept["lines"], ([Outcome(*each) for each in kept["outcomes"]], kept["ending"])
    try:
        return path.stem, differences(lines, there, played_here(lines))
    except Exception as error:  # a crash of the simulator is a difference like any other
        return path.stem, [Difference(0, "it crashes", Outcome(0, "", ""), Outcome(1, "", repr(error)))]


def replay(directory: Path, only: str, jobs: int) -> Iterator[tuple[str, list[Difference]]]:
    """All kept sequences, or those whose name begins so."""
    paths = sorted(directory.glob(f"{only}*.json"))
    if jobs == 1:
        yield from map(replayed, paths)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap(replayed, paths, chunksize=4)


def fresh(options: argparse.Namespace) -> Iterator[tuple[str, list[Difference]]]:
    """New sequences, played on both."""
    results: list[tuple[str, list[Difference]]] = []
    seen = set()
    with tempfile.TemporaryDirectory(prefix="simdocker-differential-", ignore_cleanup_errors=True) as scratch:
        engine = Engine(Path(scratch), options.keep, record_only=options.record_only)

        def play(lines: list[str]) -> None:
            if tuple(lines) not in seen:
                seen.add(tuple(lines))
                results.append((f"seed {options.seed}, {len(seen)}", engine.compare(lines)))

        try:
            if options.file:
                play(options.file.read_text().splitlines())
                yield from results
                return
            for block in range(1_000_000):
                drawn(options.seed * 1_000_000 + block, BLOCK, options.length, play)
                yield from results
                results.clear()
                if len(seen) >= options.sequences:
                    return
        finally:
            engine.machine.close()


def report(results: Iterable[tuple[str, list[Difference]]]) -> bool:
    """Print what differs and how often each known reason was met; whether all is explained."""
    count = differing = 0
    used: Counter[str] = Counter()
    for name, found in results:
        count += 1
        used.update({known.why for difference in found for known in difference.explanations() if known})
        new = unexplained(found)
        differing += bool(new)
        for difference in new:
            print(f"{name}, {difference}", flush=True)
    for why, times in used.most_common():
        print(f"known, in {times} sequences: {why}")
    print(f"{count} sequences, {differing} with differences that are not listed")
    return not differing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--length", type=int, default=12)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--record-only", action="store_true", help="with --keep: compare later")
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    results = replay(options.replay, options.only, options.jobs) if options.replay else fresh(options)
    return 0 if report(results) else 1


if __name__ == "__main__":
    sys.exit(main())
