"""`simdocker validate`: read scenario files and say what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from simdocker.scenario.load import Mistaken, ScenarioError, load
from simdocker.scenario.misspelt import misspelt


def validate_files(paths: Sequence[str]) -> int:
    """Check each file; returns the exit code."""
    failed = False
    for path in paths:
        try:
            scenario = load(path)
        except Mistaken as error:
            from simdocker.scenario.mistakes import further

            wrong = [str(error), *further(path, str(error))]
        except ScenarioError as error:
            wrong = [str(error)]
        else:
            wrong = [f"{path}: {sentence}" for sentence in misspelt(scenario)]
        for sentence in wrong:
            print(f"simdocker: {sentence}", file=sys.stderr)
        if wrong:
            failed = True
            continue
        count = len([step for step in scenario.flat_steps() if step.run is not None])
        lesson = f", a lesson with {len(scenario.lesson.goals)} goals" if scenario.lesson is not None else ""
        print(f"{path}: ok: {scenario.title}: {count} command{'s' if count != 1 else ''}{lesson}")
    return 2 if failed else 0
