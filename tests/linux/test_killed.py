"""A run killed at any instant: the next start leaves no bridge, veth, namespace, mount or rule of its own."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simdocker.backends.linux.cleanup import remove_leftovers
from tests.linux.lab import links

pytestmark = [pytest.mark.root, pytest.mark.busybox]

KILLS = 5
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
