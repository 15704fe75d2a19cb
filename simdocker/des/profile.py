"""Cost profiles: how long each named step of the engine takes, as measured on some machine.

A cost is a median with its 10 % and 90 % points; a draw is one duration of that shape from a
random stream. `default` was measured on a real engine (each cost names its source), `instant`
costs nothing, and a calibrated profile is the same JSON written for another machine.
"""

import os
from difflib import get_close_matches
from functools import cache
from math import exp
from pathlib import Path
from random import Random

import msgspec

from simdocker.des.streams import NORMAL_STEPS, STEPS, spread

_STEPS = float(STEPS)  # a product of two floats is quicker than that of a float and an integer

SHIPPED = Path(__file__).parent / "profiles"


class Cost(msgspec.Struct, frozen=True):
    """One step's duration in ns: half of the time below `median`, one in ten below `p10` or above `p90`."""

    median: int
    p10: int
    p90: int
    source: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.p10 <= self.median <= self.p90:
            raise ValueError(f"a cost needs 0 ≤ p10 ≤ median ≤ p90, not {self.p10}, {self.median}, {self.p90}")


class ProfileFile(msgspec.Struct):
    """What is on disk. Costs it does not name are the default profile's."""

    name: str
    costs: dict[str, Cost]
    about: str = ""


class CostProfile:
    """The costs of one machine, by the name of the step (`"container.create"`)."""

    def __init__(self, name: str, costs: dict[str, Cost], about: str = ""):
        self.name = name
        self.costs = costs
        self.about = about
        self._shapes = {
            step: spread(cost.median, cost.p10, cost.p90)
            for step, cost in costs.items()
            if cost.median and cost.p10 < cost.p90
        }

    def draw(self, name: str, rng: Random) -> int:
        """How long the step takes this time, in ns. `KeyError` with a sentence for an unknown step.

        All costs share the one table of steps, which stays in the processor's cache: to compute a
        duration is quicker than to remember it.
        """
        try:
            median, below, above = self._shapes[name]
        except KeyError:
            return self._even(name)
        z = NORMAL_STEPS[int(rng.random() * _STEPS)]
        return int(median * exp(z * (above if z > 0.0 else below)) + 0.5)

    def _even(self, name: str) -> int:
        """A cost that is always the same: nothing is drawn."""
        try:
            return self.costs[name].median
        except KeyError:
            near = get_close_matches(name, self.costs, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise KeyError(f"profile {self.name} has no cost called {name}{hint}") from None

    def medians(self) -> "CostProfile":
        """The same machine on its most even day: every step takes its median, nothing is drawn."""
        flat = {step: Cost(cost.median, cost.median, cost.median, cost.source) for step, cost in self.costs.items()}
        return CostProfile(f"{self.name}-medians", flat, self.about)

    def save(self, path: Path | str) -> None:
        """Write the profile as JSON, replacing the file at once or not at all."""
        text = msgspec.json.format(msgspec.json.encode(ProfileFile(self.name, self.costs, self.about)), indent=1)
        replace_file(Path(path), text + b"\n")

    @classmethod
    def load(cls, ref: str | Path) -> "CostProfile":
        """A profile by name, or from a JSON file by its path. `ValueError` with one sentence when it cannot be."""
        if ref in known():
            return _shipped(str(ref))
        path = Path(ref)
        if not path.is_file():
            near = get_close_matches(str(ref), known(), 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known())}, or a JSON file"
            raise ValueError(f"there is no cost profile {str(ref)!r}; {hint}")
        return _read(path)


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` where the file is, at once or not at all. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def known() -> list[str]:
    """The names of the profiles that come with simdocker."""
    return sorted([*(path.stem for path in SHIPPED.glob("*.json")), "instant"])


@cache
def _shipped(name: str) -> CostProfile:
    if name == "instant":
        nothing = Cost(0, 0, 0)
        return CostProfile(name, dict.fromkeys(_shipped("default").costs, nothing), "Nothing takes any time.")
    return _read(SHIPPED / f"{name}.json")


def _read(path: Path) -> CostProfile:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=ProfileFile)
    except OSError as error:
        raise ValueError(f"the cost profile {path} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{path} is not a cost profile: {error}") from None
    base = {} if path == SHIPPED / "default.json" else _shipped("default").costs
    for name in file.costs if base else ():
        if name not in base:
            near = get_close_matches(name, base, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{path} is not a cost profile: there is no cost called {name!r}{hint}")
    return CostProfile(file.name, {**base, **file.costs}, file.about)
