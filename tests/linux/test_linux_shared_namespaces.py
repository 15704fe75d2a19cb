"""Namespaces that a container has with another, or with the host: `--pid container:X`, `--ipc`, `--uts host`."""

import os
from pathlib import Path

import pytest

from simdocker.backends.ports import DriverError


@pytest.fixture
def other(linux):
    box = linux.container("sh", "-c", "echo mine > /dev/shm/note; echo ready; exec sleep 1000").start()
    box.until("ready")
    yield box
    box.remove()


def test_processes_of_another_container_are_seen_and_signalled(linux, other):
    code, out, _ = linux.run(
        "sh", "-c", "cat /proc/1/comm; kill -0 1 && echo reached; echo $$", shared={"pid": other.id}
    )
    assert code == 0
    name, reached, pid = out.split()
    assert (name, reached) == ("sleep", "reached")
    assert int(pid) > 1
    assert other.exec("true") == (0, ""), "it goes on when the one that joined has ended"


def test_shared_memory_of_another_container_is_the_same(linux, other):
    assert linux.run("cat", "/dev/shm/note", shared={"ipc": other.id}) == (0, "mine\n", "")
    assert linux.run("cat", "/dev/shm/note")[0] == 1, "everybody else has their own"
    inside = other.exec("readlink", "/proc/self/ns/ipc")[1]
    assert linux.run("readlink", "/proc/self/ns/ipc", shared={"ipc": other.id})[1] == inside


def test_the_hosts_own_are_left_as_they_are(linux):
    script = "for n in pid ipc uts; do readlink /proc/self/ns/$n; done; hostname"
    code, out, _ = linux.run("sh", "-c", script, shared={"pid": "", "ipc": "", "uts": ""}, hostname="ignored")
    assert code == 0
    host = [str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("pid", "ipc", "uts")]
    assert out.splitlines() == [*host, os.uname().nodename]
    device = Path("/dev/shm").stat().st_dev
    assert linux.run("stat", "-c", "%d", "/dev/shm", shared={"ipc": ""})[1] == f"{device}\n"


def test_a_container_that_does_not_run_cannot_be_joined(linux):
    with pytest.raises(DriverError, match="cannot join PID of a non running container: gone"):
        linux.run("true", shared={"pid": "gone"})
