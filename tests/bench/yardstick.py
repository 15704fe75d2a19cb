"""The yardstick: one timeout of plain SimPy, measured in the same run as what it is held against."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import simpy


def raw_timeout(n: int = 300_000) -> float:
    """Seconds of processor time for one timeout of plain SimPy; what else runs here does not count."""
    env = simpy.Environment()

    def ticker() -> Generator[simpy.Event, Any, None]:
        for _ in range(n):
            yield env.timeout(1)

    env.process(ticker())
    start = time.process_time()
    env.run()
    return (time.process_time() - start) / n
