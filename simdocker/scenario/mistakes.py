"""Every mistake in a scenario file that can be told apart from the others.

The reader stops at the first. Here the part that it is in is mended, by the name that was meant, or else left out,
and the rest is read again. What follows from a part that is left out is not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import ValidationError

from simdocker.scenario.explain import Mistake, Place, entries, mistake, value_at
from simdocker.scenario.load import ScenarioError, refuse_unknown, text_of, yaml_loader
from simdocker.scenario.misspelt import misspelt
from simdocker.scenario.model import Scenario
from simdocker.scenario.shorthand import written_out

MOST = 20
"""Mistakes of a file: who made so many reads the reference first."""


def further(path: str, told: str) -> Iterator[str]:
    """A sentence for each mistake in the file at `path` beside the one that was `told`, in the order in which they are
    found."""
    if path == "-":
        return
    try:
        text = text_of(path)
        tree, data = yaml.compose(text, yaml_loader()), written_out(yaml.load(text, yaml_loader()))
    except (ScenarioError, yaml.YAMLError, ValueError, RecursionError):
        return
    if tree is None or not isinstance(data, dict):
        return
    left_out: list[Place] = []
    for _ in range(MOST):
        try:
            scenario = Scenario.of(data)
            refuse_unknown(scenario, path, tree)
        except ValidationError as error:
            found = mistake(str(error), data, tree, path)
        except ScenarioError as error:
            if str(error) != told:
                yield str(error)
            return
        else:
            yield from (f"{path}: {sentence}" for sentence in misspelt(scenario))
            return
        follows = any(place[: len(found.place)] == found.place for place in left_out)  # something in it is left out
        if found.sentence != told and not follows:
            yield found.sentence
        if not found.place or not _mend(found, data, tree, left_out):
            return


def _mend(found: Mistake, data: Any, tree: yaml.Node, left_out: list[Place]) -> bool:
    """Take a mistake out of `data`, and a misspelt key out of `tree` too; False where that cannot be."""
    place = found.place[:-1] if found.missing else found.place
    if not place:
        return False
    *above, last = place
    parent = value_at(data, above)
    if found.meant and found.meant not in parent:
        parent[found.meant] = parent.pop(last)
        for part in above:
            tree = dict(entries(tree))[str(part)][1]
        for key, (node, _) in entries(tree):
            if key == last:
                node.value = found.meant
    elif isinstance(parent, list) and above == ["steps"]:
        parent[int(last)] = {"say": "left out"}  # those after it keep their numbers
    elif isinstance(parent, list):
        return _mend(Mistake(found.sentence, above), data, tree, left_out)
    else:
        left_out.append(place)
        del parent[last]
    return True
