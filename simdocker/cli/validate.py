"""`simdocker validate`: read scenario files and say what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from simdocker.scenario.load import ScenarioError, load
from simdocker.scenario.misspelt import misspelt

ON_PURPOSE = "if it is meant to fail: expect: {exit: 1}"


def validate_files(paths: Sequence[str]) -> int:
    """Check each file; returns the exit code."""
    failed = False
    for path in paths:
        try:
            scenario = load(path)
        except ScenarioError as error:
            print(f"simdocker: {error}", file=sys.stderr)
            failed = True
            continue
        mistakes = list(misspelt(scenario))
        for mistake in mistakes:
            print(f"simdocker: {path}: {mistake} ({ON_PURPOSE})", file=sys.stderr)
        if mistakes:
            failed = True
            continue
        count = len([step for step in scenario.flat_steps() if step.run is not None])
        lesson = f", a lesson with {len(scenario.lesson.goals)} goals" if scenario.lesson is not None else ""
        print(f"{path}: ok: {scenario.title}: {count} command{'s' if count != 1 else ''}{lesson}")
    return 2 if failed else 0
