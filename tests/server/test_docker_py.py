"""docker-py at the simulated daemon: every object it knows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.serving import Served

docker = pytest.importorskip("docker")


@pytest.fixture
def client(served: Served) -> Iterator[docker.DockerClient]:
    found = docker.DockerClient(base_url=served.url)
    yield found
    found.close()


def test_containers_run_log_exec_and_go(client: docker.DockerClient) -> None:
    client.images.pull("busybox", tag="latest")
    assert client.containers.run("busybox", "echo hi", remove=True) == b"hi\n"
    container = client.containers.run("busybox", ["sh", "-c", "echo a; sleep 100000"], detach=True, name="web")
    assert container.status in ("created", "running")
    assert container.logs() == b"a\n"
    assert container.exec_run("sh -c 'echo inside; exit 5'") == (5, b"inside\n")
    assert [found.name for found in client.containers.list()] == ["web"]
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 137
    container.remove()
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("web")


def test_images_are_pulled_tagged_and_removed(client: docker.DockerClient) -> None:
    image = client.images.pull("alpine", tag="latest")
    assert "alpine:latest" in image.tags
    assert image.tag("mine", tag="1")
    assert client.images.get("mine:1").id == image.id
    client.images.remove("mine:1")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("mine:1")
    assert image.history()


def test_networks_and_volumes_live_as_objects(client: docker.DockerClient) -> None:
    network = client.networks.create("lab", driver="bridge")
    volume = client.volumes.create("data", labels={"a": "b"})
    client.images.pull("busybox", tag="latest")
    container = client.containers.run(
        "busybox", "sleep 100000", detach=True, network="lab", volumes={"data": {"bind": "/data", "mode": "rw"}}
    )
    network.reload()
    assert [found.id for found in network.containers] == [container.id]
    assert volume.attrs["Labels"] == {"a": "b"}
    container.remove(force=True)
    network.remove()
    volume.remove()
    assert client.volumes.list() == []


def test_the_daemon_says_who_it_is_and_what_happened(client: docker.DockerClient) -> None:
    assert client.ping()
    assert client.version()["ApiVersion"] == "1.41"
    assert client.info()["ServerVersion"].startswith("20.10")
    assert client.df()["Volumes"] is not None
    for event in client.events(decode=True, since=0, until=1):
        assert event["Type"]
