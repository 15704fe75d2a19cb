"""`docker load` and archives that somebody broke: dockerd's own sentence, and nothing half-done.

Every sentence was recorded on a real engine, which was given the same archives.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from typing import Any

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.world import World

Entry = tuple[str, bytes] | tuple[str, bytes, dict[str, Any]]
UNPACKING = "Error processing tar file(exit status 1): "
IMPORT = "/var/lib/docker/tmp/docker-import-000000001"


def tar(*entries: Entry) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as out:
        for name, data, *fields in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in (fields[0] if fields else {}).items():
                setattr(info, field, value)
            out.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


LAYER = tar(("etc/motd", b"hi\n"))
OTHER = tar(("etc/motd", b"ho\n"))


def diff_id(layer: bytes) -> str:
    return f"sha256:{hashlib.sha256(layer).hexdigest()}"


def config(*layers: bytes, **more: Any) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [diff_id(layer) for layer in layers]}
    document = {"architecture": "amd64", "os": "linux", "created": "2023-01-01T00:00:00Z", "config": {"Cmd": ["sh"]}}
    return json.dumps({**document, "rootfs": rootfs, **more}).encode()


def image(
    layer: bytes = LAYER,
    *,
    document: bytes = b"",
    manifest: bytes = b"",
    more: tuple[Entry, ...] = (),
    names: tuple[str, ...] = ("l.tar",),
    described: str = "c.json",
    tag: str = "bad:1",
) -> bytes:
    """An archive of one image, as `docker save` lays it out, but for what is given."""
    items = [{"Config": described, "RepoTags": [tag], "Layers": names}]
    return tar(
        ("c.json", document or config(layer)),
        ("l.tar", layer),
        *more,
        ("manifest.json", manifest or json.dumps(items).encode()),
    )


def link(name: str, target: str) -> Entry:
    return name, b"", {"type": tarfile.SYMTYPE, "linkname": target}


def load(data: bytes) -> tuple[World, str]:
    """Load an archive on a fresh host; what docker printed."""
    scenario = Scenario.of({"title": "load", "steps": [{"run": "docker load -i x.tar"}]})
    world = World.build(scenario)
    world.machines["laptop"].place_file("x.tar", data)
    step = Player(scenario, world, Silent()).play().steps[0]
    assert (step.exit == 0) == (not step.stderr)
    return world, step.stdout + step.stderr


BROKEN = {
    "another layer than the configuration says": (
        image(OTHER, document=config(LAYER)),
        f'invalid diffID for layer 0: expected "{diff_id(LAYER)}", got "{diff_id(OTHER)}"',
    ),
    "more layers than the configuration has": (
        image(names=("l.tar", "l.tar")),
        "invalid manifest, layers length mismatch: expected 2, got 1",
    ),
    "no layer file": (image(names=("no.tar",)), f"open {IMPORT}/no.tar: no such file or directory"),
    "no configuration": (image(described="no.json"), f"open {IMPORT}/no.json: no such file or directory"),
    "a configuration that is no JSON": (image(document=b"{"), "unexpected end of JSON input"),
    "a configuration without layers": (image(document=b"{}"), "invalid image JSON, no RootFS key"),
    "a manifest that is no JSON": (
        image(manifest=b"nonsense"),
        "invalid character 'o' in literal null (expecting 'u')",
    ),
    "a manifest that is an object": (
        image(manifest=b"{}"),
        "json: cannot unmarshal object into Go value of type []tarexport.manifestItem",
    ),
    "a link that leads out": (
        image(more=(link("link", "../../../../etc"), ("link/x", b"x"))),
        f"{UNPACKING}open /link/x: no such file or directory",
    ),
    "a layer behind a path that leads out": (
        image(names=("../../../../../etc/passwd",)),
        f"evalSymlinksInScope: /etc/passwd is not in {IMPORT}",
    ),
    "a layer of garbage": (image(b"g" * 5000), f"{UNPACKING}archive/tar: invalid tar header"),
    "a layer with a link that leads out": (
        image(tar(("up", b"", {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"}))),
        f"{UNPACKING}link /etc/passwd /up: no such file or directory",
    ),
    "a truncated archive": (image()[:2000], f"{UNPACKING}unexpected EOF"),
    "a truncated gzip stream": (gzip.compress(image())[:-30], f"{UNPACKING}unexpected EOF"),
    "no manifest": (tar(("c.json", config(LAYER))), f"open {IMPORT}/repositories: no such file or directory"),
    "a Windows image": (image(document=config(LAYER, os="windows")), "cannot load windows image on linux"),
    "no archive": (b"", f"open {IMPORT}/repositories: no such file or directory"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_archive_is_refused_and_leaves_nothing(data: bytes, message: str) -> None:
    world, said = load(data)
    assert said == f"{message}\n"
    images = world.daemon().images
    assert len(images.store) == 0
    assert images.layers.get(diff_id(LAYER)) is None


@pytest.mark.parametrize(
    "data",
    [
        image(),
        gzip.compress(image()),
        image(more=(("../out", b"x"), link("etc", "/etc"), ("etc2/../../../up", b"x"))),
        image(tar(("../../up", b"x"), ("/etc/passwd", b"x"))),
    ],
    ids=["plain", "gzip", "names that lead out of the archive", "names that lead out of a layer"],
)
def test_names_that_lead_out_stay_inside(data: bytes) -> None:
    world, said = load(data)
    assert said == "Loaded image: bad:1\n"
    assert world.machines["laptop"].kernel.host_node("/etc/passwd").data != b"x"


def test_the_first_format_is_loaded_each_image_on_its_parent() -> None:
    def directory(id: str, parent: str, layer: bytes) -> list[tuple[str, bytes]]:
        about = {"id": id, "parent": parent, "container_config": {"Cmd": [f"make {id}"]}, "config": {"Cmd": ["x"]}}
        return [(f"{id}/VERSION", b"1.0"), (f"{id}/json", json.dumps(about).encode()), (f"{id}/layer.tar", layer)]

    second = tar(("etc/second", b"2"))
    parts = [*directory("aa", "bb", second), *directory("bb", "", LAYER)]
    world, said = load(tar(*parts, ("repositories", b'{"old": {"1": "aa"}}')))
    assert said == ""
    image = world.daemon().images.get("old:1")
    assert image.layers == (diff_id(LAYER), diff_id(second))
    assert [line.created_by for line in image.document.history] == ["make bb", "make aa"]
    assert image.config.Cmd == ["x"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([("index.json", b"{}"), ("blobs/sha256/x", b"")], "open <folder>/blobs/json: no such file or directory"),
        ([("aa/json", b"{}"), ("aa/layer.tar", LAYER)], "open <folder>/repositories: no such file or directory"),
        ([("aa/json", b"{}")], "open <folder>/aa/layer.tar: no such file or directory"),
        ([("aa/json", b'{"parent": "aa"}')], "open <folder>/aa/json: too many levels of parents"),
        ([("aa/json", b"[]")], "json: cannot unmarshal array into Go value of type struct "
                               '{ OS string "json:\\"os,omitempty\\""; Parent string }'),
        ([("repositories", b'{"old": {"1": "aa"}}')], "invalid target ID: aa"),
        ([("repositories", b"[1]")], "json: cannot unmarshal array into Go value of type map[string]map[string]string"),
    ],
    ids=["OCI's layout", "no names", "no layer", "its own parent", "no image", "a name of nothing", "bad names"],
)  # fmt: skip
def test_what_is_no_archive_of_the_first_format_is_refused(parts: list[tuple[str, bytes]], message: str) -> None:
    world, said = load(tar(*parts))
    assert re.sub(r"/var/lib/docker/tmp/docker-import-\d+", "<folder>", said) == f"{message}\n"
    assert len(world.daemon().images.store) == (1 if "repositories: no such file" in message else 0)
