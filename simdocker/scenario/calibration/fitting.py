"""The costs that explain measured times: robust, non-negative, and only as many as the measurement can tell apart.

Each observation is a line: its time is what the model says, and each cost's slope times how much the cost is changed.
The sum of the lines' relative deviations is made least (L1: a few wild observations do not count for more than any
others), by iteratively reweighted least squares with the costs kept from falling below 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import msgspec

SMALLEST_NS = 300_000
"""Deviations are relative to the time observed, but to no less than this: below, a real machine's clock, scheduler and
socket have their way."""

SHARE = 0.03
"""A cost has to make up at least this much of some observation to be fitted to it."""

APART = 0.2
"""How much of a cost's effect no other costs may be able to explain, for the cost to be told apart from them."""

ROUNDS, SWEEPS = 25, 200
CLOSE = 0.02
"""Relative deviation within which an observation weighs no more when it comes closer still."""


class Line(msgspec.Struct):
    """One observation: what it is, the ns that were measured and those that the model says, the slope of each cost."""

    what: str
    measured: float
    modelled: float
    slopes: Mapping[str, float]

    @property
    def scale(self) -> float:
        """What deviations are relative to, in ns."""
        return max(self.measured, SMALLEST_NS)


def fit(lines: Sequence[Line], costs: Mapping[str, float]) -> dict[str, float]:
    """The values of `costs` (ns) that explain the lines best, starting from those given."""
    return dict(zip(costs, _least(lines, list(costs.values()), list(costs)), strict=True))


def separable(lines: Sequence[Line], costs: Mapping[str, float]) -> tuple[list[str], dict[str, str]]:
    """The costs that these lines can tell apart, and why not the others: the larger go first, and one that is always
    seen together with those already chosen is left to what it is."""
    effects = {name: _effect(lines, name, ns) for name, ns in costs.items()}
    kept = {name: "no time measured hangs on it" for name, effect in effects.items() if not effect}
    seen = {name: effect for name, effect in effects.items() if effect}
    small = [name for name, effect in seen.items() if max(map(abs, effect.values())) < SHARE]
    kept |= dict.fromkeys(small, f"less than {SHARE:.0%} of any time measured")
    chosen: list[str] = []
    basis: list[tuple[str, dict[int, float]]] = []
    for name in sorted(seen.keys() - kept.keys(), key=lambda name: (-_norm(seen[name]), name)):
        rest, with_whom = dict(seen[name]), {}
        for other, direction in basis:
            along = sum(value * direction.get(row, 0.0) for row, value in rest.items())
            with_whom[other] = abs(along)
            for row, value in direction.items():
                rest[row] = rest.get(row, 0.0) - along * value
        if _norm(rest) < APART * _norm(seen[name]):
            kept[name] = f"not told apart from {max(with_whom, key=lambda other: with_whom[other])}"
            continue
        length = _norm(rest)
        basis.append((name, {row: value / length for row, value in rest.items()}))
        chosen.append(name)
    return sorted(chosen), kept


def _effect(lines: Sequence[Line], name: str, ns: float) -> dict[int, float]:
    """What share of each observation, by its number, a cost makes up."""
    size = max(ns, SMALLEST_NS)
    return {row: line.slopes[name] * size / line.scale for row, line in enumerate(lines) if line.slopes.get(name)}


def _norm(vector: Mapping[int, float]) -> float:
    return sqrt(sum(value * value for value in vector.values()))


def _least(lines: Sequence[Line], start: list[float], names: Sequence[str]) -> list[float]:
    """The costs of least relative deviation, in ns."""
    number = {name: at for at, name in enumerate(names)}
    rows = [
        [(number[name], slope / line.scale) for name, slope in line.slopes.items() if name in number] for line in lines
    ]
    # What the line asks of the costs fitted: its time, without what the model adds beside them.
    wanted = [
        line.measured / line.scale - line.modelled / line.scale + sum(slope * start[at] for at, slope in row)
        for line, row in zip(lines, rows, strict=True)
    ]
    values = list(start)
    for _ in range(ROUNDS):
        gram, right = [[0.0] * len(names) for _ in names], [0.0] * len(names)
        for row, target in zip(rows, wanted, strict=True):
            off = abs(target - sum(slope * values[at] for at, slope in row))
            weight = 1.0 / max(off, CLOSE)
            for at, slope in row:
                right[at] += weight * slope * target
                for beside, other in row:
                    gram[at][beside] += weight * slope * other
        _descend(gram, right, values)
    return values


def _descend(gram: Sequence[Sequence[float]], right: Sequence[float], values: list[float]) -> None:
    """Least squares with no value below 0, one value at a time until none moves."""
    for _ in range(SWEEPS):
        moved = 0.0
        for at, row in enumerate(gram):
            if row[at] <= 0.0:
                continue
            rest = right[at] - sum(slope * value for slope, value in zip(row, values, strict=True))
            new = max(values[at] + rest / row[at], 0.0)
            moved = max(moved, abs(new - values[at]))
            values[at] = new
        if moved < 1.0:  # ns
            return
