"""A run killed at any instant: the next start leaves no bridge, veth, namespace, mount or rule of its own.

SIMDOCKER_KILLS=100 kills each of the two busy runs a hundred times.
"""

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
from simdocker.backends.linux.pools import claimed_pools
from simdocker.backends.ports import Endpoint, MountPoint, NetworkSpec, PublishedPort
from tests.linux import hosts
host = hosts.real(Path(sys.argv[1]) / "machine")
machine = host.machine
host.sandbox = lambda owner: machine.network.sandbox(owner, "private", None)
print(machine.journal.instance, flush=True)
pool = claimed_pools(machine.journal)[0]
address, gateway = (str(pool.network_address + number) for number in (2, 1))
port = PublishedPort("127.0.0.1", int(sys.argv[2]), 80, "tcp")
host.does(machine.volume.create("kept", {}))
host.does(machine.volume.create("outside", {"type": "none", "o": "bind", "device": sys.argv[1] + "/outside"}))
for number in range(1 << 30):
    network = NetworkSpec(f"{machine.journal.instance}{number:056x}", "n", "bridge", subnet=str(pool), gateway=gateway)
    host.does(machine.network.create(network))
    boxes = []
    for options in ({}, {"tty": True}):
        sources = [(host.does(machine.volume.mount(name, str(number))), name) for name in ("kept", "outside")]
        mounts = tuple(MountPoint("volume", source, f"/{name}") for source, name in sources)
        script = "echo half > /kept/scribble; echo half > /outside/scribble; sleep 99 & sleep 98"
        boxes.append(host.container("sh", "-c", script, mounts=mounts, **options))
    plug = Endpoint(boxes[0].id, network, boxes[0].id, address, pool.prefixlen, "02:42:0a:00:00:02", gateway)
    host.does(machine.network.join(plug, boxes[0].sandbox))
    machine.network.publish(boxes[0].sandbox, plug, port)
    for box in boxes:
        box.start()
    host.does(machine.runtime.pause(boxes[0].id))
    boxes[1].exec("true")
    host.rest(10_000_000)
    host.does(machine.runtime.resume(boxes[0].id))
    machine.network.unpublish(boxes[0].sandbox, port)
    host.does(machine.network.leave(plug, boxes[0].sandbox, ending=True))
    for box in boxes:
        box.remove()
        machine.network.release(box.sandbox)
    for name in ("kept", "outside"):
        machine.volume.unmount(name, str(number))
    host.does(machine.network.delete(network))
"""


def test_containers_of_a_killed_run_are_gone_the_paused_too_and_what_volumes_kept_is_not(tmp_path: Path) -> None:
    """The containers run and pause, on a bridge with a published port, with a volume of the engine's own and one that
    is a directory of the host, both with something in them from before."""
    data, run = tmp_path / "machine" / "data", tmp_path / "machine" / "run"
    kept = [data / "volumes/kept/_data", tmp_path / "outside"]
    for directory in kept:
        directory.mkdir(parents=True)
        (directory / "committed").write_text("whole\n")
    instants = random.Random(8)
    found, scribble = 0, kept[0] / "scribble"
    for number in range(KILLS):
        busy = subprocess.Popen(
            [sys.executable, "-c", CONTAINERS, tmp_path, str(32_000 + number)], stdout=subprocess.PIPE, text=True
        )
        assert busy.stdout is not None
        instance = busy.stdout.readline().strip()
        assert instance
        deadline = time.monotonic() + 60
        while number == 0 and not scribble.exists():  # one comes so far, however busy the machine
            assert time.monotonic() < deadline, "no container came so far as to write"
            time.sleep(0.01)
        time.sleep(instants.uniform(0, 0.8))
        busy.kill()
        busy.wait()
        busy.stdout.close()
        undone = remove_leftovers(run)
        assert undone.failures == []
        found += len(undone.entries)
        assert [path.name for path in run.iterdir()] == ["lock"]
        assert [path.name for path in data.iterdir()] == ["volumes"]
        assert [(directory / "committed").read_text() for directory in kept] == ["whole\n"] * 2
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        assert list(Path("/sys/fs/cgroup").rglob(f"simdocker/{instance}")) == []
        assert instance not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
        for _ in range(500):  # the fork server and spare cells end when they see that the engine has
            if not (left := processes_of(tmp_path, instance)):
                break
            time.sleep(0.01)
        assert left == []
        assert [name for name in links() if instance[:8] in name] == []
    assert found > 3 * KILLS, "the runs were killed before they had made anything"
    assert scribble.exists()


def processes_of(directory: Path, instance: str) -> list[str]:
    """Command lines of processes that are in a cgroup of the run, or have something of its mounted."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (process / "cgroup").read_text() + (process / "mountinfo").read_text()
            if f"simdocker/{instance}" in told or str(directory) in told:
                found.append((process / "cmdline").read_text())
    return found
