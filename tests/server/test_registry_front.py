"""The world's registries over HTTP: the Distribution API, and what skopeo and the docker client make of it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker.actors.distribution.protocol import basic
from simdocker.cli.doors import opened
from simdocker.errors import UserError
from tests.server.serve_command import MANIFEST, Serving, a_port, serve

BUSYBOX = "/v2/library/busybox"
WORLD = """
title: registries
world:
  registries:
    docker.io: {}
    registry.lab:5000: {users: {ann: secret}}
    token.lab: {users: {ann: secret}, auth: token}
    open.lab: {}
    closed.lab: {down: true}
images:
  registry.lab:5000/team/web:1: {cmd: [sh]}
  token.lab/team/web:1: {cmd: [sh]}
  open.lab/team/web:1: {from: busybox, cmd: [sh]}
steps: [{run: docker version}]
"""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("front")
    (directory / "world.yaml").write_text(WORLD)
    with serve(directory, "--world", str(directory / "world.yaml")) as serving:
        yield serving


@pytest.fixture
def skopeo() -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("needs skopeo")


@pytest.fixture
def docker() -> None:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")


def copied(source: str, destination: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", *options]
    return subprocess.run([*command, source, destination], capture_output=True, text=True, timeout=60)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def an_image(**files: str) -> tuple[bytes, bytes, bytes]:
    """A layer, a configuration and a manifest, as bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    layer = gzip.compress(buffer.getvalue(), mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(buffer.getvalue())]},
        }
    ).encode()

    def part(kind: str, data: bytes) -> dict[str, object]:
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part("application/vnd.oci.image.config.v1+json", config),
        "layers": [part("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    }
    return layer, config, json.dumps(manifest, indent=1).encode()


def pushed(front: Serving, repository: str, *parts: bytes) -> None:
    """Layers and configurations by single POSTs, the last part as manifest `1`."""
    for blob in parts[:-1]:
        answer, _ = front.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest_of(blob)}", blob)
        assert answer.status == 201
    answer, said = front.ask("PUT", f"/v2/{repository}/manifests/1", parts[-1], {"Content-Type": MANIFEST})
    assert answer.status == 201, said


# -- reading ---------------------------------------------------------------------------------------


def test_the_version_is_told_in_a_header(front: Serving) -> None:
    answer, said = front.ask("GET", "/v2/")
    assert (answer.status, json.loads(said)) == (200, {})
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_every_document_and_blob_is_what_its_digest_says(front: Serving) -> None:
    answer, index = front.ask("GET", f"{BUSYBOX}/manifests/latest")
    assert answer.headers["Content-Type"] == "application/vnd.oci.image.index.v1+json"
    assert answer.headers["Docker-Content-Digest"] == digest_of(index)
    for entry in json.loads(index)["manifests"]:
        answer, manifest = front.ask("GET", f"{BUSYBOX}/manifests/{entry['digest']}")
        assert (digest_of(manifest), len(manifest)) == (entry["digest"], entry["size"])
        read = json.loads(manifest)
        _, config = front.ask("GET", f"{BUSYBOX}/blobs/{read['config']['digest']}")
        assert digest_of(config) == read["config"]["digest"]
        for layer, diff_id in zip(read["layers"], json.loads(config)["rootfs"]["diff_ids"], strict=True):
            _, data = front.ask("GET", f"{BUSYBOX}/blobs/{layer['digest']}")
            assert (digest_of(data), len(data)) == (layer["digest"], layer["size"])
            assert layer["digest"] == diff_id  # it is not compressed


def test_head_says_what_get_would_bring(front: Serving) -> None:
    asked, whole = (front.ask(method, f"{BUSYBOX}/manifests/latest") for method in ("HEAD", "GET"))
    assert asked[1] == b""
    for name in ("Content-Length", "Docker-Content-Digest", "Content-Type"):
        assert asked[0].headers[name] == whole[0].headers[name]
    unchanged, _ = front.ask("GET", f"{BUSYBOX}/manifests/latest", headers={"If-None-Match": whole[0].headers["Etag"]})
    assert unchanged.status == 304


@pytest.mark.parametrize(
    ("wanted", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=100-", 206, 100, None),
        ("bytes=-5", 206, -5, None),
        ("bytes=5-100000000", 206, 5, None),
        ("bytes=9-5", 200, 0, None),
        ("lines=1-2", 200, 0, None),
        ("bytes=100000000-", 416, 0, 0),
    ],
)
def test_a_part_of_a_blob(front: Serving, wanted: str, status: int, start: int, stop: int | None) -> None:
    layer, config, manifest = an_image(part="x" * 1000)
    pushed(front, "parts/of", layer, config, manifest)
    path = f"/v2/parts/of/blobs/{digest_of(config)}"
    answer, said = front.ask("GET", path, headers={"Range": wanted})
    assert answer.status == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(config)}"
        return
    assert said == config[start:stop]
    if status == 206:
        first = start % len(config)
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(said) - 1}/{len(config)}"


def test_lists_come_in_pages(front: Serving) -> None:
    _, whole = front.ask("GET", f"{BUSYBOX}/tags/list")
    found, path = [], f"{BUSYBOX}/tags/list?n=2"
    while path:
        answer, said = front.ask("GET", path)
        found += json.loads(said)["tags"]
        path = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert found == json.loads(whole)["tags"] and len(found) > 4
    _, repositories = front.ask("GET", "/v2/_catalog")
    assert "library/busybox" in json.loads(repositories)["repositories"]
    assert front.error("GET", "/v2/_catalog?n=many") == (400, "PAGINATION_NUMBER_INVALID")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", f"{BUSYBOX}/manifests/no-such-tag", (404, "MANIFEST_UNKNOWN")),
        ("GET", f"{BUSYBOX}/manifests/sha256:{'0' * 64}", (404, "MANIFEST_UNKNOWN")),
        ("GET", f"{BUSYBOX}/blobs/sha256:{'0' * 64}", (404, "BLOB_UNKNOWN")),
        ("GET", f"{BUSYBOX}/blobs/sha256:xyz", (400, "DIGEST_INVALID")),
        ("GET", "/v2/no/such/tags/list", (404, "NAME_UNKNOWN")),
        ("GET", "/v2/Upper/case/manifests/1", (400, "NAME_INVALID")),
        ("GET", "/v2/a/manifests/-x", (400, "TAG_INVALID")),
        ("GET", "/v2/a/blobs/uploads/77", (404, "BLOB_UPLOAD_UNKNOWN")),
        ("POST", f"{BUSYBOX}/manifests/latest", (405, "UNSUPPORTED")),
        ("GET", "/v2/nothing", (404, "UNSUPPORTED")),
        ("GET", "/", (404, "UNSUPPORTED")),
        ("DELETE", "/v2/a/manifests/none", (404, "MANIFEST_UNKNOWN")),
    ],
)
def test_a_refusal_has_the_distribution_apis_form(
    front: Serving, method: str, path: str, refusal: tuple[int, str]
) -> None:
    assert front.error(method, path) == refusal


# -- writing ---------------------------------------------------------------------------------------


def test_an_upload_in_pieces_is_gone_on_with_where_it_stands(front: Serving) -> None:
    data = b"0123456789" * 100
    answer, _ = front.ask("POST", "/v2/up/load/blobs/uploads/")
    assert (answer.status, answer.headers["Range"]) == (202, "0-0")
    where = answer.headers["Location"]
    answer, _ = front.ask("PATCH", where, data[:400], {"Content-Range": "0-399"})
    assert (answer.status, answer.headers["Range"]) == (202, "0-399")
    answer, _ = front.ask("PATCH", where, data[700:], {"Content-Range": "700-999"})
    assert (answer.status, answer.headers["Range"]) == (416, "0-399")
    answer, _ = front.ask("GET", where)
    assert (answer.status, answer.headers["Range"]) == (204, "0-399")
    front.ask("PATCH", where, data[400:900], {"Content-Range": "400-899"})
    answer, _ = front.ask("PUT", f"{where}?digest={digest_of(data)}", data[900:])
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest_of(data))
    assert front.ask("GET", answer.headers["Location"])[1] == data
    assert front.error("GET", where) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_is_given_up_or_refused_for_its_digest(front: Serving) -> None:
    where = front.ask("POST", "/v2/up/load/blobs/uploads/")[0].headers["Location"]
    assert front.ask("DELETE", where)[0].status == 204
    assert front.error("PATCH", where, b"x") == (404, "BLOB_UPLOAD_UNKNOWN")
    where = front.ask("POST", "/v2/up/load/blobs/uploads/")[0].headers["Location"]
    assert front.error("PUT", f"{where}?digest={digest_of(b'other')}", b"x") == (400, "DIGEST_INVALID")
    elsewhere = where.replace("up/load", "down/load")
    assert front.error("GET", elsewhere) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_blob_is_mounted_from_another_repository(front: Serving) -> None:
    layer, config, manifest = an_image(mount="me")
    pushed(front, "from/here", layer, config, manifest)
    path = f"/v2/to/there/blobs/uploads/?mount={digest_of(layer)}&from="
    assert front.ask("POST", f"{path}nowhere/known")[0].status == 202
    assert front.error("GET", f"/v2/to/there/blobs/{digest_of(layer)}")[0] == 404
    assert front.ask("POST", f"{path}from/here")[0].status == 201
    assert front.ask("GET", f"/v2/to/there/blobs/{digest_of(layer)}")[1] == layer


def test_a_manifest_names_what_is_there_and_comes_back_to_the_byte(front: Serving) -> None:
    layer, config, manifest = an_image(one="1")
    kind = {"Content-Type": MANIFEST}
    assert front.error("PUT", "/v2/my/app/manifests/1", manifest, kind) == (400, "MANIFEST_BLOB_UNKNOWN")
    for wrong in (b"", b"{", b"[]", b'{"schemaVersion": 2}', b"[" * 100_000, manifest.replace(b'"config"', b'"conf"')):
        assert front.error("PUT", "/v2/my/app/manifests/1", wrong, kind) == (400, "MANIFEST_INVALID")
    assert front.error("PUT", "/v2/my/app/manifests/1", b" " * (5 << 20), kind) == (413, "SIZE_INVALID")
    pushed(front, "my/app", layer, config, manifest)
    answer, said = front.ask("GET", "/v2/my/app/manifests/1")
    assert (said, answer.headers["Docker-Content-Digest"]) == (manifest, digest_of(manifest))
    other = f"/v2/my/app/manifests/{digest_of(b'other')}"
    assert front.error("PUT", other, manifest, kind) == (400, "DIGEST_INVALID")


def test_a_tag_and_a_manifest_are_deleted(front: Serving) -> None:
    layer, config, manifest = an_image(two="2")
    pushed(front, "my/old", layer, config, manifest)
    front.ask("PUT", "/v2/my/old/manifests/2", manifest, {"Content-Type": MANIFEST})
    assert front.ask("DELETE", "/v2/my/old/manifests/2")[0].status == 202
    assert json.loads(front.ask("GET", "/v2/my/old/tags/list")[1])["tags"] == ["1"]
    assert front.ask("DELETE", f"/v2/my/old/manifests/{digest_of(manifest)}")[0].status == 202
    assert front.error("GET", "/v2/my/old/manifests/1") == (404, "MANIFEST_UNKNOWN")
    assert front.ask("DELETE", f"/v2/my/old/blobs/{digest_of(layer)}")[0].status == 202
    assert front.error("GET", f"/v2/my/old/blobs/{digest_of(layer)}")[0] == 404


# -- which registry is meant -----------------------------------------------------------------------


def test_a_registry_is_named_by_ns_by_host_or_by_the_path(front: Serving) -> None:
    def tags(path: str, **headers: str) -> object:
        return json.loads(front.ask("GET", path, headers=headers)[1]).get("tags")

    assert tags("/v2/team/web/tags/list?ns=open.lab") == ["1"]
    assert tags("/v2/team/web/tags/list", Host="open.lab:5000") == ["1"]
    assert tags("/v2/open.lab/team/web/tags/list") == ["1"]
    assert tags("/v2/team/web/tags/list") is None
    assert tags("/v2/library/busybox/tags/list?ns=docker.io") == tags("/v2/library/busybox/tags/list")
    assert front.error("GET", "/v2/?ns=closed.lab") == (503, "UNAVAILABLE")


def test_what_is_pushed_by_a_path_goes_on_there(front: Serving) -> None:
    blob = b"by path"
    where = front.ask("POST", "/v2/open.lab/x/blobs/uploads/")[0].headers["Location"]
    assert where.startswith("/v2/open.lab/x/")
    answer, _ = front.ask("PUT", f"{where}?digest={digest_of(blob)}", blob)
    assert front.ask("GET", answer.headers["Location"])[1] == blob
    assert front.ask("GET", f"/v2/x/blobs/{digest_of(blob)}?ns=open.lab")[1] == blob


def test_a_private_registry_asks_who_it_is(front: Serving) -> None:
    host = {"Host": "registry.lab:5000"}
    answer, _ = front.ask("GET", "/v2/", headers=host)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Registry Realm"')
    known = {**host, "Authorization": basic("ann", "secret")}
    assert front.ask("GET", "/v2/team/web/manifests/1", headers=known)[0].status == 200
    wrong = {**host, "Authorization": basic("ann", "guess")}
    assert front.error("GET", "/v2/team/web/manifests/1", headers=wrong) == (401, "UNAUTHORIZED")


def test_a_token_is_fetched_at_the_same_port(front: Serving) -> None:
    answer, _ = front.ask("GET", "/v2/?ns=token.lab")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge == f'Bearer realm="http://127.0.0.1:{front.port}/token",service="token.lab"'
    path = "/token?service=token.lab&scope=repository:team/web:pull"
    assert front.error("GET", path)[0] == 401
    _, said = front.ask("GET", path, headers={"Authorization": basic("ann", "secret")})
    proven = {"Authorization": f"Bearer {json.loads(said)['token']}"}
    assert front.ask("GET", "/v2/team/web/manifests/1?ns=token.lab", headers=proven)[0].status == 200
    assert front.error("GET", "/v2/team/web/manifests/1?ns=token.lab")[0] == 401


# -- real clients ----------------------------------------------------------------------------------


def test_what_skopeo_pushes_a_simulated_daemon_runs(front: Serving, skopeo: None, docker: None, tmp_path: Path) -> None:
    images = f"docker://{front.registry}"
    assert copied(f"{images}/library/busybox", f"dir:{tmp_path}/all", "--all").returncode == 0
    done = copied(f"dir:{tmp_path}/all", f"{images}/my/box:1", "--all")
    assert done.returncode == 0, done.stderr
    done = copied(f"{images}/my/box:1", f"{images}/my/packed:1", "--dest-compress-format=gzip")
    assert done.returncode == 0, done.stderr
    for name in ("my/box:1", "my/packed:1"):
        done = front.docker("run", "--rm", f"{front.registry}/{name}", "echo", "hi")
        assert (done.returncode, done.stdout) == (0, "hi\n"), done.stderr


def test_what_a_simulated_daemon_pushes_skopeo_reads(
    front: Serving, skopeo: None, docker: None, tmp_path: Path
) -> None:
    name = f"127.0.0.1:{front.port}/sim/app:1"
    assert front.docker("run", "--name", "made", "busybox", "sh", "-c", "echo kept > /note").returncode == 0
    assert front.docker("commit", "made", name).returncode == 0
    assert front.docker("push", name).returncode == 0
    assert copied(f"docker://{name}", f"docker-archive:{tmp_path}/app.tar").returncode == 0
    with tarfile.open(tmp_path / "app.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        top = archive.extractfile(manifest[0]["Layers"][-1])
        with tarfile.open(fileobj=top) as layer:
            assert layer.extractfile("note").read() == b"kept\n"  # type: ignore[union-attr]
    wanted = front.docker("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()
    assert manifest[0]["Config"].removesuffix(".json") in wanted


def test_a_private_registry_of_the_ports_own_name_is_logged_in_to(skopeo: None, tmp_path: Path) -> None:
    port = a_port()
    for way in ("basic", "token"):
        users = f"{{users: {{ann: secret}}, auth: {way}}}"
        world = f"title: t\nworld: {{registries: {{docker.io: {{}}, 'localhost:{port}': {users}}}}}\n"
        images = f"images: {{'localhost:{port}/team/web:1': {{from: busybox}}}}\n"
        (tmp_path / "world.yaml").write_text(f"{world}{images}steps: [{{run: docker version}}]\n")
        with serve(tmp_path, "--world", f"{tmp_path}/world.yaml", port=port) as front:
            theirs = f"docker://{front.registry}/team/web:1"
            mine = f"docker://{front.registry}/my/box"
            archive = f"docker-archive:{tmp_path}/{way}.tar:busybox:1"
            denied = copied(theirs, archive)
            assert denied.returncode != 0 and "unauthorized" in denied.stderr
            assert copied(theirs, archive, "--src-creds=ann:secret").returncode == 0
            assert copied(archive, mine, "--dest-creds=ann:wrong").returncode != 0
            done = copied(archive, mine, "--dest-creds=ann:secret")
            assert done.returncode == 0, done.stderr


def test_what_was_pushed_survives_a_killed_server(tmp_path: Path) -> None:
    layer, config, manifest = an_image(three="3")
    port, options = a_port(), ("--data-root", str(tmp_path / "data"))
    with serve(tmp_path, *options, port=port, end=signal.SIGKILL) as front:
        pushed(front, "my/app", layer, config, manifest)
    (tmp_path / "docker.sock").unlink(missing_ok=True)
    with serve(tmp_path, *options, port=port) as front:
        assert front.ask("GET", "/v2/my/app/manifests/1")[1] == manifest
        assert front.ask("GET", f"/v2/my/app/blobs/{digest_of(layer)}")[1] == layer


@pytest.mark.parametrize(
    ("tcp", "registry", "said"),
    [
        (None, "0.0.0.0:5000", "without TLS whoever reaches 0.0.0.0 could push"),
        (None, "many", "give an address and a port"),
        (None, "70000", "from 1 to 65535"),
        (None, "lab.example:5000", "give an address and a port"),
        ("127.0.0.1:5000", "5000", "--tcp is at that port already"),
        ("0.0.0.0:2375", None, "or --tlsverify"),
    ],
)
def test_a_door_that_cannot_be_is_refused(tcp: str | None, registry: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        opened(tcp, registry, False, None, None, None)
