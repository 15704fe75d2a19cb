"""Layers that are larger than one wants in memory: through the front of the registries, and into a daemon."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from simdocker.content.archive import inflate
from simdocker.content.blob import Blob
from simdocker.content.spool import LITTLE, Spool
from simdocker.server.portions import PORTION
from tests.server.serve_command import MANIFEST, Serving, a_port, serve

MIB = 1 << 20
FILES = 80
SOME = 56 * MIB  # anonymous memory that may come and go beside: portions on their way, and what they are cut from


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serve(tmp_path_factory.mktemp("front")) as serving:
        yield serving


def an_archive(files: int) -> bytes:
    """So many mebibytes that do not compress."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(files):
            entry = tarfile.TarInfo(f"part{number}")
            entry.size = MIB
            tar.addfile(entry, io.BytesIO(os.urandom(MIB)))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def large() -> tuple[bytes, bytes]:
    """A layer of 80 MiB, as it is and as a blob."""
    archive = an_archive(FILES)
    return archive, gzip.compress(archive, 0)


def anonymous(pid: int) -> int:
    """Bytes of a process's memory that are no file's."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        pytest.skip("this kernel does not count anonymous memory")
    return int(found[1]) << 10


@contextmanager
def watched(pid: int) -> Iterator[None]:
    """Its memory stays as it was, but for some."""
    before, most, over = anonymous(pid), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            most = max(most, anonymous(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert most - before < SOME, f"it grew by {(most - before) // MIB} MiB"


def asked(front: Serving, method: str, path: str, body: bytes | Iterator[bytes]) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=60)
    connection.request(method, path, body)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def begun(front: Serving, repository: str) -> str:
    return asked(front, "POST", f"/v2/{repository}/blobs/uploads/", b"").headers["Location"]


def test_a_large_layer_is_pushed_and_pulled_without_being_held_in_memory(
    front: Serving, large: tuple[bytes, bytes]
) -> None:
    archive, blob = large
    digest = digest_of(blob)
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest_of(archive)]}}
    ).encode()
    with watched(front.process.pid):
        place = begun(front, "my/app")
        assert asked(front, "PUT", f"{place}?digest={digest}", blob).status == 201
        answer, said = front.ask("GET", f"/v2/my/app/blobs/{digest}")
        assert (answer.status, digest_of(said)) == (200, digest)
        assert asked(front, "POST", f"/v2/my/app/blobs/uploads/?digest={digest_of(config)}", config).status == 201
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config),
                       "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest,
                        "size": len(blob)}],
        }  # fmt: skip
        kind = {"Content-Type": MANIFEST}
        assert front.ask("PUT", "/v2/my/app/manifests/1", json.dumps(manifest).encode(), kind)[0].status == 201
        pulled = front.ask_daemon("POST", f"/images/create?fromImage={front.registry}/my/app&tag=1")
        assert b"Downloaded newer image" in pulled.body, pulled.body
        made = front.ask_daemon("POST", "/containers/create?name=big", {"Image": f"{front.registry}/my/app:1",
                                                                         "Cmd": ["x"]})  # fmt: skip
        assert made.status == 201
    found = front.ask_daemon("GET", "/containers/big/archive?path=/part7").body
    assert digest_of(contents(found)["part7"]) == digest_of(contents(archive)["part7"])


def test_a_large_archive_is_imported_and_copied_without_being_held_in_memory(
    front: Serving, large: tuple[bytes, bytes]
) -> None:
    with watched(front.process.pid):
        for archive in large:
            answer = front.ask_daemon("POST", "/images/create?fromSrc=-&repo=large", archive)
            assert b'"status":"sha256:' in answer.body, answer.body
        made = front.ask_daemon("POST", "/containers/create?name=imported", {"Image": "large", "Cmd": ["x"]})
        assert made.status == 201
        assert front.ask_daemon("PUT", "/containers/imported/archive?path=/", large[0]).status == 200
    found = front.ask_daemon("GET", "/containers/imported/archive?path=/part3").body
    assert digest_of(contents(found)["part3"]) == digest_of(contents(large[0])["part3"])


@pytest.mark.parametrize("path", ["/containers/create", "/plugins/none/set", "/swarm/init", "/networks/create"])
def test_a_large_archive_where_json_belongs_is_refused(front: Serving, path: str) -> None:
    assert front.ask_daemon("POST", path, bytes(LITTLE + 1)).status in (400, 404, 415, 500, 503)


def test_a_large_archive_is_there_again_after_a_restart(tmp_path: Path) -> None:
    archive = an_archive(LITTLE // MIB + 1)
    kept = ("--data-root", str(tmp_path / "kept"))
    port = a_port()
    with serve(tmp_path, *kept, port=port) as serving:
        serving.ask_daemon("POST", "/images/create?fromSrc=-&repo=large", archive)
        serving.ask_daemon("POST", "/containers/create?name=imported", {"Image": "large", "Cmd": ["x"]})
    with serve(tmp_path, *kept, port=port) as serving:
        found = serving.ask_daemon("GET", "/containers/imported/archive?path=/part3").body
    assert contents(found)["part3"] == contents(archive)["part3"]


def contents(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isreg()}  # type: ignore[union-attr]


@pytest.mark.parametrize("sized", [True, False], ids=["announced", "chunked"])
@pytest.mark.parametrize("way", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("size", [PORTION, 2 * PORTION, 2 * PORTION + 7])
def test_a_blob_of_several_portions_may_come_in_every_way(front: Serving, way: str, sized: bool, size: int) -> None:
    blob = os.urandom(size)
    body = blob if sized else iter((blob[:1], blob[1:]))
    repository = f"way/{way.lower()}-{sized}-{size}".lower()
    if way == "POST":
        answer = asked(front, "POST", f"/v2/{repository}/blobs/uploads/?digest={digest_of(blob)}", body)
    elif way == "PUT":
        answer = asked(front, "PUT", f"{begun(front, repository)}?digest={digest_of(blob)}", body)
    else:
        sent = asked(front, "PATCH", begun(front, repository), body)
        assert (sent.status, sent.headers["Range"]) == (202, f"0-{size - 1}")
        answer = asked(front, "PUT", f"{sent.headers['Location']}?digest={digest_of(blob)}", b"")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest_of(blob))
    assert front.ask("GET", f"/v2/{repository}/blobs/{digest_of(blob)}")[1] == blob


def test_a_blob_that_is_not_what_its_digest_says_is_not_taken(front: Serving) -> None:
    blob = os.urandom(2 * PORTION)
    wrong = digest_of(b"other")
    assert asked(front, "PUT", f"{begun(front, 'a/lie')}?digest={wrong}", blob).status == 400
    assert asked(front, "POST", f"/v2/a/lie/blobs/uploads/?digest={wrong}", blob).status == 400
    assert front.error("GET", f"/v2/a/lie/blobs/{wrong}")[0] == 404


def test_what_had_come_of_an_upload_that_broke_off_is_there(front: Serving) -> None:
    blob = os.urandom(2 * PORTION)
    place = begun(front, "cut/off")
    connection = HTTPConnection("127.0.0.1", front.port, timeout=60)
    connection.putrequest("PATCH", place)
    connection.putheader("Content-Length", str(len(blob)))
    connection.endheaders()
    connection.send(blob[: PORTION + MIB])
    connection.close()
    answer, _ = front.ask("GET", place)
    kept = int(answer.headers["Range"].removeprefix("0-")) + 1
    assert (answer.status, kept) in ((204, 1), (204, PORTION))  # 0-0 also says that nothing has come yet


def test_little_data_that_says_it_is_much_takes_little_room() -> None:
    bomb = gzip.compress(b"0123456789abcdef" * (1 << 22))  # 64 MiB
    blob = inflate(Blob.of(bomb))
    assert blob.size == 1 << 26
    assert len({id(piece) for piece in blob.pieces}) < 20


@pytest.mark.parametrize("size", [10, LITTLE, 3 * LITTLE])
def test_a_spool_gives_back_what_was_written(size: int) -> None:
    spool, data = Spool(), os.urandom(size)
    for at in range(0, size, MIB):
        spool.write(data[at : at + MIB])
        spool.write(bytes(MIB))
        spool.write(data[:MIB])
    whole = b"".join(data[at : at + MIB] + bytes(MIB) + data[:MIB] for at in range(0, size, MIB))
    blob = spool.blob()
    assert (blob.on_disk, bytes(blob)) == (size > LITTLE, whole)
    assert blob[size // 2 : size // 2 + 5000] == whole[size // 2 : size // 2 + 5000]
