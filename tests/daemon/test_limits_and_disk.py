"""What containers use and what the disk holds: `stats`, `update`, `system df`, the prunes."""

from __future__ import annotations

import json

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult


def outcomes(*steps: str) -> list[StepResult]:
    return play(Scenario.of({"title": "usage", "steps": [{"run": step} for step in steps]})).steps


def test_a_busy_container_shows_its_share_of_a_processor_and_half_of_it_when_limited() -> None:
    busy = "sh -c 'while :; do :; done'"
    share = "docker stats --no-stream --format '{{.CPUPerc}} {{.PIDs}}'"
    steps = outcomes(f"docker run -d --name full busybox {busy}", f"{share} full",
                     f"docker run -d --name half --cpus 0.5 busybox {busy}", f"{share} half")  # fmt: skip
    full, half = (float(steps[number].stdout.partition("%")[0]) for number in (1, 3))
    assert 95 < full < 105, steps[1]
    assert 45 < half < 55, steps[3]


def test_memory_and_its_limit_and_what_the_network_carried() -> None:
    steps = outcomes(
        "docker network create lab; docker run -d --network lab --name web httpd",
        "docker run --rm --network lab busybox wget -qO - web | wc -c",
        "docker update -m 64m --memory-swap 64m web",
        "docker stats --no-stream --format '{{.MemUsage}}|{{.NetIO}}' web",
    )
    memory, network = steps[3].stdout.strip().split("|")
    assert memory.endswith(" / 64MiB") and not memory.startswith("0B"), memory
    assert int(steps[1].stdout) > 0
    assert "0B" not in network, network


def test_stats_of_what_does_not_run_or_is_not_there() -> None:
    steps = outcomes(
        "docker create --name box busybox true",
        "docker stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' box",
        "docker stats --no-stream nosuch",
        "timeout 1 docker stats box",
        "docker stats --no-stream --format '{{.Name}}'",
    )
    assert steps[1].stdout == "box 0B / 0B 0\n"
    assert (steps[2].exit, steps[2].stderr) == (1, "Error response from daemon: No such container: nosuch\n")
    assert steps[3].exit == 124
    assert steps[4].stdout == ""


def test_a_limit_that_is_changed_holds_at_once() -> None:
    steps = outcomes(
        "docker run -d --name box busybox sleep 1000",
        "docker update --pids-limit 3 box",
        "docker exec box sh -c 'sleep 9 & sleep 9 & sleep 9 & sleep 9'",
        "docker update --restart always box && docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' box",
        "docker run -d --rm --name gone busybox sleep 100; docker update --restart always gone",
        "docker update -m 1m box",
        "docker update --memory 32m --memory-swap 64m --cpus 0.5 box nosuch",
    )
    assert (steps[2].exit, steps[2].stdout) != (0, ""), "a fourth process was let in"
    assert steps[3].stdout == "box\nalways\n"
    assert "because AutoRemove is enabled" in steps[4].stderr
    assert steps[5].stderr == "Error response from daemon: Minimum memory limit allowed is 6MB\n"
    assert (steps[6].stdout, steps[6].exit) == ("box\n", 1)
    assert "No such container: nosuch" in steps[6].stderr


def test_containers_of_the_same_command_line_share_nothing_that_changes() -> None:
    steps = outcomes(
        "for n in 1 2; do docker run -d --rm busybox sleep 1000; done",
        "set -- $(docker ps -q); docker restart $1 & sleep 1; docker kill $2; sleep 1; docker ps -aq | wc -l",
    )
    assert steps[1].stdout.endswith("\n1\n"), "the restart of the one kept the other"


def test_a_shared_layer_counts_once_on_the_disk() -> None:
    steps = outcomes(
        "docker pull -q python; docker pull -q node",
        "docker run -d -v data:/d busybox sh -c 'echo hello > /d/x; sleep 9'",
        "docker system df --format '{{json .}}'",
        "docker images --format '{{.Size}}'",
    )
    images, containers, volumes, _ = (json.loads(line) for line in steps[2].stdout.splitlines())
    assert (images["TotalCount"], images["Active"]) == ("3", "1")
    assert (containers["TotalCount"], containers["Active"]) == ("1", "1")
    assert (volumes["Size"], volumes["Reclaimable"]) == ("6B", "0B (0%)")


def test_pruning_containers_asks_first() -> None:
    steps = outcomes(
        "docker run --name one busybox sh -c 'echo x > /f'; docker run -d --name two busybox sleep 100",
        "docker container prune < /dev/null",
        "echo y | docker container prune",
        "docker ps -a --format '{{.Names}}'",
    )
    assert steps[1].stdout.startswith("WARNING! This will remove all stopped containers.\nAre you sure")
    assert steps[2].stdout.endswith("Total reclaimed space: 2B\n")
    assert steps[3].stdout == "two\n"


def test_an_image_shares_no_layer_with_what_its_build_went_through() -> None:
    steps = outcomes(
        r"printf 'FROM busybox\nRUN printf 12345 > /five\nRUN printf 1234567 > /seven\n' | docker build -t two -",
        "docker system df -v | grep two",
    )
    assert steps[1].stdout.split()[-3:] == ["4.281MB", "12B", "0"]
