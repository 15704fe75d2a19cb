"""Layers made to get out of their directory: whatever an archive says, nothing outside changes."""

import io
import tarfile

import pytest

from simdocker.backends.linux import extract
from simdocker.backends.ports import DriverError
from simdocker.content.archive import ArchiveError, read_layer
from simdocker.content.blob import Blob
from simdocker.content.changeset import Node, file

OUT = "OUTSIDE"  # becomes the path of a directory that must stay as it is
FILE, LINK, SYMLINK, DIR, CHAR, BLOCK, FIFO = (
    tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
)  # fmt: skip
UP = "../" * 12


def entry(name, kind=FILE, link="", **more):
    return name, kind, link, more


# fmt: off
HOSTILE = {
    "an absolute path": [entry(f"{OUT}/new")],
    "an absolute path over a file": [entry(f"{OUT}/kept")],
    "parents": [entry(f"{UP}{OUT}/new")],
    "parents in the middle": [entry(f"a/b/../../{UP}{OUT}/new")],
    "two dots alone": [entry("..", DIR)],
    "two dots and a name": [entry("../new")],
    "a dot": [entry(".", DIR, mode=0o777)],
    "the root": [entry("/", DIR, mode=0)],
    "an empty name": [entry("")],
    "a slash too many": [entry(f"//{OUT}//new")],
    "a link out": [entry("l", SYMLINK, OUT), entry("l/new")],
    "a relative link out": [entry("l", SYMLINK, f"{UP}{OUT}"), entry("l/new")],
    "a chain of links out": [
        entry("a", SYMLINK, ".."),
        entry("b", SYMLINK, "a/.."),
        entry("c", SYMLINK, f"b/{UP}{OUT}"),
        entry("c/new"),
    ],
    "a link to the root": [entry("l", SYMLINK, "/"), entry(f"l{OUT}/new")],
    "a link to its parent": [entry("d", DIR), entry("d/l", SYMLINK, ".."), entry(f"d/l/{UP}{OUT}/new")],
    "a link that becomes a directory": [entry("l", SYMLINK, OUT), entry("l", DIR, mode=0o777), entry("l/new")],
    "a directory that becomes a link": [entry("d", DIR), entry("d/x"), entry("d", SYMLINK, OUT), entry("d/new")],
    "a link to itself": [entry("l", SYMLINK, "l"), entry("l/new")],
    "two links to each other": [entry("a", SYMLINK, "b"), entry("b", SYMLINK, "a"), entry("a/new")],
    "a file through a link": [entry("l", SYMLINK, f"{OUT}/kept"), entry("l")],
    "a hard link to a host file": [entry("h", LINK, f"{OUT}/kept"), entry("h")],
    "a hard link with parents": [entry("h", LINK, f"{UP}{OUT}/kept")],
    "a hard link through a link": [entry("l", SYMLINK, OUT), entry("h", LINK, "l/kept"), entry("h", mode=0o4777)],
    "a hard link to a link": [entry("l", SYMLINK, f"{OUT}/kept"), entry("h", LINK, "l"), entry("h", mode=0o777)],
    "a hard link to a directory": [entry("d", DIR), entry("h", LINK, "d")],
    "a hard link to nothing": [entry("h", LINK, "nothing")],
    "a hard link to itself": [entry("h", LINK, "h")],
    "a hard link to later": [entry("h", LINK, "f"), entry("f")],
    "a device": [entry("sda", BLOCK, major=8, minor=0)],
    "memory": [entry("mem", CHAR, major=1, minor=1)],
    "a device that looks like a whiteout": [entry("w", CHAR, major=0, minor=0)],
    "a device with lying numbers": [entry("x", CHAR, major=1 << 20, minor=1 << 20)],
    "a pipe": [entry("p", FIFO), entry("p")],
    "set-user-ID": [entry("su", mode=0o6755)],
    "a strange owner": [entry("x", uid=1 << 31, gid=1 << 31)],
    "an owner below zero": [entry("x", uid=-5)],
    "whiteout of the root": [entry(".wh.")],
    "whiteout of a dot": [entry(".wh..")],
    "whiteout of the parent": [entry(".wh...")],
    "whiteout outside": [entry(f"{UP}{OUT}/.wh.kept")],
    "whiteout through a link": [entry("l", SYMLINK, OUT), entry("l/.wh.kept")],
    "opaque outside": [entry("l", SYMLINK, OUT), entry("l/.wh..wh..opq")],
    "aufs's own": [entry(".wh..wh.plnk", DIR), entry(".wh..wh.plnk/x")],
    "the same name twice": [entry("x"), entry("x", DIR), entry("x/y"), entry("x", SYMLINK, OUT), entry("x/new")],
    "a file below a file": [entry("f"), entry("f/g")],
    "a name too long": [entry("n" * 300)],
    "a deep path": [entry("d/" * 900 + "x")],
    "a very deep path": [entry("d/" * 20_000 + "x")],
    "as deep as a path can be": [entry("d/" * 2_040 + "x")],
    "deeper through links": [entry("d/" * 400, DIR), entry("l", SYMLINK, "d/" * 400), entry("l/" + "e/" * 400, DIR)],
    "many names": [entry(f"n{number}") for number in range(5_000)],
    "many names of one file": [entry("f"), *(entry(f"h{number}", LINK, "f") for number in range(2_000))],
    "a time before time": [entry("x", mtime=-(1 << 40))],
    "a line feed in a name": [entry("a\nb")],
    "not UTF-8": [entry("\udcff\udcfe")],
    "an unknown kind": [entry("x", b"Z")],
}
# fmt: on


def archive(entries, outside):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, link, more in entries:
            info = tarfile.TarInfo(name.replace(OUT, outside))
            info.type, info.linkname = kind, link.replace(OUT, outside)
            info.uid, info.gid, info.mtime = more.get("uid", 0), more.get("gid", 0), more.get("mtime", 0)
            info.mode = more.get("mode", 0o644 if kind != DIR else 0o755)
            info.devmajor, info.devminor = more.get("major", 0), more.get("minor", 0)
            info.size = 4 if kind == FILE else 0
            tar.addfile(info, io.BytesIO(b"bad\n") if kind == FILE else None)
    return data.getvalue()


def survey(path):
    """Everything below a directory: names, modes, owners, contents."""
    return {
        str(entry.relative_to(path)): (entry.lstat().st_mode, entry.lstat().st_uid, entry.lstat().st_mtime_ns,
                                       entry.lstat().st_nlink, entry.read_bytes() if entry.is_file() else b"")
        for entry in [path, *path.rglob("*")]
    }  # fmt: skip


@pytest.mark.root
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_layer_changes_nothing_outside(name, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept\n")
    (tmp_path / "layers").mkdir()
    before, around = survey(outside), sorted(path.name for path in tmp_path.iterdir())
    try:
        tree, _ = read_layer(Blob.of(archive(HOSTILE[name], str(outside))))
        extract.write_tree(tree, str(tmp_path / "layers" / "1"))
    except (ArchiveError, DriverError) as refused:
        assert refused.args[0]
    assert survey(outside) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == around
    assert {path.name for path in (tmp_path / "layers").iterdir()} <= {"1"}


@pytest.mark.root
@pytest.mark.parametrize("size", [1 << 44, 1 << 62])
def test_a_file_that_lies_about_its_size_is_refused(size, tmp_path):
    tree = Node("dir", 0o755)
    tree.children["huge"] = Node("file", 0o644)
    tree.children["huge"].size = size
    with pytest.raises(DriverError, match="file too large"):
        extract.write_tree(tree, str(tmp_path / "1"))


@pytest.mark.root
@pytest.mark.parametrize("name", ["..", ".", "a/b", "/etc", "", "a\0b"])
def test_a_tree_with_a_name_that_is_none_is_refused(name, tmp_path):
    tree = Node("dir", 0o755)
    tree.children[name] = file("x")
    with pytest.raises(DriverError, match="invalid argument"):
        extract.write_tree(tree, str(tmp_path / "1"))
