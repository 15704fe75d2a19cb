"""`docker cp`: files between a container and the host."""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.input import archive_from_stdin
from simdocker.actors.client.terminal import Process
from simdocker.actors.client.values import BOOL
from simdocker.api import Response
from simdocker.content import archive
from simdocker.content.archive import ArchiveError, copying
from simdocker.content.archive.copying import CopyError, Place
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FILE

STAT = "X-Docker-Container-Path-Stat"
IS_DIRECTORY, IS_LINK, IS_DEVICE = 1 << 31, 1 << 27, 1 << 26  # Go's os.FileMode
ROOT = (0, 0)  # docker gives what it copies to the host to whom it runs as


@command(
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    "Copy files/folders between a container and the local filesystem",
    long="Copy files/folders between a container and the local filesystem\n"
    "\nUse '-' as the source to read a tar archive from stdin\n"
    "and extract it to a directory destination in a container.\n"
    "Use '-' as the destination to stream a tar archive of a\n"
    "container source to stdout.",
    args=exactly(2),
    aliases="docker container cp, docker cp",
    flags=[
        Flag("archive", "a", BOOL, "Archive mode (copy all uid/gid information)"),
        Flag("follow-link", "L", BOOL, "Always follow symbol link in SRC_PATH"),
        Flag(
            "quiet",
            "q",
            BOOL,
            "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is "
            "attached",
        ),
    ],
)
def cp(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one end is a container's, the other the host's or an archive on a pipe."""
    for path, name in zip(args, ("source", "destination"), strict=True):
        if not path:
            raise CommandError(f"{name} can not be empty")
    (origin, source), (target, destination) = _split(args[0]), _split(args[1])
    if origin and target:
        raise CommandError("copying between containers is not supported")
    if not origin and not target:
        raise CommandError("must specify at least one container source")
    quiet = flags.on("quiet") if flags.changed("quiet") else not cli.terminal.stdout_tty
    try:
        if origin:
            copied = yield from _from_container(cli, origin, source, destination, flags.on("follow-link"))
        else:
            copied = yield from _to_container(
                cli, target, source, destination, follow=flags.on("follow-link"), owners=flags.on("archive")
            )
    except (CopyError, ArchiveError) as fault:
        raise CommandError(str(fault.args[0])) from None
    if copied is not None and not quiet:
        size, where = copied
        cli.err(f"Successfully copied {human_size(size, 3)} to {where}\n")
    return 0


def _split(argument: str) -> tuple[str, str]:
    """(container, path); the container is "" for a path of the host."""
    container, colon, path = argument.partition(":")
    if argument.startswith("/") or not colon or container.startswith("."):
        return "", argument
    return container, path


def _host_path(cli: Cli, path: str) -> str:
    return copying.preserved(cli.terminal.abspath(path), path)


def _from_container(cli: Cli, container: str, source: str, destination: str, follow: bool) -> Process:
    """Process → (bytes, where to) that were copied; None when they went to standard output."""
    if destination != "-":
        destination = _host_path(cli, destination)
        _check_destination(cli, destination)
    rename = ""
    if follow:
        stat = _stat((yield from _head(cli, container, source)))
        if stat is not None and stat["mode"] & IS_LINK:
            link = posixpath.join(copying.split(source)[0], stat["linkTarget"])
            source, rename = copying.renamed(source, copying.clean(link))
    response = yield from cli.call("GET", f"/containers/{container}/archive", {"path": source})
    data: Blob = response.body
    if destination == "-":
        cli.out(data)
        return None
    stat = _stat(response)
    origin = Place(source, True, stat is not None and bool(stat["mode"] & IS_DIRECTORY), rename)
    if rename:
        data = copying.rebase(data, copying.split(source)[1], rename)
    files = cli.terminal.filesystem
    folder, prepared = copying.prepare(data, origin, copying.destination(files, destination))
    archive.unpack(archive.members(prepared), files, copying.clean(folder), keep_kinds=True, owner=ROOT)
    return data.size, destination


def _check_destination(cli: Cli, path: str) -> None:
    """The checks of the CLI's `ValidateOutputPath`. Raises CommandError."""
    files = cli.terminal.filesystem
    folder = posixpath.dirname(copying.clean(path))
    if files.find(folder, follow=True) is None:
        raise CommandError(f'invalid output path: directory "{folder}" does not exist')
    try:
        node = files.find(path, follow=True)
    except OSError as error:
        raise CommandError(f"stat {path}: {str(error.strerror).lower()}") from None
    if node is not None and node.kind not in (FILE, DIRECTORY):
        what = "got a device" if node.kind == DEVICE else "got an irregular file"
        raise CommandError(f'invalid output path: "{path}" must be a directory or a regular file: {what}')


def _to_container(cli: Cli, container: str, source: str, destination: str, *, follow: bool, owners: bool) -> Process:
    """Process → (bytes, where to) that were copied; None when they came from standard input."""
    local = source if source == "-" else _host_path(cli, source)
    target = yield from _target(cli, container, destination)
    if local == "-":
        if not target.is_directory:
            raise CommandError(f'destination "{container}:{destination}" must be a directory')
        data = yield from archive_from_stdin(cli)
        yield from _put(cli, container, target.path, data, owners)
        return None
    files = cli.terminal.filesystem
    origin = copying.source(files, local, follow=follow)
    name = copying.split(origin.path)[1]
    data = archive.archive_of(files, origin.path, origin.rename or name)
    folder, prepared = copying.prepare(data, origin, target)
    yield from _put(cli, container, folder, prepared, owners)
    return prepared.size, f"{container}:{target.path}"


def _target(cli: Cli, container: str, destination: str) -> Process:
    """Process → Place: the destination as the daemon sees it, a link followed once."""
    path = destination
    stat = _stat((yield from _head(cli, container, path)))
    if stat is not None and stat["mode"] & IS_LINK:
        path = posixpath.join(copying.split(path)[0], stat["linkTarget"])
        stat = _stat((yield from _head(cli, container, path)))
    if stat is None:
        return Place(path, exists=False)
    if stat["mode"] & IS_DEVICE:
        raise CommandError(
            f'destination "{container}:{destination}" must be a directory or a regular file: got a device'
        )
    return Place(path, True, bool(stat["mode"] & IS_DIRECTORY))


def _head(cli: Cli, container: str, path: str) -> Process:
    """Process → Response: ask what is at a path of the container."""
    return (yield from cli.try_call("HEAD", f"/containers/{container}/archive", {"path": path}))


def _stat(response: Response) -> dict[str, Any] | None:
    if response.failed or STAT not in response.headers:
        return None
    found: dict[str, Any] = json.loads(base64.b64decode(response.headers[STAT]))
    return found


def _put(cli: Cli, container: str, folder: str, data: Blob, owners: bool) -> Process:
    query: Mapping[str, str] = {"path": folder, "noOverwriteDirNonDir": "true"}
    if owners:
        query = {**query, "copyUIDGID": "true"}
    yield from cli.call("PUT", f"/containers/{container}/archive", query, data)
