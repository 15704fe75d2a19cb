"""A host's processors are shared by what computes on it."""

import pytest

from tests.sim.shell_lines import played

SPIN = "sh -c 'while true; do :; done'"
SHARES = "docker stats --no-stream --format '{{.Name}} {{.CPUPerc}}'"


def shares(*options, cpus=1):
    """What `docker stats` shows of containers that compute for ever, one for each of the options."""
    starts = [f"docker run -d --name box{n} {option} busybox {SPIN}" for n, option in enumerate(options)]
    world = {"hosts": {"laptop": {"cpus": cpus}}}
    rows = played(*starts, "sleep 2", SHARES, world=world)[-1].stdout.splitlines()
    return [round(float(row.split()[1].rstrip("%"))) for row in sorted(rows)]


@pytest.mark.parametrize(
    "options, cpus, expected",
    [
        (("", ""), 1, [50, 50]),
        (("", ""), 2, [100, 100]),
        (("", "", "", ""), 2, [50, 50, 50, 50]),
        (("--cpus 0.25", ""), 1, [25, 75]),
        (("--cpus 0.25", ""), 2, [25, 100]),
        (("--cpu-shares 512", "--cpu-shares 1024"), 1, [33, 67]),
        (("--cpuset-cpus 0", "--cpuset-cpus 0"), 2, [50, 50]),
        (("--cpuset-cpus 0", "--cpuset-cpus 0", ""), 2, [50, 50, 100]),
    ],
)
def test_busy_containers_share_the_machine(options, cpus, expected):
    assert shares(*options, cpus=cpus) == expected


def test_a_containers_processes_share_its_quota():
    line = "docker run --name box --cpus 1.5 -d busybox sh -c 'for i in 1 2 3; do while :; do :; done & done; wait'"
    results = played(line, "sleep 1", SHARES, world={"hosts": {"laptop": {"cpus": 4}}})
    assert round(float(results[-1].stdout.split()[1].rstrip("%"))) == 150


def test_more_processors_are_had_at_once_after_an_update():
    results = played(f"docker run -d --name box --cpus 0.1 busybox {SPIN}", "docker update --cpus 0.5 box", SHARES)
    assert round(float(results[-1].stdout.split()[1].rstrip("%"))) == 50


def test_who_is_killed_leaves_its_share_to_the_others():
    world = {"hosts": {"laptop": {"cpus": 1}}}
    starts = [f"docker run -d --name box{n} busybox {SPIN}" for n in (1, 2)]
    results = played(*starts, "sleep 1", "docker kill box1", SHARES, world=world)
    assert round(float(results[-1].stdout.split()[1].rstrip("%"))) == 100


@pytest.mark.parametrize(
    "image, command",
    [("busybox", "sh -c 'while :; do true; done'"), ("busybox", "awk 'BEGIN{while(1);}'"),
     ("python", "python -c 'while True: pass'")],
)  # fmt: skip
def test_a_loop_that_does_nothing_costs_little_and_can_be_killed(image, command):
    results = played(f"docker pull -q {image}", f"docker run -d --name box {image} {command}", "sleep 60",
                     "docker kill box",
                     "docker inspect -f '{{.State.ExitCode}}' box")  # fmt: skip
    assert results[-1].stdout == "137\n"
