"""Where a copied file or directory ends up: the rules of `docker cp` (moby's go-archive, copy.go).

They are those of `cp -a`: a source that is a directory is copied into a destination that exists and
becomes one that does not; `/.` at the end means its content alone; a trailing slash insists on a
directory. Client and daemon follow the same rules, each for its side.
"""

from __future__ import annotations

import errno
import posixpath
import tarfile
from collections.abc import Iterator
from typing import NamedTuple

from simdocker.content.archive.reading import members
from simdocker.content.archive.unpacking import Files, Filesystem
from simdocker.content.archive.writing import end, pack, padded
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY, SYMLINK, Node

MAX_LINKS = 10


class CopyError(Exception):
    """A copy that cannot be; the argument is docker's sentence."""


class Place(NamedTuple):
    """One end of a copy. `rename` is the name the source goes by, when that is not its own."""

    path: str
    exists: bool = True
    is_directory: bool = False
    rename: str = ""


def base(path: str) -> str:
    """Go's filepath.Base."""
    return posixpath.basename(path.rstrip("/")) or ("/" if path else ".")


def clean(path: str) -> str:
    """Go's filepath.Clean."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def preserved(cleaned: str, original: str) -> str:
    """`cleaned` with the trailing `/` or `/.` that `original` has."""
    if base(cleaned) != "." and base(original) == ".":
        cleaned = f"{cleaned.rstrip('/')}/."
    if not cleaned.endswith("/") and original.endswith("/"):
        cleaned += "/"
    return cleaned


def split(path: str) -> tuple[str, str]:
    """The directory and the entry in it; `dir/.` is the entry `.` of `dir`."""
    cleaned = clean(path)
    if base(path) == ".":
        return cleaned, "."
    return posixpath.dirname(cleaned) or ".", base(cleaned)


def renamed(path: str, resolved: str) -> tuple[str, str]:
    """`resolved`, what `path` leads to, insisting on what `path` insists on; and the name of `path`
    where it is another."""
    resolved = preserved(resolved, path)
    return resolved, base(path) if base(path) != base(resolved) else ""


def source(files: Filesystem, path: str, *, follow: bool) -> Place:
    """The place of a source on this side. Raises CopyError."""
    try:
        if follow:
            resolved, rename = renamed(path, _real(files, path))
        else:
            folder, _, name = path.rpartition("/")
            resolved = f"{_real(files, folder or '/').rstrip('/')}/{name}"
            rename = base(path) if path.endswith("/") and base(path) != base(resolved) else ""
        node = files.find(resolved)
    except OSError as error:
        raise CopyError(_reason(error)) from None
    if node is None:
        raise CopyError(f"lstat {resolved}: no such file or directory")
    return Place(resolved, True, node.kind == DIRECTORY, rename)


def destination(files: Filesystem, path: str) -> Place:
    """The place of a destination on this side, links followed; it need not exist, its directory must.
    Raises CopyError."""
    try:
        node = files.find(path)
        for _ in range(MAX_LINKS + 1):
            if node is None or node.kind != SYMLINK:
                break
            path = posixpath.join(split(path)[0], node.target)
            node = files.find(path)
        else:
            raise CopyError("too many symbolic links in path")
        if node is not None:
            return Place(path, True, node.kind == DIRECTORY)
        parent = files.find(split(path)[0], follow=True)
    except OSError as error:
        raise CopyError(f"lstat {path}: {_reason(error)}") from None
    if parent is None:
        raise CopyError(f"stat {split(path)[0]}: no such file or directory")
    if parent.kind != DIRECTORY:
        raise CopyError("not a directory")
    return Place(path, exists=False)


def prepare(content: Blob, origin: Place, target: Place) -> tuple[str, Blob]:
    """The directory to unpack into, and the archive with its names changed to what they become.
    Raises CopyError."""
    folder, name = split(target.path)
    if target.exists and target.is_directory:
        return target.path, content
    if target.exists and origin.is_directory:
        raise CopyError("cannot copy directory")
    if not target.exists and not origin.is_directory and (target.path.endswith("/") or base(target.path) == "."):
        raise CopyError("no such directory")
    return folder, rebase(content, origin.rename or split(origin.path)[1], name)


def rebase(content: Blob, old: str, new: str) -> Blob:
    """The archive with `old` at the beginning of its names replaced by `new`."""
    return Blob(_rebased(content, "" if old == "/" else old, new))


def _rebased(content: Blob, old: str, new: str) -> Iterator[bytes | int | Blob]:
    for entry in members(content):
        info = entry.info
        info.name = info.name.replace(old, new, 1)
        if info.islnk():
            info.linkname = info.linkname.replace(old, new, 1)
        info.pax_headers = {key: value for key, value in info.pax_headers.items() if key not in ("path", "linkpath")}
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        yield from padded(entry.raw[1])
    yield end()


def archive_of(files: Files, path: str, name: str) -> Blob:
    """What is at `path`, a directory with all below it, under `name`."""
    return pack(below(files, path, name), kinds=True)


def below(files: Files, path: str, name: str) -> Iterator[tuple[str, Node]]:
    """The entries of an archive of what is at `path`: `name` and, sorted, all that is in it."""
    node = files.find(path)
    if node is None:
        return
    yield name, node
    if node.kind == DIRECTORY:
        for child in sorted(files.names(path)):
            yield from below(files, f"{path.rstrip('/')}/{child}", f"{name.rstrip('/')}/{child}")


def _real(files: Filesystem, path: str) -> str:
    """filepath.EvalSymlinks. Raises OSError; what a missing link target is called is in the error."""
    try:
        return files.real(path)
    except FileNotFoundError:
        raise OSError(errno.ENOENT, f"lstat {_first_missing(files, path)}: no such file or directory") from None


def _first_missing(files: Filesystem, path: str) -> str:
    """The first name on the way that is not there."""
    at = ""
    for name in [name for name in path.split("/") if name]:
        here = f"{at}/{name}"
        node = files.find(here)
        if node is None:
            return here
        if node.kind == SYMLINK and files.find(here, follow=True) is None:
            return _first_missing(files, clean(posixpath.join(at or "/", node.target)))
        at = here
    return path


def _reason(error: OSError) -> str:
    text = str(error.strerror)
    return text[:1].lower() + text[1:]
