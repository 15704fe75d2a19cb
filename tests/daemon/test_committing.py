"""What a commit keeps: the writable layer's changes as one layer more, and a line of history."""

from __future__ import annotations

from typing import Any

import pytest

from simdocker.actors.daemon.committing import Change, commit
from simdocker.api.models import ContainerConfig
from simdocker.scenario.load import from_lines
from simdocker.scenario.player import play
from simdocker.scenario.world import World


@pytest.fixture
def world() -> World:
    """A world in which a container `changed` has changed a few files."""
    steps = [
        "docker create --name empty busybox",
        "docker run --name changed busybox sh -c 'echo hi >> /etc/motd; rm /bin/vi; ln /etc/motd /twice; mkdir -p /a'",
    ]
    run = play(from_lines("\n".join(steps), "changes"))
    assert run.passed
    return run.world


def committed(world: World, name: str, **fields: Any) -> Any:
    daemon = world.daemon()
    container = daemon.containers.get(name)
    change = Change(
        container.id, ContainerConfig(Cmd=["sh"]), ContainerConfig(Cmd=["echo", "hi"]), container.id, **fields
    )
    return world.env.run(world.env.process(commit(daemon, change, container.image)))


def run_in(world: World, line: str) -> tuple[int, str]:
    done = world.start_line(next(iter(world.machines)), line)
    world.env.run(done.done)
    return done.exit_code, done.stdout.decode()


def test_a_commit_adds_one_layer_with_the_changes(world: World) -> None:
    base = world.daemon().images.get("busybox")
    image = committed(world, "changed")
    assert image.parent is base
    assert image.chain_ids[:-1] == base.chain_ids
    assert image.size == base.size + 3
    shown = "cat /etc/motd /twice; ls /bin/vi 2>&1; ls -d /a; stat -c %h /twice"
    _, out = run_in(world, f"docker run --rm {image.id} sh -c '{shown}'")
    assert out == "hi\nhi\nls: /bin/vi: No such file or directory\n/a\n2\n"


def test_a_commit_of_nothing_adds_history_alone(world: World) -> None:
    base = world.daemon().images.get("busybox")
    image = committed(world, "empty", comment="why", author="who")
    assert image.layers == base.layers
    last = image.document.history[-1]
    assert (last.created_by, last.empty_layer, last.comment, last.author) == ("echo hi", True, "why", "who")


def test_what_the_container_writes_later_does_not_reach_the_image(world: World) -> None:
    image = committed(world, "changed")
    run_in(world, "docker start -a changed")
    assert run_in(world, f"docker run --rm {image.id} cat /etc/motd") == (0, "hi\n")


def test_an_image_below_another_is_hidden_and_goes_with_it(world: World) -> None:
    first = committed(world, "changed")
    run_in(world, f"docker run --name second {first.id} touch /d")
    second = committed(world, "second")
    assert first.id[7:19] not in run_in(world, "docker images -q")[1]
    assert run_in(world, "docker images -aq")[1].split()[:2] == [second.id[7:19], first.id[7:19]]
    assert run_in(world, f"docker rmi -f {first.id}")[0] == 1  # has dependent child images
    _, out = run_in(world, f"docker rm second; docker rmi {second.id}")
    chains = [second.chain_ids[-1], first.chain_ids[-1]]
    assert out.split("\n")[1:-1] == [f"Deleted: {name}" for name in (second.id, chains[0], first.id, chains[1])]
