"""Recorded scenarios give here what they gave on a real Docker Engine: exit code, stdout, stderr."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario import corpus


@pytest.mark.parametrize("name", corpus.NAMES)
def test_a_recorded_scenario_goes_as_on_a_real_engine(name: str, record_property: Any) -> None:
    steps = corpus.compare(name)
    record_property("steps identical", (sum(step.same for step in steps), len(steps)))
    known = corpus.known_differences().get(name, {})
    differing = {step.number for step in steps if not step.same}
    unexpected = [corpus.explain(step) for step in steps if step.number in differing - known.keys()]
    assert not unexpected, "\n\n".join(unexpected)
    assert not known.keys() - differing, "steps listed as known differences have become equal: take them off the list"
