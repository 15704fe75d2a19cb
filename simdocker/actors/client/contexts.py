"""Build contexts: the files that `docker build` sends to the daemon, as one tar.

A context is a directory of the client's host without what its `.dockerignore` leaves out, or what
comes on standard input: a tar, or a Dockerfile alone. What can be no context is refused in the words
of docker's `cli/command/image/build`.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator
from typing import NamedTuple

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.input import archive_from_stdin
from simdocker.actors.client.terminal import Process
from simdocker.actors.wire import not_answered, not_found
from simdocker.api.gotext import go_quote
from simdocker.content import archive
from simdocker.content import digest as digests
from simdocker.content.archive import ArchiveError, Files
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY, FILE, Node, file
from simdocker.content.dockerignore import BadPattern, Ignored, patterns

STDIN = "-"
DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"
COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_GIT = re.compile(r"(git://|git@|github\.com/)|https?://.*\.git(#.*)?$")


class Context(NamedTuple):
    """What is sent: the tar, and the name of the Dockerfile in it."""

    data: Blob
    dockerfile: str


def context(cli: Cli, where: str, dockerfile: str) -> Process:
    """Process → Context: from `where` (a directory or `-`), with the Dockerfile of `-f`. Raises CommandError."""
    if where == STDIN:
        if dockerfile == STDIN:
            raise CommandError("invalid argument: can't use stdin for both build context and dockerfile")
        data = yield from archive_from_stdin(cli)
        return _from_stdin(data, dockerfile)
    _check_kind(cli, where)
    directory, name = _local(cli, where, dockerfile)
    own = None
    if dockerfile == STDIN:
        own = bytes((yield from archive_from_stdin(cli)))
    elif name.startswith("../"):
        own = cli.terminal.read_file(cli.terminal.abspath(dockerfile))
    return Context(*_packed(cli, directory, name, own))


def _name_server(cli: Cli) -> str:
    """The server that the client's host asks for names."""
    lines = cli.terminal.read_file("/etc/resolv.conf").decode().splitlines()
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
    return f"{servers[0]}:53" if servers else ""


def _check_kind(cli: Cli, where: str) -> None:
    if cli.terminal.exists(where):
        return
    if _GIT.match(where):
        raise CommandError(
            "unable to prepare context: unable to find 'git': exec: \"git\": executable file not found in $PATH"
        )
    if where.startswith(("http://", "https://")):
        host = where.split("/")[2].partition(":")[0]
        raise CommandError(
            f"unable to prepare context: unable to download remote context {where}: "
            + not_answered("Get", where, not_found(host, _name_server(cli)))
        )
    raise CommandError(f"unable to prepare context: path {go_quote(where)} not found")


# -- a directory -------------------------------------------------------------------------------------


def _local(cli: Cli, where: str, dockerfile: str) -> tuple[str, str]:
    """The directory, links followed, and the Dockerfile's path from there. Raises CommandError."""
    files = cli.terminal.filesystem
    directory = files.real(cli.terminal.abspath(where))
    node = files.find(directory)
    if node is None or node.kind != DIRECTORY:
        raise CommandError(f"unable to prepare context: context must be a directory: {directory}")
    if dockerfile == STDIN:
        return directory, STDIN
    path = cli.terminal.abspath(dockerfile) if dockerfile else posixpath.join(directory, DOCKERFILE)
    if not dockerfile and files.find(path) is None:
        lower = posixpath.join(directory, DOCKERFILE.lower())
        path = lower if files.find(lower) is not None else path
    try:
        path = files.real(path)
    except OSError as error:
        raise CommandError(
            "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
            f"lstat {path}: {str(error.strerror).lower()}"
        ) from None
    return directory, posixpath.relpath(path, directory)


def _packed(cli: Cli, directory: str, dockerfile: str, own: bytes | None) -> tuple[Blob, str]:
    """The tar of a directory; `own` is a Dockerfile that is not in it, which goes in under a new name."""
    files = cli.terminal.filesystem
    node = files.find(posixpath.join(directory, IGNORE_FILE), follow=True)
    lines = patterns(bytes(node.data)) if node is not None and node.data is not None else []
    try:
        if Ignored(lines).matches(IGNORE_FILE):
            lines.append(f"!{IGNORE_FILE}")
        if dockerfile != STDIN and Ignored(lines).matches(dockerfile):
            lines.append(f"!{dockerfile}")
        ignored = Ignored(lines)
    except BadPattern as fault:
        raise CommandError(f"error checking context: {fault}") from None
    entries = list(_included(files, directory, "", ignored))
    if own is None:
        return archive.pack(entries), dockerfile
    entries, dockerfile = _with_dockerfile(entries, own)
    data = archive.pack(entries)
    # docker closes its pipe before the end of this archive: what follows the last file's bytes is lost.
    return data.part(0, data.size - len(archive.end()) - (-len(own) % tarfile.BLOCKSIZE)), dockerfile


def directory_tar(cli: Cli, directory: str) -> Blob:
    """The tar of all of a directory, all of it root's."""
    return archive.pack(list(_included(cli.terminal.filesystem, directory, "", Ignored([]))))


def _included(files: Files, directory: str, folder: str, ignored: Ignored) -> Iterator[tuple[str, Node]]:
    """What is not ignored below `folder`, by its name in the context, all of it root's."""
    for name in files.names(posixpath.join(directory, folder)):
        path = posixpath.join(folder, name)
        node = files.find(posixpath.join(directory, path))
        if node is None:
            continue
        left_out = ignored.matches(path)
        if not left_out:
            yield path, _as_root(node)
        if node.kind == DIRECTORY and (not left_out or ignored.may_take_back_below(path)):
            yield from _included(files, directory, path, ignored)


def _as_root(node: Node) -> Node:
    """The node as the archive has it: nobody on the daemon's host is who owns it here."""
    copy = Node(node.kind, node.mode, mtime=node.mtime)
    copy.data = bytes(node.data) if isinstance(node.data, bytearray) else node.data
    copy.size, copy.target, copy.program, copy.rdev = node.size, node.target, node.program, node.rdev
    return copy


def _with_dockerfile(entries: list[tuple[str, Node]], text: bytes) -> tuple[list[tuple[str, Node]], str]:
    """The entries with one Dockerfile more, and its name. docker takes a random name; here it is the
    content's, so that the same build is the same. `.dockerignore` keeps it out of what is copied."""
    name = f".dockerfile.{digests.of(text).removeprefix('sha256:')[:20]}"
    ignore = next((bytes(node.data) for path, node in entries if path == IGNORE_FILE and node.data is not None), None)
    lines = (IGNORE_FILE.encode() if ignore is None else ignore) + f"\n{name}\n".encode()
    added = {**dict(entries), IGNORE_FILE: file(lines, 0o600), name: file(text, 0o600)}
    return list(added.items()), name


# -- standard input ----------------------------------------------------------------------------------


def _from_stdin(data: Blob, dockerfile: str) -> Context:
    """A tar as it is, or a text that is the Dockerfile of a context with nothing else."""
    if _is_archive(data):
        return Context(data, dockerfile)
    node = Node(FILE, 0o644)
    node.data = bytes(data)
    node.size = data.size
    return Context(archive.pack([(DOCKERFILE, node)]), DOCKERFILE)


def _is_archive(data: Blob) -> bool:
    if data[:8].startswith(COMPRESSED):
        return True
    try:
        return next(iter(archive.members(data)), None) is not None
    except ArchiveError:
        return False
