"""`docker image prune -a` and `docker system prune -a` of images that were pulled: their digests are names too."""

from __future__ import annotations

import pytest

from simdocker.scenario.load import from_yaml
from simdocker.scenario.player import play


@pytest.mark.parametrize("prune", ["docker image prune -a -f", "docker system prune -a -f"])
def test_pruning_all_takes_a_pulled_image_with_its_digest(prune: str) -> None:
    lines = ["docker pull -q busybox", "docker tag busybox other:1", prune, "docker images -q"]
    run = play(from_yaml("title: t\nsteps:\n" + "".join(f"  - run: {line}\n" for line in lines), "t.yaml"))
    assert [step.exit for step in run.steps] == [0, 0, 0, 0]
    assert "untagged: busybox@sha256:" in run.steps[2].stdout.lower()
    assert run.steps[3].stdout == ""
