"""The odd states of a container, as a real engine shows them (`engine-states.json`), and what it then refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from calling import Lab, plain

from simdocker.actors.daemon.views import inspect

STATES = json.loads((Path(__file__).parents[1] / "reference" / "engine-states.json").read_text(encoding="utf-8"))
TIMES = ("StartedAt", "FinishedAt")
CALLS = {
    "exec": ("POST", "/containers/odd/exec", {"Cmd": ["ls"]}),
    "pause": ("POST", "/containers/odd/pause", None),
    "rm": ("DELETE", "/containers/odd", None),
    "rm -f": ("DELETE", "/containers/odd?force=1", None),
    "start": ("POST", "/containers/odd/start", None),
    "kill": ("POST", "/containers/odd/kill", None),
    "top": ("GET", "/containers/odd/top", None),
    "stop": ("POST", "/containers/odd/stop", None),
}
LOOP = "docker run -d --name odd --restart always busybox:latest sh -c 'exit 3'"
UNTIL_RESTARTING = "until docker inspect -f '{{.State.Status}}' odd | grep -q restarting; do sleep 0.01; done"


def call(lab: Lab, what: str) -> tuple[int, str]:
    """Make one of the recorded calls; status and message."""
    method, path, body = CALLS[what]
    return lab.call({"label": what, "method": method, "path": path, "body": body, "message": ""})


def state(lab: Lab) -> dict[str, Any]:
    """`State` as the engine shows it, its times as whether they are set."""
    shown: dict[str, Any] = json.loads(lab.line("docker inspect -f '{{json .State}}' odd"))
    return {key: value.startswith("0001-") if key in TIMES else value for key, value in shown.items()}


def recorded(name: str) -> dict[str, Any]:
    """The state recorded under a name, its times as whether they are set."""
    return {key: value.startswith("0001-") if key in TIMES else value for key, value in STATES[name].items()}


def sentence(body: str) -> str:
    """The message of a recorded body."""
    return plain(json.loads(body)["message"]) if body else ""


def restarting() -> Lab:
    """A container that waits to be restarted."""
    lab = Lab()
    lab.line(LOOP)
    lab.line(UNTIL_RESTARTING)
    return lab


def test_a_container_between_two_runs_is_restarting_and_running() -> None:
    assert state(restarting()) == recorded("restarting")


@pytest.mark.parametrize("what", ["exec", "pause", "rm", "start", "kill"])
def test_what_a_restarting_container_answers(what: str) -> None:
    before, status, body = STATES["restart_ops"][what]
    assert before == "restarting"
    got = call(restarting(), what)
    assert (got[0], plain(got[1])) == (status, sentence(body))


def test_a_kill_between_two_runs_ends_the_container() -> None:
    lab = restarting()
    call(lab, "kill")
    assert call(lab, "stop")[0] == STATES["stop"][1]
    top = call(lab, "top")
    assert (top[0], plain(top[1])) == (STATES["restart_ops"]["top"][1], sentence(STATES["restart_ops"]["top"][2]))
    assert state(lab) == recorded("after_stop")


def test_each_restart_waits_twice_as_long_as_the_one_before() -> None:
    lab = Lab()
    lab.line(LOOP)
    waits = []
    for _ in range(7):
        lab.line(UNTIL_RESTARTING)
        began = lab.env.now
        lab.line("until docker inspect -f '{{.State.Status}}' odd | grep -q running; do sleep 0.01; done")
        waits.append((lab.env.now - began) / 1e9)
    instants = {(row[1], row[5]): row[0] for row in STATES["backoff_timeline"]}
    real = [instants["running", count] - instants["restarting", count] for count in range(1, 7)]
    for ours, theirs in zip(waits, real, strict=False):
        assert theirs / 2 < ours < theirs * 1.5  # a busy machine's times, polled


def test_a_container_that_is_being_removed_says_so_and_refuses_the_rest() -> None:
    lab = Lab()
    lab.line("docker run --name odd busybox:latest true")
    daemon, env = lab.world.daemon(), lab.env
    container = daemon.containers.get("odd")
    removal = env.process(daemon.handle(_request(lab, "rm")))
    while not container.state.dead:
        env.step()
    shown = inspect(daemon, container)["State"]
    wanted = STATES["removing"]
    assert {k: v for k, v in shown.items() if k not in TIMES} == {k: v for k, v in wanted.items() if k not in TIMES}
    calls = {what: env.process(daemon.handle(_request(lab, what))) for what in STATES["removing_ops"] if what in CALLS}
    env.run(removal)
    for what, asked in calls.items():
        status, body = STATES["removing_ops"][what]
        response = env.run(asked)
        assert (response.status, _without_name(response.message)) == (status, _without_name(sentence(body))), what
    assert removal.value.status == STATES["rm_result"][0]
    assert call(lab, "start")[0] == 404


def _request(lab: Lab, what: str) -> Any:
    method, path, body = CALLS[what]
    return lab.request({"label": what, "method": method, "path": path, "body": body})


def _without_name(message: str) -> str:
    return re.sub(r"<id>|\b[0-9a-f]{64}\b|\bodd\b", "<container>", message)


def test_a_container_that_is_up_is_never_unhealthy_only_because_its_program_has_just_ended() -> None:
    lab = Lab()
    lab.line("docker run -d --name odd --health-cmd true --health-interval 10ms busybox:latest sleep 1")
    daemon = lab.world.daemon()
    container = daemon.containers.get("odd")
    seen = []
    while container.state.running:
        lab.env.step()
        shown = inspect(daemon, container)["State"]
        seen.append((shown["Running"], shown["Health"]["Status"]))
    assert {status for running, status in seen if running} == {"starting", "healthy"}
    assert seen[-1] == (False, "unhealthy")
