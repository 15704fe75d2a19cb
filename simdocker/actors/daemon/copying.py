"""`docker cp`: archives out of a container's filesystem and into it.

The daemon looks into a container that runs or not: its layers, with volumes and binds mounted where the
container has them, but none of the kernel's filesystems (dockerd's `daemon/archive.go`).
"""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.query import truthy
from simdocker.actors.daemon.saving import TAR
from simdocker.api import BadRequest, InternalError, NotFound, Request, Response, times
from simdocker.content import archive
from simdocker.content.archive import ArchiveError, Filesystem, copying
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, SYMLINK, Node

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

STAT = "X-Docker-Container-Path-Stat"
BLOCK = 4096  # what a directory of ext4 says its size is

# Go's os.FileMode: the kind of a file in bits of its own, above the permissions.
_KINDS = {DIRECTORY: 1 << 31, SYMLINK: 1 << 27, DEVICE: 1 << 26 | 1 << 21, FIFO: 1 << 25}
_SPECIAL = ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20))


class Copying:
    """`HEAD`, `GET` and `PUT /containers/{id}/archive`."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [
            Route("HEAD", "/containers/{id}/archive", self.stat),
            Route("GET", "/containers/{id}/archive", self.get),
            Route("PUT", "/containers/{id}/archive", self.put),
        ]

    def stat(self, request: Request, id: str) -> Reply:
        """Process: what is at a path, in a header."""
        container, path = self._asked(request, id)
        files = yield from self._enter(container)
        with self._inside(container, path):
            found = _Found(files, container, path)
            return Response(200, headers={STAT: found.header()})

    def get(self, request: Request, id: str) -> Reply:
        """Process: what is at a path, as an archive."""
        container, path = self._asked(request, id)
        files = yield from self._enter(container)
        with self._inside(container, path):
            found = _Found(files, container, path)
            data = archive.archive_of(files, found.clean, copying.base(found.absolute))
        self.daemon.containers.event(container, "archive-path")
        return Response(200, data, {**TAR, STAT: found.header()}, size=data.size)

    def put(self, request: Request, id: str) -> Reply:
        """Process: unpack the body into a directory."""
        container, path = self._asked(request, id)
        data = Blob.of(request.body or b"")
        files = yield from self._enter(container)
        with self._inside(container, path):
            target = _target(files, container, path)
            keep = truthy(request.query.get("noOverwriteDirNonDir"))
            try:
                entries = archive.members(archive.inflate(data))
                archive.unpack(entries, files, target, keep_kinds=keep)
            except ArchiveError as error:
                raise InternalError(error.told) from None
        self.daemon.containers.event(container, "extract-to-dir")
        return Response(200)

    def _asked(self, request: Request, id: str) -> tuple[Container, str]:
        path = request.query.get("path", "")
        if not path:
            raise BadRequest("bad parameter: pathcannot be empty")
        return self.daemon.containers.get(id), path

    def _enter(self, container: Container) -> Generator[Event, Any, Filesystem]:
        """Process → Filesystem: mount the container's filesystem, volumes and all."""
        yield self.daemon.work("storage.mount")
        self.daemon.containers.get(container.id)  # it may have been removed meanwhile
        mounts = yield from self.daemon.volumes.visit(container)
        texts = self.daemon.networks.etc_files(container) if container.running else {}
        return self.daemon.storage.files(container.id, mounts, texts)

    @contextmanager
    def _inside(self, container: Container, path: str) -> Generator[None, None, None]:
        """What is not there is told in dockerd's sentence; the volumes are let go at the end."""
        try:
            yield
        except FileNotFoundError:
            raise NotFound(f"Could not find the file {path} in container {container.name}") from None
        except OSError as error:
            raise InternalError(f"lstat {path}: {(error.strerror or str(error)).lower()}") from None
        finally:
            self.daemon.volumes.leave(container)


class _Found:
    """A path of a container: all links on the way followed, the last name as it is. Raises OSError."""

    def __init__(self, files: Filesystem, container: Container, path: str) -> None:
        self.absolute = copying.preserved(copying.clean(f"/{path}"), path)
        folder, _, name = self.absolute.rpartition("/")
        resolved = f"{files.real(folder or '/').rstrip('/')}/{name}"
        try:
            node = files.find(resolved)
            if node is not None and resolved.endswith("/") and node.kind not in (DIRECTORY, SYMLINK):
                raise NotADirectoryError(resolved)
        except NotADirectoryError:
            merged = f"/var/lib/docker/overlay2/{container.id}/merged"
            raise InternalError(f"lstat {merged}{resolved}: not a directory") from None
        if node is None:
            raise FileNotFoundError(resolved)
        self.node: Node = node
        self.clean = copying.clean(resolved)
        self._files = files

    def header(self) -> str:
        """The JSON of Docker's `ContainerPathStat`, in base64."""
        node, mode = self.node, self.node.mode & 0o777
        mode |= _KINDS.get(node.kind, 0) | sum(bit for own, bit in _SPECIAL if node.mode & own)
        size = BLOCK if node.kind == DIRECTORY else len(node.target) if node.kind == SYMLINK else node.size
        stat = {
            "name": copying.base(self.absolute),
            "size": size,
            "mode": mode,
            "mtime": times.rfc3339(node.mtime - times.EPOCH_NS),
            "linkTarget": self._link_target() if node.kind == SYMLINK else "",
        }
        return base64.b64encode(json.dumps(stat, separators=(",", ":")).encode()).decode()

    def _link_target(self) -> str:
        """Where the link leads in the container, links on the way followed as far as they go."""
        target = copying.clean(posixpath.join(posixpath.dirname(self.clean), self.node.target))
        try:
            return self._files.real(target)
        except OSError:
            return target


def _target(files: Filesystem, container: Container, path: str) -> str:
    """The directory to unpack into, links followed to the end. Raises OSError and ApiError."""
    absolute = copying.preserved(copying.clean(f"/{path}"), path)
    target = files.real(absolute)
    node = files.find(target)
    if node is None or node.kind != DIRECTORY:
        raise InternalError("extraction point is not a directory")
    for mount in container.mounts:
        if f"{target}/".startswith(f"{mount.target.rstrip('/')}/"):
            if mount.read_only:
                raise InternalError("mounted volume is marked read-only")
            return target
    if container.host.ReadonlyRootfs:
        raise InternalError("container rootfs is marked read-only")
    return target
