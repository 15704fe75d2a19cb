"""Where `docker cp` puts things: the rules that client and daemon share."""

from __future__ import annotations

import pytest

from simdocker.content import archive
from simdocker.content.archive import Tree, copying
from simdocker.content.archive.copying import CopyError, Place
from simdocker.content.changeset import directory, file, put, symlink


def host() -> Tree:
    tree = Tree(directory())
    put(tree.root, "/w/f", file("hi\n"))
    put(tree.root, "/w/dir/sub/b", file("b\n"))
    put(tree.root, "/w/lf", symlink("f"))
    put(tree.root, "/w/dangling", symlink("nowhere"))
    return tree


def names(data: object) -> list[str]:
    return [entry.info.name for entry in archive.members(data)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "target", "folder", "entries"),
    [
        ("/w/f", Place("/tmp", True, True), "/tmp", ["f"]),
        ("/w/f", Place("/tmp/g", exists=False), "/tmp", ["g"]),
        ("/w/f", Place("/tmp/g", True, False), "/tmp", ["g"]),
        ("/w/dir", Place("/tmp", True, True), "/tmp", ["dir", "dir/sub", "dir/sub/b"]),
        ("/w/dir", Place("/tmp/new", exists=False), "/tmp", ["new", "new/sub", "new/sub/b"]),
        ("/w/dir/.", Place("/tmp", True, True), "/tmp", [".", "./sub", "./sub/b"]),
    ],
)
def test_a_copy_ends_up_where_cp_would_put_it(source: str, target: Place, folder: str, entries: list[str]) -> None:
    files = host()
    origin = copying.source(files, source, follow=False)
    data = archive.archive_of(files, origin.path, copying.split(origin.path)[1])
    where, prepared = copying.prepare(data, origin, target)
    assert (where, names(prepared)) == (folder, entries)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("/w/f", Place("/tmp/no/", exists=False), "no such directory"),
        ("/w/dir", Place("/etc/passwd", True, False), "cannot copy directory"),
    ],
)
def test_what_cannot_be_copied(source: str, target: Place, message: str) -> None:
    files = host()
    origin = copying.source(files, source, follow=False)
    with pytest.raises(CopyError, match=message):
        copying.prepare(archive.archive_of(files, source, "x"), origin, target)


def test_links_are_copied_or_followed() -> None:
    files = host()
    assert copying.source(files, "/w/lf", follow=False) == Place("/w/lf", True, False, "")
    assert copying.destination(files, "/w/dangling") == Place("/w/nowhere", exists=False)


def test_a_trailing_dot_or_slash_is_kept() -> None:
    assert copying.preserved("/w/dir", "dir/.") == "/w/dir/."
    assert copying.preserved("/w/dir", "dir/") == "/w/dir/"
    assert copying.split("/w/dir/.") == ("/w/dir", ".")
    assert copying.split("/w/dir/") == ("/w", "dir")
