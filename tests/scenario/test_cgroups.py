"""A container's limits as files: the control groups are of version 1, as `docker info` says.

What is asserted here was seen with Docker Engine 20.10.24.
"""

from __future__ import annotations

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play

START = "docker run -d --name box -m 32m --cpus 0.5 --pids-limit 20 busybox sleep 1000"
FILES = "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max"


def outputs(*lines: str) -> list[str]:
    run = play(Scenario.of({"title": "cgroups", "steps": [{"run": line} for line in lines]}))
    return [step.stdout for step in run.steps]


def test_limits_are_files_in_the_container() -> None:
    limited, unlimited = outputs(START, f"docker exec box sh -c '{FILES}'", f"docker run busybox sh -c '{FILES}'")[1:]
    assert limited == "33554432\n50000\n20\n"
    assert unlimited == "9223372036854771712\n-1\nmax\n"


def test_the_host_finds_a_containers_cgroup_by_its_id() -> None:
    found = outputs(START,
                    "id=$(docker ps -q --no-trunc); cd /sys/fs/cgroup/memory/docker/$id && cat memory.limit_in_bytes",
                    "docker update -m 64m --memory-swap 64m box; cat memory.limit_in_bytes",
                    "[ $(cat cgroup.procs) = $(docker inspect -f '{{.State.Pid}}' box) ] && echo the same",
                    "docker exec box grep -c /docker/$id /proc/1/cgroup",
                    "docker info --format '{{.CgroupVersion}} {{.CgroupDriver}}'")  # fmt: skip
    assert found[1:] == ["33554432\n", "box\n67108864\n", "the same\n", "10\n", "1 cgroupfs\n"]


def test_the_trace_names_the_files_that_are_written() -> None:
    steps = [{"run": START}, {"run": "docker update --pids-limit 30 box"}]
    trace = play(Scenario.of({"title": "cgroups", "steps": steps})).world.trace
    written = [(record.what, (record.attrs or {})["value"]) for record in trace if record.what.startswith("cgroup ")]
    assert written == [("cgroup memory.limit_in_bytes", 33554432), ("cgroup cpu.cfs_quota_us", 50000),
                       ("cgroup pids.max", 20), ("cgroup pids.max", 30)]  # fmt: skip


def test_the_files_of_a_cgroup_tell_of_an_update() -> None:
    file = "/sys/fs/cgroup/memory/memory.soft_limit_in_bytes"
    start = "docker run -d --name box busybox sleep 1000"
    read, update = f"docker exec box cat {file}", "docker update --memory-reservation 50m box"
    _, before, _, after = outputs(start, read, update, read)
    assert (before, after) == ("9223372036854771712\n", "52428800\n")
