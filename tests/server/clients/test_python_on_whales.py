"""python-on-whales, which calls the real command line, on both backends."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

whales = pytest.importorskip("python_on_whales")
pytestmark = [pytest.mark.wide, pytest.mark.filterwarnings("ignore")]  # what the library itself calls deprecated


@pytest.fixture
def docker(engine: str) -> Any:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    return whales.DockerClient(host=engine)


def test_containers_are_run_read_and_removed(docker: Any, tmp_path: Any) -> None:
    assert docker.run("busybox", ["echo", "hello"], remove=True) == "hello"
    box = docker.run(
        "busybox", ["sh", "-c", "echo up; sleep 1000"], detach=True, name="whale", envs={"A": "b"}, labels={"x": "y"}
    )
    assert box.state.running and box.name == "whale" and box.config.labels == {"x": "y"}
    assert box.execute(["sh", "-c", "echo $A"]) == "b"
    assert docker.container.list(filters={"name": "whale"}) == [box]
    (tmp_path / "f").write_text("copied")
    docker.copy(tmp_path / "f", (box, "/tmp/f"))
    assert box.execute(["cat", "/tmp/f"]) == "copied"
    docker.copy((box, "/tmp/f"), tmp_path / "g")
    assert (tmp_path / "g").read_text() == "copied"
    assert "up" in box.logs()
    box.pause()
    assert docker.container.inspect("whale").state.paused
    box.unpause()
    box.stop(time=0)
    assert docker.wait(box) == 137
    box.remove()
    assert not docker.container.exists("whale")
    with pytest.raises(whales.exceptions.NoSuchContainer):
        docker.container.inspect("whale")


def test_images_networks_and_volumes(docker: Any, tmp_path: Any) -> None:
    with pytest.raises(whales.exceptions.NoSuchImage):
        docker.image.inspect("nothing-here")
    docker.image.tag("busybox", "mine:1")
    assert docker.image.exists("mine:1")
    docker.image.save("mine:1", output=tmp_path / "mine.tar")
    docker.image.remove("mine:1")
    assert docker.image.load(tmp_path / "mine.tar") == ["mine:1"]
    volume = docker.volume.create("wv", labels={"a": "b"})
    network = docker.network.create("wn")
    box = docker.run("busybox", ["sleep", "1000"], detach=True, volumes=[(volume, "/v")], networks=[network])
    assert network.containers[box.id]
    assert docker.volume.list(filters={"label": "a"}) == [volume]
    with pytest.raises(whales.exceptions.DockerException):
        volume.remove()
    box.remove(force=True)
    network.remove(), volume.remove()
    assert docker.system.info().server_version and docker.version().server
