"""Pushing to Docker Hub and to private registries: who may, what moves, and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import Run


def played(steps: Sequence[str], **registries: dict[str, Any]) -> Run:
    names = {"hub": "docker.io", "shop": "shop.lab:5000", "other": "other.lab"}
    world = {"registries": {"docker.io": {}, **{names[key]: value for key, value in registries.items()}}}
    return play(Scenario.of({"title": "push", "world": world, "steps": [{"run": step} for step in steps]}))


def messages(run: Run, actor: str) -> list[str]:
    return [r.what for r in run.world.trace if r.kind == "message" and r.actor == actor]


def test_a_user_of_docker_hub_pushes_under_their_own_name_only() -> None:
    run = played(
        [
            "docker pull -q busybox && docker tag busybox alice/tool",
            "docker push alice/tool",
            "docker login -u alice -p wrong",
            "docker login -u alice -p secret",
            "docker push alice/tool",
            "docker tag busybox bob/tool && docker push bob/tool",
            "docker rmi alice/tool > /dev/null; docker pull alice/tool",
        ],
        hub={"users": {"alice": "secret"}},
    )
    assert [step.exit for step in run.steps] == [0, 1, 1, 0, 0, 1, 0]
    assert run.steps[1].stderr == "denied: requested access to the resource is denied\n"
    assert "unauthorized: incorrect username or password" in run.steps[2].stderr
    assert "Mounted from library/busybox" in run.steps[4].stdout
    assert "denied" in run.steps[5].stderr


def test_a_layer_crosses_the_wire_once_and_is_mounted_or_left_alone_afterwards() -> None:
    run = played(
        [
            "docker pull -q nginx; docker tag nginx shop.lab:5000/a; docker tag nginx shop.lab:5000/b",
            "docker push -q shop.lab:5000/a",
            "docker push -q shop.lab:5000/b",
            "docker push -q shop.lab:5000/b",
        ],
        shop={},
    )
    assert [step.exit for step in run.steps] == [0, 0, 0, 0]
    layers = len(run.world.daemon().images.get("nginx").layers)
    sent = [what.split("/")[2] for what in messages(run, "daemon@laptop") if what.startswith("PATCH /v2/")]
    assert (sent.count("a"), sent.count("b")) == (layers + 1, 1), "layers and configuration; then the latter alone"
    first, *later = (step.ended_ns - step.started_ns for step in run.steps[1:])
    assert first > 10 * max(later), "only the first push moves the layers"


def test_credentials_stay_with_the_client_and_go_with_each_request() -> None:
    run = played(
        [
            "docker pull -q busybox; docker tag busybox shop.lab:5000/a; docker push -q shop.lab:5000/a",
            "echo pw | docker login -u carol --password-stdin shop.lab:5000",
            "docker push -q shop.lab:5000/a",
            "docker logout shop.lab:5000; docker push -q shop.lab:5000/a",
        ],
        shop={"users": {"carol": "pw"}},
    )
    assert [step.exit for step in run.steps] == [1, 0, 0, 1]
    assert run.steps[0].stderr == run.steps[3].stderr == "no basic auth credentials\n"


def test_a_private_registry_may_give_tokens() -> None:
    steps = [
        "docker pull -q busybox; docker tag busybox shop.lab:5000/a",
        "docker push shop.lab:5000/a",
        "docker login -u carol -p pw shop.lab:5000",
        "docker push -q shop.lab:5000/a",
    ]
    run = played(steps, shop={"users": {"carol": "pw"}, "auth": "token"})
    assert [step.exit for step in run.steps] == [0, 1, 0, 0]
    assert "unauthorized: authentication required" in run.steps[1].stderr
    assert "GET /token" in messages(run, "daemon@laptop")


def test_more_than_five_layers_wait_their_turn() -> None:
    image = {"shop.lab:5000/big:1": {"from": "busybox", "layers": [{"size": f"{n}MB"} for n in range(1, 8)]}}
    world = {"registries": {"docker.io": {}, "shop.lab:5000": {}, "other.lab": {}}}
    steps = ["docker pull -q shop.lab:5000/big:1", "docker tag shop.lab:5000/big:1 other.lab/big:1"]
    steps.append("docker push other.lab/big:1")
    run = play(
        Scenario.of({"title": "push", "world": world, "images": image, "steps": [{"run": step} for step in steps]})
    )
    said = run.steps[2].stdout
    assert run.steps[2].exit == 0, run.steps[2].stderr
    assert said.count(": Preparing\n") == said.count(": Pushed\n") == 8
    assert said.count(": Waiting\n") == 3


def test_a_registry_that_goes_away_in_the_middle_is_told() -> None:
    run = played(["docker pull -q busybox; docker tag busybox shop.lab:5000/a; docker push shop.lab:5000/a"],
                 shop={"down": True})  # fmt: skip
    assert run.steps[0].exit == 1
    assert "connect: connection refused" in run.steps[0].stderr


def test_search_asks_docker_hub() -> None:
    run = played(["docker search nginx", "docker search --filter stars=12000 --format '{{.Name}}' database"])
    assert run.steps[0].stdout.splitlines()[1].split() == [
        "nginx",
        "Official",
        "build",
        "of",
        "Nginx.",
        "20000",
        "[OK]",
    ]
    assert run.steps[1].stdout == "postgres\nredis\n"
