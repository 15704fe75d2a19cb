"""The built-in Docker Hub: what its images are made of."""

import json
import time
from importlib.resources import files

import pytest

from simdocker.actors.registry import catalogue
from simdocker.actors.registry.catalogue import NAMES, hub
from simdocker.content import changeset
from simdocker.content import digest as digests
from simdocker.content.porting import PortedLayer

LATEST = {name: hub()[f"library/{name}"]["latest"] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_repository_has_a_latest_and_versions(name):
    tags = hub()[f"library/{name}"]
    assert "latest" in tags
    assert name == "hello-world" or any(tag[0].isdigit() for tag in tags)


def test_a_repository_that_is_not_there():
    assert "library/nosuch" not in hub()
    assert "busybox" not in hub()
    assert len(list(hub())) == len(hub()) == 10


@pytest.mark.parametrize(
    ("name", "layers", "megabytes"),
    [
        ("hello-world", 1, (0.01, 0.02)), ("busybox", 1, (1.9, 5)), ("alpine", 1, (7, 9)), ("ubuntu", 1, (70, 90)),
        ("nginx", 7, (180, 200)), ("httpd", 6, (140, 160)), ("redis", 7, (110, 140)), ("postgres", 13, (400, 450)),
        ("python", 7, (950, 1100)), ("node", 8, (1050, 1200)),
    ],
)  # fmt: skip
def test_layers_and_sizes_are_like_the_real_ones(name, layers, megabytes):
    image = LATEST[name]
    assert len(image.layers) == layers
    assert megabytes[0] < image.unpacked / 1e6 < megabytes[1]
    assert sum(layer.size for layer in image.layers) < image.unpacked


def test_images_on_the_same_base_share_its_layer():
    bases = {LATEST[name].layers[0].digest for name in ("nginx", "httpd", "redis", "postgres")}
    assert len(bases) == 1
    assert LATEST["python"].layers[:4] == LATEST["node"].layers[:4]


def test_busybox_is_one_program_under_every_name():
    bin = LATEST["busybox"].layers[0].tree.children["bin"]
    assert len(bin.children) == 269  # `busybox --list` of 1.35
    assert {id(node) for node in bin.children.values()} == {id(bin.children["busybox"])}
    assert bin.children["busybox"].nlink == 270  # and /usr/bin/env


def test_a_layer_is_dated_as_its_image():
    for _, node in changeset.walk(hub()["library/busybox"]["1.35"].layers[0].tree):
        assert node.mtime == 1684449257_000_000_000


def test_each_c_library_makes_another_busybox():
    tags = hub()["library/busybox"]
    assert len({tags[libc].layers[0].digest for libc in ("glibc", "musl", "uclibc")}) == 3
    assert tags["latest"] is tags["glibc"]
    assert "libc.so.6" in tags["glibc"].layers[0].tree.children["lib"].children


def test_digests_are_those_of_the_bytes():
    image = LATEST["nginx"]
    assert image.id == digests.of(image.config.encoded)
    assert image.manifest.config.digest == image.id
    assert image.index.manifests[0].digest == digests.of(image.manifest.encoded)
    assert image.config.rootfs.diff_ids == tuple(layer.diff_id for layer in image.layers)


def test_remembered_diff_ids_are_those_of_the_archives():
    """The small images stand for all: hashing the rest takes seconds."""
    for name in ("alpine", "busybox", "hello-world", "redis"):
        for layer in LATEST[name].layers:
            assert layer.diff_id == layer.archive.sha256


def test_every_layer_of_the_catalogue_is_remembered():
    table = json.loads(files(catalogue).joinpath(catalogue.DIFF_IDS).read_text())
    images = {image for tags in hub().values() for image in tags.values()}
    images |= {other for image in images for other in image.others}
    layers = {layer for image in images for layer in image.layers if not isinstance(layer, PortedLayer)}
    assert {changeset.fingerprint(layer.tree) for layer in layers} == table.keys()


def test_digests_do_not_depend_on_the_machine():
    assert LATEST["hello-world"].id == "sha256:708f6a52584918883bedcdca662ffb82149f650ded0b9b54a7817d90773b3e48"


def test_busybox_is_made_at_once():
    from simdocker.actors.registry.catalogue import busybox

    times = []
    for _ in range(5):
        started = time.perf_counter()
        assert busybox.images()["latest"].id == LATEST["busybox"].id
        times.append(time.perf_counter() - started)
    assert min(times) < 0.02


def test_configurations_are_those_of_the_official_images():
    nginx, redis, postgres = (LATEST[name].container_config for name in ("nginx", "redis", "postgres"))
    assert (nginx.Entrypoint, nginx.Cmd) == (["/docker-entrypoint.sh"], ["nginx", "-g", "daemon off;"])
    assert (nginx.StopSignal, nginx.ExposedPorts) == ("SIGQUIT", {"80/tcp": {}})
    assert (redis.Volumes, redis.WorkingDir) == ({"/data": {}}, "/data")
    assert (postgres.StopSignal, postgres.Volumes) == ("SIGINT", {"/var/lib/postgresql/data": {}})
