"""Real containers and registries: one that is really there, and the world's own at a port."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenario.test_linux_play import _able, alone, real  # noqa: F401 - _able skips where a play cannot be

pytestmark = real
NAME = "registry.lab:5000"
WITH_A_REGISTRY = """
import subprocess, sys
from pathlib import Path
from tests.registry.real import docker_registry
with docker_registry(Path(sys.argv[1])) as address:
    scenario = Path(sys.argv[1], "s.yaml")
    scenario.write_text(scenario.read_text().replace("ADDRESS", address))
    command = [sys.executable, "-m", "simdocker", "run", "--backend", "linux", "--json", scenario]
    sys.exit(subprocess.run(command).returncode)
"""
SCENARIO = f"""
title: A real registry
world: {{registries: {{docker.io: {{}}, '{NAME}': {{url: 'http://ADDRESS'}}}}}}
steps:
  - run: docker run --name made busybox sh -c 'echo kept > /note' && docker commit made {NAME}/team/app:1
  - run: docker push {NAME}/team/app:1
    expect: {{exit: 0, stdout: {{contains: [": Pushed", "1: digest: sha256:"]}}}}
  - run: docker rm made && docker rmi {NAME}/team/app:1 busybox
    expect: {{exit: 0}}
  - run: docker run --rm {NAME}/team/app:1 cat /note
    expect: {{exit: 0, stdout: "kept\\n"}}
"""


def test_real_containers_images_go_to_a_real_registry_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    done = subprocess.run(
        alone(sys.executable, "-c", WITH_A_REGISTRY, str(tmp_path)), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["passed"]


SERVED = """
import subprocess, sys
from pathlib import Path
from tests.server.serve_command import serve
with serve(Path(sys.argv[1]), "--backend", "linux", "--speed", "1") as front:
    made = f"{front.registry}/my/app:1"
    steps = (
        ("run", "--name", "made", "busybox", "sh", "-c", "echo kept > /note"),
        ("commit", "made", made),
        ("push", made),
        ("rm", "made"),
        ("rmi", made),
    )
    for step in steps:
        done = front.docker(*step)
        assert done.returncode == 0, (step, done.stderr)
    copy = ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
    subprocess.run([*copy, f"docker://{made}", f"docker://{front.registry}/my/copy:1"], check=True)
    done = front.docker("run", "--rm", f"{front.registry}/my/copy:1", "cat", "/note")
    assert (done.returncode, done.stdout) == (0, "kept\\n"), done.stderr
"""


def test_what_real_containers_push_to_the_worlds_registry_real_clients_read(tmp_path: Path) -> None:
    from shutil import which

    if not (which("docker") and which("skopeo")):
        pytest.skip("needs the docker command line and skopeo")
    done = subprocess.run(
        alone(sys.executable, "-c", SERVED, str(tmp_path)), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
