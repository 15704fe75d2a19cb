"""A run killed at any instant: the next start leaves no bridge, veth, namespace, mount or rule of its own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from simdocker.backends.linux.cleanup import remove_leftovers
from tests.linux.lab import links

pytestmark = [pytest.mark.root, pytest.mark.busybox]

KILLS = int(os.environ.get("SIMDOCKER_KILLS", "5"))
BUSY = """
import sys
from pathlib import Path
from simdocker.backends.ports import PublishedPort
from tests.linux.lab import Lab
lab = Lab(Path(sys.argv[1]))
print(lab.journal.instance, flush=True)
while True:
    networks = [lab.created(0), lab.created(1, internal=True), lab.created(2, driver="macvlan")]
    boxes = [lab.container(network, 2, lambda name: []) for network in networks]
    port = PublishedPort("127.0.0.1", int(sys.argv[2]), 80, "tcp")
    lab.driver.publish(*boxes[0], port)
    lab.driver.unpublish(boxes[0][0], port)
    for sandbox, endpoint in boxes:
        lab.run(lab.driver.leave(endpoint, sandbox, ending=True))
        lab.driver.release(sandbox)
    for network in networks:
        lab.run(lab.driver.delete(network))
"""


def test_a_run_killed_at_any_instant_leaves_nothing_after_the_next_start(tmp_path: Path) -> None:
    instants = random.Random(7)
    found = 0
    for number in range(KILLS):
        busy = subprocess.Popen(
            [sys.executable, "-c", BUSY, tmp_path, str(30_000 + number)], stdout=subprocess.PIPE, text=True
        )
        assert busy.stdout is not None
        instance = busy.stdout.readline().strip()
        time.sleep(instants.uniform(0, 0.4))
        busy.kill()
        busy.wait()
        busy.stdout.close()
        undone = remove_leftovers(tmp_path)
        assert undone.failures == []
        found += len(undone.entries)
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        assert [name for name in links() if instance[:8] in name] == []
        assert instance not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    assert found > KILLS, "the runs were killed before they had made anything"


CONTAINERS = """
import sys
from pathlib import Path
from tests.linux import hosts
host = hosts.real(Path(sys.argv[1]))
host.sandbox = lambda owner: host.machine.network.sandbox(owner, "private", None)
print(host.machine.journal.instance, flush=True)
while True:
    boxes = [host.container("sh", "-c", "sleep 99 & sleep 98", **options).start() for options in ({}, {"tty": True})]
    host.does(host.machine.runtime.pause(boxes[0].id))
    boxes[1].exec("true")
    host.rest(10_000_000)
    host.does(host.machine.runtime.resume(boxes[0].id))
    for box in boxes:
        box.remove()
        host.machine.network.release(box.sandbox)
"""


def test_containers_of_a_killed_run_are_gone_the_paused_too(tmp_path: Path) -> None:
    instants = random.Random(8)
    for _ in range(KILLS):
        busy = subprocess.Popen([sys.executable, "-c", CONTAINERS, tmp_path], stdout=subprocess.PIPE, text=True)
        assert busy.stdout is not None
        instance = busy.stdout.readline().strip()
        assert instance
        time.sleep(instants.uniform(0, 0.5))
        busy.kill()
        busy.wait()
        busy.stdout.close()
        undone = remove_leftovers(tmp_path / "run")
        assert undone.failures == []
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]
        assert list((tmp_path / "data").iterdir()) == []
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        assert list(Path("/sys/fs/cgroup").rglob(f"simdocker/{instance}")) == []
        for _ in range(500):  # the fork server and spare cells end when they see that the engine has
            if not (left := processes_of(tmp_path, instance)):
                break
            time.sleep(0.01)
        assert left == []


def processes_of(directory: Path, instance: str) -> list[str]:
    """Command lines of processes that are in a cgroup of the run, or have something of its mounted."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (process / "cgroup").read_text() + (process / "mountinfo").read_text()
            if f"simdocker/{instance}" in told or str(directory) in told:
                found.append((process / "cmdline").read_text())
    return found
