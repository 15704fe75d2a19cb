"""A few random sequences of docker commands, played here and on a real engine.

Many more are played by hand (`python -m tests.engine.differential`): some 570 so far, of 12 to 20 lines, with the
seeds 1 to 4. Every difference they showed has been mended since; what is known to differ stands in `KNOWN`.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from tests.engine.differential import Difference, compare
from tests.engine.lasting import LastingEngine

BUDGET_SECONDS = 60
SEED, LENGTH = 1, 12


@pytest.mark.engine
@pytest.mark.root
def test_random_commands_go_as_on_a_real_engine() -> None:
    differences: list[Difference] = []
    number = 0
    # Not pytest's own directory: the engine's sockets lie deep, and their paths may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="simdocker-", ignore_cleanup_errors=True) as scratch:
        machine = LastingEngine(Path(scratch))
        try:
            end = time.monotonic() + BUDGET_SECONDS
            while time.monotonic() < end:
                differences += compare(machine, SEED, number, LENGTH)
                number += 1
        finally:
            machine.close()
    assert [difference.explain() for difference in differences if difference.unexplained()] == []
    assert number > 0
