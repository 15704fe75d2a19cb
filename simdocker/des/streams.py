"""Named random streams of one seed: adding a draw in one place moves nothing elsewhere.

Each stream is seeded from sha256 of the seed and its name, so it depends neither on
PYTHONHASHSEED nor on which streams were asked for before. Only `Random.random()` is used,
whose values Python promises to keep; durations (`CostProfile.draw`) are rounded to whole
nanoseconds, so a platform's libm does not show.
"""

from array import array
from hashlib import sha256
from math import erf, exp, log, sqrt, tau
from random import Random

Z90 = 1.2815515655446004  # the 90 % point of the standard normal
Z99 = 2.3263478740408408  # draws are held to the 1 % and 99 % points: the records tell nothing about the tails beyond
STEPS = 4096

Shape = tuple[float, float, float]
"""A two-piece lognormal: its median and how wide each half is, in log units per deviation."""


def _normal_steps() -> "array[float]":
    """The standard normal in steps of equal weight, so that a draw is one look-up and one exp().

    Each quantile is found by Newton's method from its neighbour (importing `statistics` for its
    `NormalDist` would cost as much time as all the rest of this package).
    """
    z, upper = 0.0, []
    for step in range(STEPS // 2):
        for _ in range(3):
            z -= (erf(z * sqrt(0.5)) / 2 - (step + 0.5) / STEPS) / (exp(-z * z / 2) / sqrt(tau))
        upper.append(min(z, Z99))
    return array("d", [*(-z for z in reversed(upper)), *upper])


NORMAL_STEPS = _normal_steps()


class RandomStreams:
    """All randomness of one run, by name."""

    def __init__(self, seed: int | str):
        self.seed = seed
        self._streams: dict[str, Random] = {}

    def stream(self, name: str) -> Random:
        """The stream of that name (`"pull/latency"`), the same object every time."""
        stream = self._streams.get(name)
        if stream is None:
            digest = sha256(f"{self.seed}\0{name}".encode()).digest()
            stream = self._streams[name] = Random(int.from_bytes(digest, "big"))
        return stream


def spread(median: int, p10: int, p90: int) -> Shape:
    """The shape of a cost with these points (ns)."""
    if median <= 0:
        return 0.0, 0.0, 0.0
    below = log(median / min(max(p10, 1), median)) / Z90
    above = log(max(p90, median) / median) / Z90
    return float(median), below, above
