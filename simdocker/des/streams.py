"""Named random streams of one seed: adding a draw in one place moves nothing elsewhere.

Each stream is seeded from sha256 of the seed and its name, so it depends neither on
PYTHONHASHSEED nor on which streams were asked for before. Only `Random.random()` is used,
whose values Python promises to keep; distributions are computed here and rounded to whole
nanoseconds, so a platform's libm does not show.
"""

from collections.abc import Callable
from hashlib import sha256
from math import exp, log
from random import Random
from statistics import NormalDist

Z90 = 1.2815515655446004  # the 90 % point of the standard normal
# The normal distribution in steps of equal weight, from -3.7 to 3.7: a draw is one look-up, half
# the price of Box and Muller's formula, and no draw is absurdly far out.
STEPS = 4096
NORMAL_STEPS = [NormalDist().inv_cdf((i + 0.5) / STEPS) for i in range(STEPS)]


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


def spread(median: int, p10: int, p90: int) -> tuple[int, float, float]:
    """The shape `draw` takes: the median and how wide each half is, in log units per deviation."""
    if median <= 0:
        return 0, 0.0, 0.0
    below = log(median / min(max(p10, 1), median)) / Z90
    above = log(max(p90, median) / median) / Z90
    return median, below, above


def draw(shape: tuple[int, float, float], random: Callable[[], float]) -> int:
    """A whole number of nanoseconds from a two-piece lognormal: each half has its own width.

    A shape without width takes nothing from the stream.
    """
    median, below, above = shape
    if below == above == 0.0:
        return median
    z = NORMAL_STEPS[int(random() * STEPS)]
    return int(median * exp(z * (above if z > 0.0 else below)) + 0.5)


def sample(stream: Random, median: int, p10: int, p90: int) -> int:
    """A duration (ns) whose median, 10 % and 90 % points are the given ones (ns)."""
    return draw(spread(median, p10, p90), stream.random)
