"""docker-py's networks, volumes, events and the engine in depth, on both backends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.clients.conftest import until

docker = pytest.importorskip("docker")
pytestmark = pytest.mark.wide
types = docker.types


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


def refusal(call: Any, *arguments: Any, **asked: Any) -> tuple[int, str]:
    with pytest.raises(docker.errors.APIError) as refused:
        call(*arguments, **asked)
    return refused.value.status_code, refused.value.explanation


def pools(*each: dict[str, Any]) -> Any:
    return types.IPAMConfig(pool_configs=[types.IPAMPool(**one) for one in each])


# -- networks ---------------------------------------------------------------------------------------


def test_a_network_is_made_as_asked_or_refused(client: Any) -> None:
    made = client.networks.create("plain")
    assert made.attrs["Driver"] == "bridge" and made.attrs["Scope"] == "local" and not made.attrs["EnableIPv6"]
    assert made.attrs["IPAM"]["Config"][0]["Subnet"] and made.attrs["Options"] == {} and made.attrs["Labels"] == {}
    for asked, status, words in (
        ({"name": "bridge"}, 403, "operation is not permitted on predefined bridge network"),
        ({"name": "xx", "driver": "nothing"}, (404, 400), "nothing"),
        ({"name": "xx", "ipam": pools({"subnet": "nonsense"})}, (400, 500), "nonsense"),
        ({"name": "xx", "ipam": pools({"subnet": "10.9.0.0/24", "gateway": "10.8.0.1"})}, (400, 403, 500), "ateway"),
        ({"name": "xx", "driver": "host"}, 403, "only one instance of"),
        ({"name": "xx", "driver": "null"}, 403, "only one instance of"),
        ({"name": ""}, (400, 500), ""),
    ):
        found, told = refusal(client.networks.create, **asked)
        assert found == status or found in (status if isinstance(status, tuple) else ()), (asked, found, told)
        assert words in told, (asked, told)
    assert refusal(client.networks.get, "nobody")[0] == 404
    assert refusal(client.api.inspect_network, "plain", scope="swarm")[0] == 404
    assert client.api.inspect_network("plain", verbose=True)["Name"] == "plain"
    assert client.api.inspect_network(made.id[:8])["Id"] == made.id


def test_networks_are_filtered(client: Any) -> None:
    made = client.networks.create("lab-one", labels={"a": "b"}, driver="bridge")
    other = client.networks.create("lab-two", internal=True)

    def listed(**asked: Any) -> set[str]:
        return {found.name for found in client.networks.list(**asked)}

    assert listed() >= {"bridge", "host", "none", "lab-one", "lab-two"}
    assert listed(names=["lab"]) == {"lab-one", "lab-two"} and listed(ids=[made.id]) == {"lab-one"}
    assert listed(filters={"driver": "bridge"}) >= {"bridge", "lab-one", "lab-two"}
    assert listed(filters={"type": "custom"}) == {"lab-one", "lab-two"}
    assert listed(filters={"type": "builtin"}) == {"bridge", "host", "none"}
    assert listed(filters={"scope": "swarm"}) == set() and listed(filters={"label": "a"}) == {"lab-one"}
    assert listed(filters={"dangling": "true"}) == {"lab-one", "lab-two"}
    assert [found.name for found in client.networks.list(greedy=True, names=["lab-two"])] == ["lab-two"]
    assert refusal(client.networks.list, filters={"nonsense": "1"})[0] == 400
    assert client.networks.prune(filters={"label": "a=b"})["NetworksDeleted"] == ["lab-one"]
    assert client.networks.prune(filters={"until": "1h"})["NetworksDeleted"] is None
    other.remove()
    assert refusal(other.remove)[0] == 404


def test_a_container_is_connected_with_names_links_and_addresses(client: Any) -> None:
    network = client.networks.create("lab", ipam=pools({"subnet": "10.77.0.0/24", "gateway": "10.77.0.254"}))
    db = client.containers.run("busybox", "sleep 1000", detach=True, name="db", network="lab")
    box = client.containers.create("busybox", "sleep 1000", name="box")
    network.connect(box, ipv4_address="10.77.0.9", aliases=["www", "web"], links=[("db", "store")])
    box.reload()
    before = box.attrs["NetworkSettings"]["Networks"]["lab"]
    assert before["IPAMConfig"] == {"IPv4Address": "10.77.0.9"} and before["Links"] == ["db:store"]
    box.start()
    box.reload()
    found = box.attrs["NetworkSettings"]["Networks"]
    assert set(found) == {"bridge", "lab"} and found["lab"]["IPAddress"] == "10.77.0.9"
    assert found["lab"]["Gateway"] == "10.77.0.254" and found["lab"]["NetworkID"] == network.id
    assert {"www", "web"} <= set(found["lab"]["Aliases"]) and found["lab"]["IPPrefixLen"] == 24
    assert box.exec_run("ping -c 1 -w 5 store").exit_code == 0
    assert db.exec_run("ping -c 1 -w 5 web").exit_code == 0
    assert b"10.77.0.9" in box.exec_run("ip -4 addr show").output
    network.reload()
    assert network.attrs["Containers"][box.id]["IPv4Address"] == "10.77.0.9/24"
    assert network.attrs["Containers"][box.id]["Name"] == "box"
    status, words = refusal(network.connect, box)
    assert status == 403 and "already exists in network lab" in words
    status, words = refusal(network.connect, client.containers.run("busybox", "sleep 1000", detach=True),
                            ipv4_address="10.77.0.9")  # fmt: skip
    assert status == 403 and "Address already in use" in words
    status, words = refusal(network.connect, db, ipv4_address="10.1.1.1")
    assert status in (403, 500)
    assert refusal(network.connect, "nobody")[0] == 404
    network.disconnect(box, force=True)
    assert box.exec_run("ping -c 1 -w 1 store").exit_code != 0
    status, words = refusal(network.disconnect, box)
    assert status in (403, 500) and "is not connected to" in words
    status, words = refusal(network.remove)
    assert status == 403 and "has active endpoints" in words
    db.stop(timeout=0)
    network.remove() if not network.containers else None


def test_what_bridges_cannot_do_is_refused(client: Any) -> None:
    box = client.containers.run("busybox", "sleep 1000", detach=True)
    status, words = refusal(client.networks.get("host").connect, box)
    assert status in (400, 403) and "ontainer cannot be" in words
    lab = client.networks.create("auto")
    status, words = refusal(lab.connect, box, ipv4_address="172.30.0.9")
    assert status == 400 and "user configured subnets" in words
    late = client.containers.create("busybox", "true", network_mode="container:nobody")
    status, words = refusal(late.start)
    assert status in (404, 409) and "nobody" in words


def test_an_internal_network_leads_nowhere(client: Any) -> None:
    network = client.networks.create("inside", internal=True)
    box = client.containers.run("busybox", "sleep 1000", detach=True, network="inside", name="one")
    client.containers.run("busybox", "sleep 1000", detach=True, network="inside", name="two")
    assert box.exec_run("ping -c 1 -w 5 two").exit_code == 0
    network.reload()
    assert {found.name for found in network.containers} == {"one", "two"} and network.attrs["Internal"]


def test_a_container_is_created_in_networks_by_configuration(client: Any) -> None:
    client.networks.create("lab", ipam=pools({"subnet": "10.76.0.0/24"}))
    api = client.api
    config = api.create_networking_config({"lab": api.create_endpoint_config(ipv4_address="10.76.0.5", aliases=["a"])})
    made = api.create_container(
        "busybox", "sleep 1000", networking_config=config, host_config=api.create_host_config(network_mode="lab")
    )
    api.start(made)
    assert api.inspect_container(made)["NetworkSettings"]["Networks"]["lab"]["IPAddress"] == "10.76.0.5"
    box = client.containers.run("busybox", "sleep 1000", detach=True, network="lab",
                                networking_config={"lab": api.create_endpoint_config(aliases=["b"])})  # fmt: skip
    assert "b" in box.attrs["NetworkSettings"]["Networks"]["lab"]["Aliases"] or box.reload() is None
    assert client.containers.get(made["Id"]).exec_run("ping -c 1 -w 5 b").exit_code == 0
    api.stop(made, timeout=0)
    shown = api.inspect_container(made)["NetworkSettings"]["Networks"]["lab"]
    assert shown["IPAddress"] == "" and shown["IPAMConfig"] == {"IPv4Address": "10.76.0.5"}
    api.start(made)
    assert api.inspect_container(made)["NetworkSettings"]["Networks"]["lab"]["IPAddress"] == "10.76.0.5"


# -- volumes ----------------------------------------------------------------------------------------


def test_volumes_keep_their_driver_options(client: Any) -> None:
    made = client.volumes.create(
        "mem", driver="local", driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}, labels={"a": "b"}
    )
    assert made.attrs["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    out = client.containers.run("busybox", "grep /m /proc/mounts", volumes=["mem:/m"], remove=True).decode()
    assert "tmpfs" in out and "size=1024k" in out
    assert client.volumes.create("plain").attrs["Options"] in (None, {})
    status, words = refusal(client.volumes.create, "bad", driver_opts={"nonsense": "1"})
    assert status == 400 and "nonsense" in words
    assert refusal(client.volumes.get, "nobody")[0] == 404


def test_volumes_are_filtered_and_pruned(client: Any) -> None:
    for name, labels in (("va", {"x": "1"}), ("vb", {}), ("used", {"x": "2"})):
        client.volumes.create(name, labels=labels)
    box = client.containers.create("busybox", "true", volumes=["used:/u"])

    def listed(**filters: Any) -> set[str]:
        return {found.name for found in client.volumes.list(filters=filters)}

    assert listed() == {"va", "vb", "used"} and listed(dangling="true") == {"va", "vb"}
    assert (
        listed(dangling="false") == {"used"} and listed(label="x") == {"va", "used"} and listed(label="x=1") == {"va"}
    )
    assert listed(driver="local") == {"va", "vb", "used"} and listed(name="v") == {"va", "vb"}
    assert refusal(client.volumes.list, filters={"nonsense": "1"})[0] == 400
    status, words = refusal(client.volumes.get("used").remove)
    assert status == 409 and "volume is in use" in words and box.id in words
    assert client.volumes.prune(filters={"label": "x=1"})["VolumesDeleted"] == ["va"]
    assert client.volumes.prune(filters={"label!": "x"})["VolumesDeleted"] == ["vb"]
    box.remove()
    assert client.volumes.list() and client.volumes.get("used").remove() is None
    assert refusal(client.api.remove_volume, "used")[0] == 404
    assert refusal(client.volumes.prune, filters={"nonsense": "1"})[0] == 400


# -- events and the engine --------------------------------------------------------------------------


def test_events_are_heard_in_a_thread_until_closed(client: Any, engine: str) -> None:
    heard: list[dict[str, Any]] = []
    other = docker.DockerClient(base_url=engine)
    told = other.events(decode=True, filters={"event": ["create", "die", "destroy"], "label": "watched"})

    def listen() -> None:
        for event in told:
            heard.append(event)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    time.sleep(0.2)
    client.containers.run("busybox", "sh -c 'exit 3'", remove=False, detach=True, labels={"no": "1"}).wait()
    box = client.containers.run("busybox", "sh -c 'exit 3'", detach=True, labels={"watched": "yes"}, name="seen")
    box.wait()
    box.remove()
    until(lambda: any(event["Action"] == "destroy" for event in heard))
    told.close()
    thread.join(20)
    assert [event["Action"] for event in heard] == ["create", "die", "destroy"]
    attributes = heard[1]["Actor"]["Attributes"]
    assert attributes["exitCode"] == "3" and attributes["watched"] == "yes" and attributes["image"] == "busybox"
    assert attributes["name"] == "seen"
    other.close()


def test_raw_events_and_filters_of_every_kind(client: Any) -> None:
    client.volumes.create("vol")
    client.networks.create("net")
    box = client.containers.run("busybox", "true", detach=True, name="ev")
    box.wait()

    def first(**filters: Any) -> tuple[str, str]:
        told = client.events(decode=True, since=0, filters=filters)
        event = next(told)
        told.close()
        return event["Type"], event["Action"]

    assert first(container="ev") == first(container=box.id) == ("container", "create")
    assert first(event="start", container="ev") == ("container", "start")
    assert first(volume="vol") == ("volume", "create") and first(network="net", event="create") == ("network", "create")
    assert first(type=["volume"], volume="vol") == ("volume", "create")
    assert first(image="busybox", container="ev", type="container") == ("container", "create")
    raw = client.events(since=0)
    line = next(raw)
    assert isinstance(line, bytes) and b'"Type"' in line
    raw.close()


def test_the_engine_tells_what_it_holds(client: Any) -> None:
    box = client.containers.run("busybox", "sh -c 'echo 12345 > /x; sleep 1000'", detach=True, volumes=["vol:/v"])
    df = client.df()
    assert {found["Id"] for found in df["Containers"]} == {box.id} and df["Volumes"][0]["UsageData"]["RefCount"] == 1
    assert any("busybox:latest" in (image["RepoTags"] or ()) for image in df["Images"])
    info = client.info()
    assert (info["ContainersRunning"], info["ContainersPaused"]) == (1, 0) and info["OSType"] == "linux"
    assert {"local"} <= set(info["Plugins"]["Volume"]) and {"bridge", "host", "null"} <= set(info["Plugins"]["Network"])
    assert info["SecurityOptions"] and info["CgroupDriver"] and info["DefaultRuntime"] == "runc"
    version = client.version()
    assert {"Version", "ApiVersion", "MinAPIVersion", "GitCommit", "GoVersion", "Os", "Arch", "KernelVersion"} <= set(
        version
    )
    assert version["Components"][0]["Name"] == "Engine"


def test_a_login_that_fails_is_an_error(client: Any) -> None:
    status, _ = refusal(client.login, username="ann", password="wrong", registry="localhost:1", reauth=True)
    assert status in (400, 401, 500)


def test_what_needs_a_swarm_says_so(client: Any) -> None:
    for ask in (
        client.nodes.list, client.services.list, client.secrets.list, client.configs.list,
        client.api.inspect_swarm, client.api.tasks, lambda: client.services.create("busybox"),
        lambda: client.secrets.create(name="x", data=b"y"), lambda: client.networks.create("o", driver="overlay"),
        lambda: client.api.get_unlock_key(), lambda: client.api.inspect_node("x"), lambda: client.services.get("x"),
    ):  # fmt: skip
        status, words = refusal(ask)
        assert status in (503, 500, 404), (ask, status, words)
        assert "This node is not a swarm manager" in words or "swarm" in words, words
    assert refusal(client.swarm.leave)[0] == 503
    assert refusal(client.plugins.get, "nothing")[0] == 404


def test_errors_have_their_classes(client: Any) -> None:
    errors = docker.errors
    with pytest.raises(errors.ImageNotFound) as missing:
        client.images.get("nothing-here")
    assert missing.value.is_client_error() and not missing.value.is_server_error()
    assert missing.value.response.json()["message"].endswith("No such image: nothing-here:latest")
    with pytest.raises(errors.NotFound):
        client.containers.get("nothing-here")
    with pytest.raises(errors.NotFound):
        client.volumes.get("nothing-here")
    with pytest.raises(errors.NotFound):
        client.networks.get("nothing-here")
    with pytest.raises(errors.NullResource):
        client.containers.get("")
    with pytest.raises(errors.APIError) as conflict:
        box = client.containers.create("busybox", "true", name="twice")
        client.containers.create("busybox", "true", name="twice")
    assert conflict.value.status_code == 409 and box.id in conflict.value.explanation
    assert 'The container name "/twice" is already in use by container' in conflict.value.explanation
    with pytest.raises(errors.ImageNotFound):
        client.containers.create("nothing-here", "true")
    with pytest.raises(errors.ContainerError) as failed:
        client.containers.run("busybox", "sh -c 'echo out; echo err >&2; exit 4'")
    assert (failed.value.exit_status, failed.value.stderr, failed.value.command) == (
        4, b"err\n", "sh -c 'echo out; echo err >&2; exit 4'",
    )  # fmt: skip
