"""Archives: what goes in comes out, equal trees give equal bytes, and nothing hostile gets anywhere."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdocker.content import archive
from simdocker.content.archive import ArchiveError, Tree
from simdocker.content.archive.headers import plain
from simdocker.content.archive.reading import members
from simdocker.content.blob import Blob
from simdocker.content.changeset import (
    DIRECTORY,
    Node,
    directory,
    file,
    filler,
    fingerprint,
    put,
    symlink,
    walk,
    whiteout,
)
from simdocker.content.image import Layer

SECOND = 1_000_000_000


def sample() -> Node:
    root = directory()
    for path, node in {
        "/bin/busybox": filler(1_982_256, 0o755, program="busybox"),
        "/etc/passwd": file("root:x:0:0:root:/root:/bin/sh\n"),
        "/etc/mtab": symlink("/proc/mounts"),
        "/etc/gone": whiteout(),
        "/a/" + "long/" * 40 + "name": file("deep"),
        "/ünïcode": file(b"\0" * 10),
        "/fifo": Node("fifo", 0o600),
    }.items():
        put(root, path, node)
    root.children["bin"].children["sh"] = root.children["bin"].children["busybox"]
    root.children["bin"].children["sh"].nlink = 2
    device = put(root, "/dev/null", Node("chr", 0o666))
    device.rdev = (1, 3)
    put(root, "/etc/new", Node(DIRECTORY, 0o700, uid=5, gid=6)).opaque = True
    for _, node in walk(root):
        node.mtime = 1684449257 * SECOND
    return root


def tar(*entries: tuple[str, dict[str, object]]) -> Blob:
    """An archive as somebody else makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as out:
        for name, fields in entries:
            info = tarfile.TarInfo(name)
            data = fields.pop("data", b"")
            for field, value in fields.items():
                setattr(info, field, value)
            assert isinstance(data, bytes)
            info.size = info.size or len(data)
            out.addfile(info, io.BytesIO(data) if info.isreg() and len(data) == info.size else None)
    return Blob.of(buffer.getvalue())


def test_a_layer_comes_back_as_it_was():
    tree = sample()
    back, same = archive.read_layer(archive.layer(tree))
    for _, node in walk(back):  # what no entry mentions is made with it
        node.mtime = 1684449257 * SECOND
    assert fingerprint(back) == fingerprint(tree)
    assert back.children["bin"].children["sh"] is back.children["bin"].children["busybox"]
    assert same == archive.layer(tree) == archive.layer(back)


def test_tar_itself_reads_a_layer():
    with tarfile.open(fileobj=io.BytesIO(bytes(archive.layer(sample())))) as read:
        names = {member.name: member for member in read}
    assert names["bin/sh"].islnk() and names["bin/sh"].linkname == "bin/busybox"
    assert names["etc/.wh.gone"].size == 0
    assert "etc/new/.wh..wh..opq" in names
    assert names["bin/busybox"].size == 1_982_256
    assert (names["dev/null"].devmajor, names["dev/null"].devminor) == (1, 3)


def test_a_foreign_layer_keeps_its_digest():
    foreign = tar(("./etc/", {"type": tarfile.DIRTYPE, "uname": "root"}), ("./etc/motd", {"data": b"hi\n" * 1000}))
    layer = Layer.of(foreign)
    assert layer.diff_id == foreign.sha256
    assert layer.archive == foreign
    assert layer.tree.children["etc"].children["motd"].size == 3000


def test_filler_costs_nothing_but_its_hash():
    layer = archive.layer(directory(big=filler(300 << 20)))
    assert layer.size == (300 << 20) + 3 * 512
    assert archive.read_layer(layer)[0].children["big"].data is None


def test_a_gzip_stream_is_unpacked_and_a_broken_one_refused():
    whole = archive.layer(sample())
    packed = gzip.compress(bytes(whole))
    assert archive.inflate(Blob.of(packed)) == whole
    assert archive.inflate(Blob.of(gzip.compress(b"one") + gzip.compress(b"two")))[:] == b"onetwo"
    with pytest.raises(ArchiveError, match="unexpected EOF"):
        archive.inflate(Blob.of(packed[:-20]))
    with pytest.raises(ArchiveError, match="unexpected EOF"):
        archive.inflate(Blob.of(packed[:30] + b"\xff" * 100 + packed[130:]))
    with pytest.raises(ArchiveError) as failure:
        archive.inflate(Blob.of(packed[:-8] + b"\xff" * 8))
    assert failure.value.told == "Error processing tar file(gzip: invalid checksum): "


@pytest.mark.parametrize("length", [100, 700, 1600])
def test_a_truncated_archive(length: int):
    whole = tar(("a", {"data": b"x" * 600}), ("b", {"data": b"y"}))
    with pytest.raises(ArchiveError, match="unexpected EOF"):
        archive.read_layer(whole.part(0, length))


def test_an_archive_that_claims_ten_gigabytes():
    with pytest.raises(ArchiveError, match="unexpected EOF"):
        archive.read_layer(tar(("a", {"size": 10 << 30})))


def test_garbage():
    for garbage in (b"garbage\n", b"g" * 511):
        with pytest.raises(ArchiveError, match="unexpected EOF"):
            archive.read_layer(Blob.of(garbage))
    with pytest.raises(ArchiveError, match="archive/tar: invalid tar header"):
        archive.read_layer(Blob.of(b"g" * 5000))
    good = tar(("a", {"data": b"x"}))
    with pytest.raises(ArchiveError, match="archive/tar: invalid tar header"):
        archive.read_layer(Blob([good.part(0, 1024), b"g" * 2000]))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("../up", {"data": b"x"})], '"../up" is outside of "/in"'),
        ([("a/../../up", {"data": b"x"})], '"../up" is outside of "/in"'),
        ([("out", {"type": tarfile.SYMTYPE, "linkname": "../../up"})], 'invalid symlink "/in/out" -> "../../up"'),
        ([("hard", {"type": tarfile.LNKTYPE, "linkname": "../up"})], 'invalid hardlink "/up" -> "../up"'),
        ([("l", {"type": tarfile.SYMTYPE, "linkname": "no"}), ("l/x", {})], "open /in/l/x: no such file or directory"),
        ([("hard", {"type": tarfile.LNKTYPE, "linkname": "no"})], "link /in/no /in/hard: no such file or directory"),
        ([("odd", {"type": b"V"})], "unhandled tar header type 86"),
    ],
)  # fmt: skip
def test_nothing_leaves_the_destination(entries: list[tuple[str, dict[str, object]]], message: str):
    tree = Tree()
    put(tree.root, "/up", file("mine"))
    with pytest.raises(ArchiveError) as failure:
        archive.unpack(archive.members(tar(*entries)), tree, "/in")
    assert failure.value.message == message
    assert tree.root.children["up"].data == b"mine"


def test_absolute_names_and_links_stay_inside():
    tree = Tree()
    hostile = tar(
        ("/etc/passwd", {"data": b"x"}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc"}),
        ("link/shadow", {"data": b"y"}),
    )
    archive.unpack(archive.members(hostile), tree, "/")
    assert sorted(tree.root.children["etc"].children) == ["passwd", "shadow"]


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_archive_is_read_or_refused(seed: int):
    import random

    chance = random.Random(seed)
    data = bytearray(bytes(archive.layer(sample()))[: 20 * 512])
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        archive.read_layer(Blob.of(data))
    except ArchiveError as refused:
        assert refused.message


def test_a_blob_is_its_bytes():
    data = b"a" * 5000 + bytes(20_000) + b"b" + bytes(100)
    blob = Blob.of(data)
    assert bytes(blob) == data and len(blob) == len(data)
    for start, stop in ((0, 1), (4999, 5001), (5000, 25_000), (8192, 8193), (24_990, 30_000), (7, 7)):
        assert blob[start:stop] == data[start:stop] == bytes(blob.part(start, stop))
    assert Blob([data[:7000], Blob([data[7000:9000], 0]), data[9000:]]) == blob
    assert Blob([3, 4, b"", 5])[:] == bytes(12)


@pytest.mark.parametrize("size", [b"-0000001000", b"zzz\0", b"0000000001+"])
def test_a_size_that_is_no_octal_number_ends_the_reading(size: bytes) -> None:
    """A negative one would lead back to the same header for ever."""
    header = bytearray(tarfile.TarInfo("x").tobuf())
    header[124:136] = size.ljust(12, b"\0")
    header[156:157] = tarfile.XHDTYPE
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ArchiveError):
        list(members(Blob.of(bytes(header) + bytes(2048))))


def plain_headers() -> list[bytes]:
    """One of each kind, in GNU's form and in POSIX's with a long name."""
    headers = []
    for form in (tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT):
        for kind in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE):
            info = tarfile.TarInfo("d/" * 60 + "name" if form == tarfile.USTAR_FORMAT else "name/")
            info.type, info.linkname, info.mode, info.uid, info.mtime = kind, "there", 0o4755, 1000, 1_700_000_000
            headers.append(info.tobuf(form))
    return headers


@given(st.sampled_from(plain_headers()), st.dictionaries(st.integers(0, 499), st.sampled_from(b"\0 /0179-+_.\x80\xff")))
def test_a_header_that_is_read_the_short_way_says_what_tarfile_reads(header: bytes, changes: dict[int, int]) -> None:
    block = bytearray(header)
    for at, byte in changes.items():
        block[at] = byte
    block[148:156] = b"        "
    block[148:155] = b"%06o\0" % sum(block)
    short = plain(bytes(block))
    if short is not None:
        whole = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "surrogateescape")
        assert short.get_info() == whole.get_info()
