"""A few random sequences of docker commands, played here and on a real engine.

Many more are played by hand (`python -m tests.engine.differential`, see README.md); what is known to differ stands in
`known.py`. The seed is fixed and the time is given, so how many sequences are played depends on the machine.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import Phase

from tests.engine.differential import BLOCK, Difference, Engine, drawn, unexplained
from tests.engine.known import KNOWN
from tests.engine.lines import WORDS, word_names

BUDGET_SECONDS, SHRINK_SECONDS = 40, 60
SEED, LENGTH = 7, 10


class Budget:
    """Plays sequences until the time is over; once one differs, hypothesis has some more to find out which of its
    lines it takes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.end = time.monotonic() + BUDGET_SECONDS
        self.found: dict[tuple[str, ...], str] = {}
        self.seen: set[tuple[str, ...]] = set()

    @property
    def over(self) -> bool:
        return time.monotonic() > self.end

    def play(self, lines: list[str]) -> None:
        """Raises AssertionError where the simulator goes another way; what was played once is not played again."""
        key = tuple(lines)
        if key not in self.seen and not self.over:
            self.seen.add(key)
            differing: list[Difference] = unexplained(self.engine.compare(lines))
            if differing:
                if not self.found:
                    self.end = time.monotonic() + SHRINK_SECONDS
                self.found[key] = "\n".join(map(str, differing))
        assert key not in self.found, self.found[key]


@pytest.mark.engine
@pytest.mark.root
def test_random_commands_go_as_on_a_real_engine() -> None:
    # Not pytest's own directory: the engine's sockets lie deep, and their paths may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="simdocker-", ignore_cleanup_errors=True) as scratch:
        engine = Engine(Path(scratch))
        try:
            budget = Budget(engine)
            block = 0
            while not budget.over:
                drawn(SEED * 1_000_000 + block, BLOCK, LENGTH, budget.play, Phase.generate, Phase.shrink)
                block += 1
        finally:
            engine.machine.close()
    assert budget.seen


def test_every_word_of_the_grammar_is_there_and_used() -> None:
    used = {name for alternatives in WORDS.values() for text in alternatives for name in word_names(text)}
    assert used == WORDS.keys() - {"line", "opening"}


def test_every_known_difference_has_a_reason_and_explains_nothing_else() -> None:
    for known in KNOWN:
        assert len(known.why) > 20
        assert not known.explains("docker ps -a", "-exit 1")
        assert not known.explains("docker ps -a", "+anything")
