"""`POST /build`: from the bytes of a build context to an image, and `POST /build/prune`.

What is wrong before the first step is the answer's status; what goes wrong later is the last message
of the stream, after a 200.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from tarfile import BLOCKSIZE
from typing import TYPE_CHECKING, Any

from simpy import Interrupt

from simdocker.actors.daemon import progress
from simdocker.actors.daemon.builder import options as requests
from simdocker.actors.daemon.builder.build import Build
from simdocker.actors.daemon.builder.options import DEFAULT_NAME, Options
from simdocker.actors.daemon.builder.output import Output
from simdocker.actors.daemon.builder.running import CommandFailed
from simdocker.actors.daemon.builder.sources import Source
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.query import Filters
from simdocker.api import ApiError, BadRequest, InternalError, Request, Response, Stream
from simdocker.api.gotext import parse_duration
from simdocker.backends.ports import Process
from simdocker.content import archive
from simdocker.content.archive import ArchiveError, Member, Tree
from simdocker.content.archive.reading import Corrupt, Short, Truncated
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY
from simdocker.content.digest import short
from simdocker.content.dockerfile import DockerfileError, Parsed, parse
from simdocker.content.dockerignore import Ignored, patterns

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

IGNORE_FILE = ".dockerignore"
PRUNE_FILTERS = frozenset("until id parent type description inuse shared private label label!".split())


class Builds:
    """The builds of one daemon."""

    __slots__ = ("_contexts", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._contexts = 0

    def routes(self) -> list[Route]:
        return [Route("POST", "/build", self.build), Route("POST", "/build/prune", self.prune)]

    def build(self, request: Request) -> Reply:
        """Process: `POST /build`; the body is a tar of the build context.

        1. Read the options, unpack the context, read its Dockerfile.
        2. Answer, and build: each step's messages go to the stream as they come.
        """
        daemon = self.daemon
        options = requests.read(request.query)
        output = Output(Stream(daemon.env), quiet=options.quiet)
        data = Blob.of(request.body or b"")
        yield daemon.env.timeout(daemon.cost("disk.write.mib") * data.size >> 20)
        self._contexts += 1
        tree = _context(options, data)
        parsed = _dockerfile(tree, options.dockerfile, f"/var/lib/docker/tmp/docker-builder{self._contexts:09d}")
        daemon.platform_of(options.platform)
        build = Build(daemon, options, parsed, Source(tree, is_context=True), output)
        daemon.trace.note(daemon.actor, "build context received", {"bytes": data.size})
        process = daemon.env.process(self._run(build, output))
        output.stream.on_cancel = lambda: process.interrupt() if process.is_alive else None
        return progress.answer(output.stream)

    def _run(self, build: Build, output: Output) -> Process:
        """Process: build, name the image, tell the client how it went. A client that hangs up ends it."""
        daemon = self.daemon
        try:
            image = yield from build.run()
            output.text(f"Successfully built {short(image.id)}\n")
            for name in build.options.names:
                yield from daemon.images.give_name(image, name)
                output.text(f"Successfully tagged {name.familiar}\n")
            output.succeeded(image.id)
        except CommandFailed as failed:
            output.failed(failed.message, failed.code)
        except ApiError as fault:
            output.failed(fault.message)
        except Interrupt:
            daemon.trace.note(daemon.actor, "build cancelled")
            yield from build.containers.remove_all(quietly=True)
            return
        if build.options.force_remove:
            yield from build.containers.remove_all(quietly=True)

    def prune(self, request: Request) -> Reply:
        """Process: `POST /build/prune`: BuildKit's cache, of which the classic builder has none: its cache are
        images, which `docker image prune` takes away."""
        try:
            filters = Filters.parse(request.query.get("filters"), PRUNE_FILTERS)
            for text in filters.get("until"):
                _check_duration(text)
        except ApiError as fault:
            raise BadRequest(f"failed to prune build cache: {fault.message}") from None
        yield self.daemon.work("api.list")
        return Response(200, {"CachesDeleted": None, "SpaceReclaimed": 0})


def _check_duration(text: str) -> None:
    """Raises BadRequest for an `until` that is no duration."""
    try:
        parse_duration(text)
    except ValueError as error:
        raise BadRequest(f"\"until\" filter expects a duration (e.g., '24h'): {error}") from None


def _context(options: Options, data: Blob) -> Tree:
    """The files of a build context. Raises ApiError."""
    if options.remote:
        raise InternalError(f"remoteURL ({options.remote}) could not be recognized as URL")
    tree = Tree()
    try:
        archive.unpack(_read_on(archive.members(archive.inflate(data))), tree, "/")
    except ArchiveError as error:
        raise InternalError(error.told) from None
    return tree


def _read_on(entries: Iterator[Member]) -> Iterator[Member]:
    """The entries as dockerd hands them on to the process that unpacks them, summing them up on the way. What is no
    entry ends that: the other misses the padding of the one before, or if that has none nothing at all."""
    size = 0
    try:
        for entry in entries:
            size = entry.size if entry.info.isreg() else 0
            yield entry
    except ArchiveError as fault:
        if size % BLOCKSIZE or isinstance(fault, Short):
            raise Truncated from None
        raise Corrupt(fault.message) from None


def _dockerfile(tree: Tree, name: str, folder: str) -> Parsed:
    """Read the Dockerfile of a context that dockerd unpacks into `folder`, and take it out of the context if
    `.dockerignore` says so. Raises ApiError."""
    node = _find(tree, name)
    if node is None and name == DEFAULT_NAME and _find(tree, name.lower()) is not None:
        name = name.lower()
        node = _find(tree, name)
    if node is None:
        raise InternalError(f"Cannot locate specified Dockerfile: {name}")
    if node.kind == DIRECTORY:
        path = posixpath.normpath(f"{folder}/{name}")
        raise InternalError(f"unexpected error reading Dockerfile: read {path}: is a directory")
    if not node.size:
        raise InternalError(f"the Dockerfile ({name}) cannot be empty")
    try:
        parsed = parse(bytes(node.data) if node.data is not None else bytes(min(node.size, 1 << 16)))
    except DockerfileError as fault:
        raise BadRequest(f"failed to parse {name}: {fault}") from None
    ignore = _find(tree, IGNORE_FILE)
    if ignore is not None and ignore.data is not None:
        ignored = Ignored(patterns(bytes(ignore.data)))
        for file in (IGNORE_FILE, name):
            if ignored.matches(file) and tree.find(f"/{file}") is not None:
                tree.remove(f"/{file}")
    return parsed


def _find(tree: Tree, name: str) -> Any:
    """A file of the context, links followed inside it."""
    try:
        return tree.find(f"/{name}", follow=True)
    except OSError:
        return None
