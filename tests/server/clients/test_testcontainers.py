"""testcontainers, on both backends: containers that a test starts, waits for and forgets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

containers = pytest.importorskip("testcontainers.core.container")
from testcontainers.core.config import testcontainers_config  # noqa: E402
from testcontainers.core.image import DockerImage  # noqa: E402
from testcontainers.core.network import Network  # noqa: E402
from testcontainers.core.wait_strategies import (  # noqa: E402
    CompositeWaitStrategy,
    ContainerStatusWaitStrategy,
    HealthcheckWaitStrategy,
    LogMessageWaitStrategy,
)
from testcontainers.core.waiting_utils import wait_for_logs  # noqa: E402

pytestmark = [pytest.mark.wide, pytest.mark.filterwarnings("ignore")]  # what the library itself calls deprecated
READY = ["sh", "-c", "sleep 0.3; echo ready to serve; while :; do sleep 0.1; done"]


@pytest.fixture(autouse=True)
def at_engine(engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DOCKER_HOST", engine)
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    yield


def test_a_container_lives_as_long_as_its_block() -> None:
    with containers.DockerContainer("busybox").with_command(READY).with_env("A", "b").with_name("tc") as box:
        wait_for_logs(box, "ready to serve", timeout=30)
        assert box.get_logs()[0] == b"ready to serve\n"
        result = box.exec(["sh", "-c", "echo $A; exit 3"])
        assert (result.exit_code, result.output) == (3, b"b\n")
        wrapped = box.get_wrapped_container()
        wrapped.reload()
        assert wrapped.status == "running" and wrapped.name == "tc"
        assert wrapped.labels["org.testcontainers"] == "true"
        client = box.get_docker_client().client
    assert client.containers.list(all=True) == []


def test_containers_are_waited_for_in_every_way() -> None:
    box = containers.DockerContainer("busybox").with_command(READY)
    with box.waiting_for(LogMessageWaitStrategy("ready").with_startup_timeout(30)):
        assert b"ready" in box.get_logs()[0]
    box = containers.DockerContainer("busybox").with_command(READY)
    both = CompositeWaitStrategy(ContainerStatusWaitStrategy(), LogMessageWaitStrategy("to serve"))
    with box.waiting_for(both.with_startup_timeout(30)):
        assert box.get_wrapped_container().id
    box = containers.DockerContainer("busybox", healthcheck={"test": ["CMD", "true"], "interval": 200_000_000})
    with box.with_command(READY).waiting_for(HealthcheckWaitStrategy().with_startup_timeout(30)):
        box.get_wrapped_container().reload()
        assert box.get_wrapped_container().attrs["State"]["Health"]["Status"] == "healthy"


def test_ports_volumes_and_files_are_given(tmp_path: Any) -> None:
    box = containers.DockerContainer("busybox").with_command(READY).with_exposed_ports(80, "53/udp")
    box = box.with_volume_mapping("tcdata", "/data", "rw").with_kwargs(mem_limit="64m", working_dir="/tmp")
    with box:
        assert int(box.get_exposed_port(80)) > 0
        assert box.exec("touch /data/x").exit_code == 0 and box.exec("pwd").output == b"/tmp\n"
        box.get_wrapped_container().reload()
        assert set(box.get_wrapped_container().ports) == {"80/tcp", "53/udp"}
        assert box.get_container_host_ip()
    with containers.DockerContainer("busybox").with_command(READY).with_bind_ports(80, 18123) as bound:
        assert int(bound.get_exposed_port(80)) == 18123


def test_containers_find_each_other_in_a_network() -> None:
    with Network() as network:
        one = containers.DockerContainer("busybox").with_command(READY).with_network(network)
        two = containers.DockerContainer("busybox").with_command(READY).with_network(network)
        with one.with_network_aliases("one"), two.with_network_aliases("two"):
            assert one.exec("ping -c 1 -w 5 two").exit_code == 0
            assert two.exec("ping -c 1 -w 5 one").exit_code == 0


def test_an_image_is_built_for_a_test(tmp_path: Any) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG V\nRUN echo $V > /v\nCMD cat /v\n")
    image = DockerImage(path=str(tmp_path), tag="tc:1", buildargs={"V": "built"})
    with image, containers.DockerContainer(str(image)) as box:
        box.get_wrapped_container().wait()
        assert box.get_logs()[0] == b"built\n"
