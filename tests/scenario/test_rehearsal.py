"""What a real machine has no program for is known before the first step, and so are the chapters it cannot play."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simdocker.errors import UserError
from simdocker.scenario.load import from_yaml, load
from simdocker.scenario.realhost.refusing import refuse

SHIPPED = Path(__file__).parents[2] / "scenarios"
SEVERAL_HOSTS = "world: hosts: there are"
REFUSED = {
    "02": SEVERAL_HOSTS, "03": SEVERAL_HOSTS, "14": "fault: link", "15": SEVERAL_HOSTS, "20": SEVERAL_HOSTS,
    "21": SEVERAL_HOSTS, "23": SEVERAL_HOSTS, "24": SEVERAL_HOSTS, "25": SEVERAL_HOSTS,
}  # fmt: skip


def of(*lines: str, rest: str = "") -> str:
    return f"title: t\n{rest}steps:\n" + "".join(f"  - run: {json.dumps(line)}\n" for line in lines)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.name[:2])
def test_a_chapter_is_either_played_on_one_real_machine_or_refused_with_the_reason(path: Path) -> None:
    reason = REFUSED.get(path.name[:2])
    if reason is None:
        refuse(load(str(path)), ours=True)
    else:
        with pytest.raises(UserError, match=reason):
            refuse(load(str(path)), ours=True)


@pytest.mark.parametrize("ours", [True, False])
def test_a_server_that_only_the_simulator_has_is_refused_with_the_step_that_starts_it(ours: bool) -> None:
    text = of("docker pull nginx", "docker run -d nginx")
    with pytest.raises(UserError, match=r"step 'docker run -d nginx': \S+ runs in the simulator only"):
        refuse(from_yaml(text, "t.yaml"), ours=ours)


def test_a_server_under_another_name_is_found_by_playing_it() -> None:
    files = "files:\n  web/Dockerfile: |\n    FROM redis\n    CMD exec redis-server\n"
    lines = "docker build -q -t ours web", "docker run -d --name cache ours"
    with pytest.raises(UserError, match="step 'docker run -d --name cache ours': redis-server"):
        refuse(from_yaml(of(*lines, rest=files), "t.yaml"), ours=True)


def test_an_image_with_a_server_may_be_pulled_and_looked_at() -> None:
    text = of("docker pull nginx", "docker run --rm --entrypoint ls nginx /", "curl -s http://127.0.0.1/")
    refuse(from_yaml(text, "t.yaml"), ours=True)
