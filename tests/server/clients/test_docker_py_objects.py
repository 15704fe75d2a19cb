"""docker-py's images, networks, volumes and the engine itself, on both backends."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.rich_world import tarred

docker = pytest.importorskip("docker")


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


# -- images ---------------------------------------------------------------------------------------


def test_a_dockerfile_becomes_an_image(client: Any) -> None:
    dockerfile = "FROM busybox\nARG WHAT=nothing\nENV A=1\nLABEL test=true\nRUN echo $WHAT > /made\nCMD cat /made\n"
    image, logs = client.images.build(
        fileobj=io.BytesIO(dockerfile.encode()), tag="built:1", buildargs={"WHAT": "arg"}, labels={"more": "yes"}
    )
    said = "".join(line.get("stream", "") for line in logs)
    assert "Step 1/7 : FROM busybox" in said
    assert f"Successfully built {image.short_id.removeprefix('sha256:')[:10]}" in said
    assert image.tags == ["built:1"] and image.labels == {"test": "true", "more": "yes"}
    assert client.containers.run("built:1", remove=True) == b"arg\n"
    assert any("/bin/sh -c echo $WHAT > /made" in step["CreatedBy"] for step in image.history())


def test_a_context_is_sent_with_what_it_holds(client: Any, tmp_path: Any) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY . /ctx/\n")
    (tmp_path / "other").write_text("FROM busybox AS first\nCOPY kept /kept\nFROM first\nRUN false\n")
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "left.log").write_text("left")
    (tmp_path / ".dockerignore").write_text("*.log\n")
    client.images.build(path=str(tmp_path), tag="context", rm=True)
    assert client.containers.run("context", "ls /ctx", remove=True).split() == [b"Dockerfile", b"kept", b"other"]
    client.images.build(path=str(tmp_path), dockerfile="other", target="first", tag="staged")
    assert client.containers.run("staged", "cat /kept", remove=True) == b"kept"
    with pytest.raises(docker.errors.BuildError, match=r"returned a non-zero code: 1") as failed:
        client.images.build(path=str(tmp_path), dockerfile="other")
    assert any("FROM busybox" in line.get("stream", "") for line in failed.value.build_log)
    with pytest.raises(docker.errors.APIError, match=r"parse error|unknown instruction"):
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nNOTHING here\n"))


def test_an_image_is_found_by_each_of_its_names(client: Any) -> None:
    image = client.images.get("busybox")
    assert image.tag("mine.lab/some/name", "1") and image.tag("other")
    image.reload()
    assert {"busybox:latest", "mine.lab/some/name:1", "other:latest"} <= set(image.tags)
    assert client.images.get("mine.lab/some/name:1").id == client.images.get(image.id).id == image.id
    assert client.images.get(image.short_id.removeprefix("sha256:")).id == image.id
    assert [found.id for found in client.images.list(name="other")] == [image.id]
    assert image.id in [found.id for found in client.images.list(filters={"reference": "mine.lab/*/*"})]
    assert client.images.list(filters={"dangling": True}) == []
    client.images.remove("other")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("other")
    with pytest.raises(docker.errors.APIError, match="invalid reference format"):
        image.tag("BAD NAME")
    with pytest.raises(docker.errors.APIError, match=r"must be forced|multiple repositories"):
        client.images.remove(image.id)


def test_an_image_in_use_stays(client: Any) -> None:
    client.images.get("busybox").tag("used", "1")
    box = client.containers.create("alpine", "true")
    with pytest.raises(docker.errors.APIError) as refused:
        client.images.remove("alpine")
    assert refused.value.status_code == 409 and "must force" in refused.value.explanation
    assert box.short_id in refused.value.explanation


def test_saved_images_are_loaded_again(client: Any) -> None:
    image, _ = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo x > /x\n"), tag="saved:1")
    data = b"".join(image.save(named=True))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None and json.load(manifest)[0]["RepoTags"] == ["saved:1"]
    client.images.remove("saved:1", force=True)
    (loaded,) = client.images.load(data)
    assert loaded.id == image.id and loaded.tags == ["saved:1"]
    nameless = b"".join(image.save(chunk_size=1 << 16))
    client.images.remove(image.id, force=True)
    (loaded,) = client.images.load(nameless)
    assert loaded.id == image.id and loaded.tags == []
    with pytest.raises(docker.errors.ImageLoadError, match="invalid tar header"):
        client.images.load(b"this is no archive" * 100)


def test_a_tar_of_files_is_imported(client: Any) -> None:
    told = client.api.import_image_from_data(tarred({"file": "text"}), repository="imported", tag="1")
    assert "sha256:" in told
    image = client.images.get("imported:1")
    assert image.attrs["RepoTags"] == ["imported:1"] and len(image.attrs["RootFS"]["Layers"]) == 1


def test_pruning_takes_what_has_no_name(client: Any) -> None:
    image, _ = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nLABEL old=1\n"))
    assert image.id in [found.id for found in client.images.list(filters={"dangling": True})]
    pruned = client.images.prune(filters={"dangling": True})
    assert {"Deleted": image.id} in pruned["ImagesDeleted"]
    assert client.images.prune()["ImagesDeleted"] is None
    assert "SpaceReclaimed" in client.api.prune_builds()


# -- networks -------------------------------------------------------------------------------------


def test_a_network_has_the_addresses_it_was_given(client: Any) -> None:
    pool = docker.types.IPAMPool(subnet="10.78.0.0/16", iprange="10.78.5.0/24", gateway="10.78.0.1")
    network = client.networks.create(
        "lab", driver="bridge", ipam=docker.types.IPAMConfig(pool_configs=[pool]), labels={"a": "b"},
        options={"com.docker.network.bridge.enable_icc": "true"}, internal=True, attachable=True, check_duplicate=True,
    )  # fmt: skip
    network.reload()
    assert (network.name, network.attrs["Driver"], network.attrs["Labels"]) == ("lab", "bridge", {"a": "b"})
    assert network.attrs["IPAM"]["Config"] == [
        {"Subnet": "10.78.0.0/16", "IPRange": "10.78.5.0/24", "Gateway": "10.78.0.1"}
    ]
    assert network.attrs["Internal"] and network.attrs["Attachable"]
    with pytest.raises(docker.errors.APIError, match="already exists"):
        client.networks.create("lab", check_duplicate=True)
    with pytest.raises(docker.errors.APIError, match="Pool overlaps"):
        client.networks.create("lap", ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    assert [found.id for found in client.networks.list(names=["lab"])] == [network.id]
    assert [found.id for found in client.networks.list(filters={"label": "a=b"})] == [network.id]
    assert {"bridge", "host", "none"} <= {found.name for found in client.networks.list()}
    network.remove()
    with pytest.raises(docker.errors.NotFound):
        client.networks.get(network.id)


def test_containers_join_and_leave(client: Any) -> None:
    network = client.networks.create("lab", ipam=docker.types.IPAMConfig(
        pool_configs=[docker.types.IPAMPool(subnet="10.79.0.0/24")]))  # fmt: skip
    box = client.containers.run("busybox", "sleep 1000", detach=True, name="box")
    network.connect(box, aliases=["www"], ipv4_address="10.79.0.77")
    network.reload()
    assert [found.id for found in network.containers] == [box.id]
    box.reload()
    endpoint = box.attrs["NetworkSettings"]["Networks"]["lab"]
    assert endpoint["IPAddress"] == "10.79.0.77" and "www" in endpoint["Aliases"]
    ask = ["sh", "-c", "nslookup www 127.0.0.11 | tail -n +3; ping -c 1 -w 5 box"]
    said = client.containers.run("busybox", ask, network="lab", remove=True).decode()
    assert "10.79.0.77" in said and "1 packets received" in said
    with pytest.raises(docker.errors.APIError, match="already exists in network"):
        network.connect(box)
    with pytest.raises(docker.errors.APIError, match="has active endpoints"):
        network.remove()
    network.disconnect(box)
    network.reload()
    assert network.containers == []
    with pytest.raises(docker.errors.APIError, match="is not connected"):
        network.disconnect(box)


def test_a_container_is_made_in_a_network(client: Any) -> None:
    client.networks.create("lab")
    box = client.containers.run("busybox", "sleep 1000", detach=True, network="lab", hostname="here")
    assert list(box.attrs["NetworkSettings"]["Networks"]) == ["lab"]
    config = client.api.create_networking_config({"lab": client.api.create_endpoint_config(aliases=["a", "b"])})
    made = client.api.create_container("busybox", "sleep 1000", networking_config=config,
                                       host_config=client.api.create_host_config(network_mode="lab"))  # fmt: skip
    client.api.start(made)
    aliases = client.api.inspect_container(made)["NetworkSettings"]["Networks"]["lab"]["Aliases"]
    assert {"a", "b"} <= set(aliases)
    alone = client.containers.run("busybox", "ip addr", network_mode="none", remove=True)
    assert b"eth0" not in alone
    with pytest.raises(docker.errors.APIError, match="network nowhere not found"):
        client.containers.run("busybox", "true", network="nowhere")
    assert client.containers.run("busybox", "hostname", network_mode=f"container:{box.id}", remove=True) == b"here\n"


def test_predefined_networks_stay(client: Any) -> None:
    with pytest.raises(docker.errors.APIError) as refused:
        client.networks.get("bridge").remove()
    assert refused.value.status_code == 403 and "pre-defined network" in refused.value.explanation
    used = client.networks.create("used")
    client.networks.create("unused")
    client.containers.run("busybox", "sleep 1000", detach=True, network="used")
    assert client.networks.prune()["NetworksDeleted"] == ["unused"]
    assert used.id in [found.id for found in client.networks.list()]


# -- volumes --------------------------------------------------------------------------------------


def test_volumes_are_made_listed_and_removed(client: Any) -> None:
    volume = client.volumes.create("data", driver="local", labels={"a": "b"}, driver_opts={})
    assert (volume.name, volume.attrs["Driver"], volume.attrs["Labels"]) == ("data", "local", {"a": "b"})
    assert volume.attrs["Mountpoint"].endswith("/data/_data") and volume.attrs["Scope"] == "local"
    assert client.volumes.create("data").attrs["CreatedAt"] == volume.attrs["CreatedAt"]
    nameless = client.volumes.create()
    assert len(nameless.name) == 64
    assert [found.name for found in client.volumes.list(filters={"label": "a=b"})] == ["data"]
    assert {found.name for found in client.volumes.list(filters={"dangling": True})} == {"data", nameless.name}
    assert [found.name for found in client.volumes.list(filters={"name": "dat"})] == ["data"]
    volume.remove()
    with pytest.raises(docker.errors.NotFound):
        client.volumes.get("data")
    with_bad_name = (lambda: client.volumes.create("a b"), 400)
    with_no_driver = (lambda: client.volumes.create("xx", driver="no"), 404)
    for wrong, status in (with_bad_name, with_no_driver):
        with pytest.raises(docker.errors.APIError) as refused:
            wrong()
        assert refused.value.status_code == status
    assert client.volumes.prune()["VolumesDeleted"] == [nameless.name]


def test_anonymous_volumes_go_with_their_container(client: Any) -> None:
    box = client.containers.create("busybox", "true", volumes=["/anonymous"])
    (mount,) = box.attrs["Mounts"]
    assert mount["Destination"] == "/anonymous" and len(client.volumes.list()) == 1
    box.remove(v=True)
    assert client.volumes.list() == []


# -- the engine -----------------------------------------------------------------------------------


def test_the_engine_says_what_it_is(client: Any) -> None:
    assert client.ping() is True
    version, info = client.version(), client.info()
    assert version["ApiVersion"] == client.api.api_version == "1.41" and version["Os"] == "linux"
    assert {"Containers", "Images", "Driver", "NCPU", "MemTotal", "Name", "Plugins", "ID", "ServerVersion"} <= set(info)
    assert info["ServerVersion"] == version["Version"]
    before = info["Containers"]
    client.containers.create("busybox", "true")
    assert client.info()["Containers"] == before + 1
    df = client.df()
    assert set(df) >= {"LayersSize", "Images", "Containers", "Volumes"}
    assert client.plugins.list() == []
    assert info["Swarm"]["LocalNodeState"] == "inactive"
    for ask in (client.services.list, client.nodes.list, client.secrets.list, client.configs.list):
        with pytest.raises(docker.errors.APIError, match="This node is not a swarm manager"):
            ask()


def test_an_unknown_version_is_refused_in_a_sentence(client: Any, engine: str) -> None:
    other = docker.APIClient(base_url=engine, version="1.99")
    with pytest.raises(docker.errors.APIError, match=r"client version 1\.99 is too new"):
        other.info()
    other.close()
    old = docker.APIClient(base_url=engine, version="1.24")
    assert old.info()["ExecutionDriver"] == "<not supported>"
    old.close()


def test_everything_that_happens_is_an_event(client: Any) -> None:
    told: list[tuple[str, str]] = []
    events = client.events(decode=True)
    client.volumes.create("vol")
    network = client.networks.create("n")
    client.images.build(fileobj=io.BytesIO(b"FROM busybox\nLABEL x=y\n"), tag="e:1")
    box = client.containers.run("busybox", "true", detach=True, volumes=["vol:/v"], network="n")
    box.wait()
    box.remove()
    network.remove()
    client.volumes.get("vol").remove()
    client.images.remove("e:1")
    for event in events:
        told.append((event["Type"], event["Action"]))
        if told[-1] == ("image", "delete"):
            break
    events.close()
    wanted = [
        ("volume", "create"), ("network", "create"), ("image", "tag"), ("container", "create"), ("network", "connect"),
        ("volume", "mount"), ("container", "start"), ("container", "die"), ("network", "disconnect"),
        ("volume", "unmount"), ("container", "destroy"), ("network", "destroy"), ("volume", "destroy"),
        ("image", "untag"), ("image", "delete"),
    ]  # fmt: skip
    assert set(wanted) <= set(told)
