"""A few random sequences of docker commands, played here and on a real engine.

Many more are played by hand (`python -m tests.engine.differential`): some 570 so far, of 12 to 20 lines, with the
seeds 1 to 4. Every difference they showed has been mended since; what is known to differ stands in `KNOWN`.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.engine.differential import Difference, compare
from tests.engine.lasting import LastingEngine

BUDGET_SECONDS = 60
SEED, LENGTH = 1, 12


@pytest.mark.engine
@pytest.mark.root
def test_random_commands_go_as_on_a_real_engine(tmp_path: Path) -> None:
    differences: list[Difference] = []
    machine = LastingEngine(tmp_path)
    try:
        end = time.monotonic() + BUDGET_SECONDS
        number = 0
        while time.monotonic() < end:
            differences += compare(machine, SEED, number, LENGTH)
            number += 1
    finally:
        machine.close()
    assert [difference.explain() for difference in differences if difference.unexplained()] == []
    assert number > 0
