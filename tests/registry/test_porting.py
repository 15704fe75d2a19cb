"""The catalogue's images for other processors: what their indexes say is what they are."""

from __future__ import annotations

import pytest

from simdocker.actors.registry.catalogue import hub
from simdocker.content import archive
from simdocker.content.image import Image
from simdocker.content.platforms import parse
from simdocker.content.porting import PortedLayer

SMALL = ("library/busybox", "library/hello-world", "library/alpine")


def images() -> list[Image]:
    return list(dict.fromkeys(image for name in SMALL for image in hub()[name].values()))


def test_digests_that_were_worked_out_before_are_right() -> None:
    """`python -m simdocker.actors.registry.catalogue` writes them."""
    ported = [other for image in images() for other in image.others if isinstance(other.layers[0], PortedLayer)]
    for layer in {layer for image in ported for layer in image.layers if layer.unpacked < 10_000_000}:
        assert layer.diff_id == archive.layer(layer.tree).sha256
    for image in ported:
        assert image.known_manifest == (image.manifest.digest, image.manifest.size)


def test_every_image_of_the_catalogue_has_its_ports_worked_out() -> None:
    for name in hub():
        for image in dict.fromkeys(hub()[name].values()):
            assert all(other.known_manifest for other in image.others), name


@pytest.mark.parametrize("platform", ["linux/arm64/v8", "linux/arm/v7", "linux/s390x", "windows/amd64"])
def test_an_index_names_every_platform_once(platform: str) -> None:
    offered = [str(entry.platform) for entry in hub()["library/hello-world"]["latest"].index.manifests]
    assert offered.count(platform) == 1 and offered[0] == "linux/amd64"


def test_a_port_has_the_same_files_and_other_programs() -> None:
    image = hub()["library/busybox"]["latest"]
    port = image.on(parse("linux/arm/v7"))
    assert port is not None and port.id != image.id
    here, there = (one.layers[0].tree.children["bin"].children for one in (image, port))
    assert list(here) == list(there)
    assert (here["sh"].program, there["sh"].program) == ("busybox", "busybox@armv7l")
    assert there["sh"] is there["ls"] and there["sh"].nlink == here["sh"].nlink
