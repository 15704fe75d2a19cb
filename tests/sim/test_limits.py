"""Limits of memory as a user meets them: `docker run -m …` and what the kernel does about it."""

import pytest

from tests.sim.shell_lines import played


@pytest.mark.parametrize(
    "line",
    [
        "docker run --name box -m 10m busybox tail /dev/zero",
        "docker run --name box -m 10m busybox sort /dev/zero",
        "docker run --name box -m 10m busybox sed s/a/b/ /dev/zero",
        "docker run --name box -m 10m busybox dd if=/dev/zero of=/dev/null bs=50M count=1",
        "docker run --name box -m 20m busybox dd if=/dev/zero of=/dev/shm/x bs=1M count=60",
        "docker run --name box -m 20m --tmpfs /t busybox dd if=/dev/zero of=/t/x bs=1M count=60",
        """docker run --name box -m 10m busybox sh -c 'x=$(dd if=/dev/zero bs=1M count=50 | tr "\\0" a)'""",
        "docker run --name box -m 10m busybox sh -c 'x=a; while true; do x=$x$x; done'",
    ],
)
def test_who_holds_more_than_the_limit_is_killed(line):
    results = played(line, "docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' box")
    assert results[0].exit == 137
    assert results[1].stdout == "true 137\n"


def test_what_is_given_back_counts_no_more():
    line = "docker run --rm -m 20m busybox sh -c '%s'"
    again = "for i in 1 2 3; do dd if=/dev/zero of=/dev/shm/x bs=1M count=12 2>/dev/null; rm /dev/shm/x; done; echo $?"
    values = 'for i in 1 2 3 4; do x=$(dd if=/dev/zero bs=1M count=5 2>/dev/null | tr "\\0" a); x=; done; echo $?'
    results = played(line % again, line % values)
    assert [result.stdout for result in results] == ["0\n", "0\n"]


def test_statistics_show_what_a_program_holds():
    start = "docker run -d --name box busybox sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=30; sleep 100'"
    results = played(start, "sleep 1", "docker stats --no-stream --format '{{.MemUsage}}' box")
    assert results[2].stdout.startswith("31.35MiB")


def test_the_machines_memory_is_the_last_limit():
    world = {"hosts": {"laptop": {"memory": "256MiB"}}}
    (result,) = played("docker run --rm busybox tail /dev/zero", world=world)
    assert result.exit == 137


def test_zeros_in_files_are_only_counted():
    results = played(
        "docker run --name box busybox dd if=/dev/zero of=/big bs=1M count=8000",
        "docker ps -s -a --format '{{.Size}}'",
    )
    assert results[0].stderr == "8000+0 records in\n8000+0 records out\n"
    assert results[1].stdout.startswith("8.39GB")


def test_a_full_disk_has_room_again_when_the_container_is_removed():
    write = "docker run --name box busybox dd if=/dev/zero of=/big bs=100M count=600"
    full, _, again = played(write, "docker rm box", write)
    assert full.exit == 1
    assert full.stderr == ("dd: error writing '/big': No space left on device\n574+0 records in\n573+0 records out\n")
    assert again.stderr == full.stderr
