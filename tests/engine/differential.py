"""Random sequences of docker commands, played here and on a real Docker Engine, and compared.

    python -m tests.engine.differential [--sequences N] [--first N] [--only N] [--seed N] [--length N]

starts an engine of its own (root needed), plays, and prints every difference in exit code, stdout,
stderr, or in what `docker inspect` shows of everything at the end. What is known to differ stands in
`KNOWN`, each with its reason. A sequence is a pure function of the seed and its number, so a
difference is seen again by playing that number alone (`--only N`).
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from simdocker.scenario.normal import Normaliser, as_recorded
from tests.engine.lasting import STIRRING, LastingEngine, record
from tests.engine.lines import sequence
from tests.scenario import corpus

KNOWN: tuple[tuple[str, str], ...] = ()
"""(pattern, why): a line of an explanation in which the pattern is found may differ."""

REST = "1s"
"""How long the simulated containers are given to come to rest where `LastingEngine.settle` waits."""


class Difference(NamedTuple):
    """A step that went another way than on the engine."""

    sequence: int
    number: int
    line: str
    there: tuple[int, str, str]
    here: tuple[int, str, str]

    def differing(self) -> list[str]:
        """What differs, line by line: `-` is the engine's, `+` ours."""
        lines = []
        if self.there[0] != self.here[0]:
            lines += [f"-exit {self.there[0]}", f"+exit {self.here[0]}"]
        for there, here in zip(self.there[1:], self.here[1:], strict=True):
            lines += list(difflib.unified_diff(there.splitlines(), here.splitlines(), lineterm="", n=1))[2:]
        return lines

    def explain(self) -> str:
        """The step and what differs."""
        return "\n    ".join((f"sequence {self.sequence}, step {self.number}: {self.line}", *self.differing()))

    def unexplained(self) -> bool:
        """Whether a line differs for which no known reason fits."""
        return any(
            line[0] in "+-" and not any(re.search(pattern, line) for pattern, _ in KNOWN) for line in self.differing()
        )


def masked(text: str) -> str:
    """The text without what says how many networks and ports the engine has given away before."""
    return re.sub(r"\b(49[1-9]|32[7-9])\d\d\b", "<port>", re.sub(r"\b(172|192\.168)\.[\d.]+\b", r"\1.x", text))


def played(lines: list[str]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each line as it goes here."""
    steps: list[dict[str, str]] = []
    for line in lines:
        steps += [{"run": line}, {"wait": REST}] if STIRRING.search(line) else [{"run": line}]
    outcomes = corpus.played({"title": "a random sequence", "files": {}}, steps)
    return [
        (step.exit, *(as_recorded(text, corpus.WORKING_DIRECTORY) for text in (step.stdout, step.stderr)))
        for step in outcomes
    ]


def compare(machine: record.Machine, seed: int, number: int, length: int) -> Iterator[Difference]:
    """Play one sequence on both and yield what differs."""
    lines = sequence(seed, number, length)
    there = record.play(machine, record.Scenario(f"sequence {number}", lines))
    real, ours = Normaliser(), Normaliser()
    for index, (one, two) in enumerate(zip(there, played(lines), strict=True)):
        a = (one.exit, masked(real.text(one.stdout)), masked(real.text(one.stderr)))
        b = (two[0], masked(ours.text(two[1])), masked(ours.text(two[2])))
        if a != b:
            yield Difference(number, index + 1, lines[index], a, b)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--length", type=int, default=12)
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.sequences) if options.only is None else [options.only]
    found = differing = 0
    with tempfile.TemporaryDirectory(prefix="simdocker-differential-", ignore_cleanup_errors=True) as scratch:
        machine = LastingEngine(Path(scratch))
        try:
            for number in numbers:
                differences = [
                    each for each in compare(machine, options.seed, number, options.length) if each.unexplained()
                ]
                found += len(differences)
                differing += bool(differences)
                for difference in differences:
                    print(difference.explain(), flush=True)
        finally:
            machine.close()
    print(f"{len(numbers)} sequences, {differing} with unexplained differences, in {found} steps")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
