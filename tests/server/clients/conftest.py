"""`engine` is where a client finds one: a simulated world, then this machine's kernel (as root), each empty but for
busybox and alpine. SIMDOCKER_TEST_DOCKER_HOST=unix://… holds the same tests against a real engine of that socket."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker.backends.linux import doctor
from tests.server.serving import ONE_HOST, served_world
from tests.server.wire import Wire

REAL = os.environ.get("SIMDOCKER_TEST_DOCKER_HOST", "")
ALONE = 'busybox ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"'
PATIENCE = 60  # seconds
ENGINES = ["real"] if REAL else ["sim", pytest.param("linux", marks=[pytest.mark.root, pytest.mark.busybox])]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "real":
        yield REAL
        return
    directory = tmp_path_factory.mktemp("served")
    if request.param == "sim":
        with served_world(ONE_HOST, directory) as served:
            yield from _stocked(served.path)
        return
    lacks = [finding.name for finding in doctor.examine() if finding.needed and not finding.works]
    lacks += [name for name in ("unshare", "busybox") if not shutil.which(name)]
    if lacks:
        pytest.skip(f"needs {', '.join(lacks)}")
    path = directory / "docker.sock"
    serve = [sys.executable, "-m", "simdocker", "serve", "--quiet", "--backend", "linux", "--socket", str(path)]
    own = ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", ALONE, "sh"]
    with subprocess.Popen([*own, *serve], stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None and b"listens" in server.stdout.readline()
            yield from _stocked(path)
        finally:
            server.terminate()
            server.wait(PATIENCE)


def _stocked(path: Path) -> Iterator[str]:
    for image in ("busybox", "alpine"):
        assert Wire(path).ask("POST", f"/images/create?fromImage={image}&tag=latest").status == 200
    yield f"unix://{path}"


@pytest.fixture
def wire(engine: str) -> Wire:
    return Wire(engine.removeprefix("unix://"))


@pytest.fixture(autouse=True)
def tidy(wire: Wire) -> Iterator[None]:
    """What a test made goes with it."""
    yield
    gc.collect()
    for container in wire.ask("GET", "/containers/json?all=1").json:
        wire.ask("DELETE", f"/containers/{container['Id']}?force=1&v=1")
    wire.ask("POST", "/networks/prune")
    for volume in wire.ask("GET", "/volumes").json["Volumes"] or ():
        wire.ask("DELETE", f"/volumes/{volume['Name']}?force=1")
    for image in wire.ask("GET", "/images/json").json:
        kept = {"busybox:latest", "alpine:latest"} & set(image["RepoTags"] or ())
        for tag in set(image["RepoTags"] or ()) - {"busybox:latest", "alpine:latest", "<none>:<none>"}:
            wire.ask("DELETE", f"/images/{tag}?force=1")
        if not kept:
            wire.ask("DELETE", f"/images/{image['Id']}?force=1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """docker-py leaves sockets of streams that were not read to their end to the collector. What is the same daemon on
    either backend is played on one of them, unless SIMDOCKER_TEST_WIDE=1 asks for both."""
    if not os.environ.get("SIMDOCKER_TEST_WIDE"):
        left = [item for item in items if item.get_closest_marker("wide") and "[linux]" in item.name]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


def until(condition, what: str = "it") -> None:  # type: ignore[no-untyped-def]
    """Wait for something that must happen soon."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} does not happen"
        time.sleep(0.02)
