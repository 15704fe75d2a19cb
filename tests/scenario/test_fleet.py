"""Worlds of many hosts: what a group's name stands for, how it is wired, how a step on it is judged and told."""

import io

import pytest
from rich.console import Console

from simdocker.cli.console import Play
from simdocker.scenario.load import ScenarioError, from_yaml
from simdocker.scenario.player import Player, play
from simdocker.scenario.topology import PAIRWISE
from simdocker.scenario.world import World

RACKS = """
world:
  hosts: {node: {count: 6}, desk: {}}
  switches: {rack: {count: 2}, core: {}}
  links:
    - {between: [node, rack]}
    - {between: [rack, core]}
    - {between: [core, docker.io]}
    - {between: [desk, node-4]}
"""


def test_a_link_between_groups_shares_the_larger_one_out() -> None:
    world = from_yaml(RACKS + "steps: [{say: hi}]", "f.yaml").world
    assert [cable.between for cable in world.cables()] == [
        ("node-1", "rack-1"), ("node-2", "rack-1"), ("node-3", "rack-1"),
        ("node-4", "rack-2"), ("node-5", "rack-2"), ("node-6", "rack-2"),
        ("rack-1", "core"), ("rack-2", "core"), ("core", "docker.io"), ("desk", "node-4"),
    ]  # fmt: skip


@pytest.mark.parametrize("hosts", [PAIRWISE, PAIRWISE + 1, 1000])
def test_any_two_hosts_of_a_default_world_are_a_millisecond_apart_there_and_back(hosts: int) -> None:
    scenario = from_yaml(f"world: {{hosts: {{node: {{count: {hosts}}}}}}}\nsteps: [{{say: hi}}]", "f.yaml")
    assert len(scenario.world.cables()) <= hosts * PAIRWISE
    network = World.build(scenario).network
    assert network.latency("node-1", f"node-{hosts}") + network.latency(f"node-{hosts}", "node-1") == 1_000_000


def test_a_step_on_a_group_runs_on_every_member_at_once_and_is_judged_on_each() -> None:
    run = play(from_yaml(RACKS + """
steps:
  - run: docker pull -q busybox
    on: node-2
  - run: docker run --rm --pull never busybox hostname -s
    on: node
    expect: {exit: 0, api: {status: 201}}
    check: [{image: busybox, exists: true}]
""", "f.yaml"))  # fmt: skip
    group = run.steps[1:]
    assert [step.on for step in group] == [f"node-{number}" for number in range(1, 7)]
    assert [step.passed for step in group] == [False, True, False, False, False, False]
    assert {step.started_ns for step in group} == {group[0].started_ns}


def test_a_fault_on_a_group_cuts_every_cable_and_mends_them() -> None:
    run = play(from_yaml(RACKS + """
steps:
  - fault: {link: [node, rack], down: 60s}
  - {run: docker pull -q busybox, on: node, expect: {exit: 1}}
  - wait: 60s
  - {run: docker pull -q busybox, on: node, expect: {exit: 0}}
""", "f.yaml"))  # fmt: skip
    assert run.passed


def test_the_console_tells_a_group_s_step_by_one_host_s_story_and_counts_the_others() -> None:
    scenario = from_yaml(RACKS + """
steps:
  - run: docker run --rm busybox sh -c 'test $(hostname) != x && echo hello'
    on: node
    expect: {exit: 0}
  - {run: docker images -q nothing, on: node-5}
""", "f.yaml")  # fmt: skip
    shown = io.StringIO()
    world = World.build(scenario)
    console = Play(Console(file=shown, width=160), scenario, world, quiet=False)
    Player(scenario, world, console).play()
    group, _, single = shown.getvalue().partition("step 2")
    assert group.count("POST /images/create") == 1
    assert "client@node-1 → daemon@node-1" in group
    assert "node-2" not in group
    assert "node-1 and 5 other hosts:" in group
    assert group.count("│ hello") == 1
    assert "✓ exit code is 0, on all 6 hosts" in group
    assert "client@node-5 → daemon@node-5" in single


def test_quietly_a_group_s_output_is_printed_once_and_what_failed_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario = from_yaml(RACKS + """
steps:
  - run: test $(hostname) != node-3 && echo hello
    on: node
    expect: {exit: 0}
""", "f.yaml")  # fmt: skip
    world = World.build(scenario)
    Player(scenario, world, Play(Console(width=160), scenario, world, quiet=True)).play()
    assert capsys.readouterr().out == (
        "node-1 and 4 other hosts:\nhello\n"
        "node-1 … node-6$ test $(hostname) != node-3 && echo hello\n"
        "  ✗ exit code is 0: not on 1 of 6 hosts: node-3 got 1\n"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "world:\n  hosts: {node: {count: 0}}\n",
            "f.yaml:2: world.hosts.node.count must be a whole number of at least 1, not 0",
        ),
        (
            "world:\n  hosts: {node: {count: 3}, node-2: {}}\n",
            "f.yaml:2: 'node-2' is the name of a group's member and of something else",
        ),
        (
            "world:\n  hosts: {node: {count: 3}}\n  links: [{between: [node-4, docker.io]}]\n",
            "f.yaml:3: a link goes to 'node-4', which is no host or registry here: known are node, docker.io",
        ),
    ],
)
def test_a_wrong_group_is_named_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        from_yaml(text + "steps: [{say: hi}]\n", "f.yaml")
    assert str(caught.value).startswith(sentence)
