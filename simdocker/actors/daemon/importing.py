"""`docker import`: a filesystem in an archive becomes an image of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simdocker.actors.daemon import progress
from simdocker.actors.daemon.builder.configuring import changed
from simdocker.actors.daemon.daemon import Reply
from simdocker.actors.daemon.loading import JSON
from simdocker.actors.daemon.system import VERSION
from simdocker.actors.daemon.web import unreachable
from simdocker.api import BadRequest, InternalError, Request, Response, Stream, times
from simdocker.api.messages import values
from simdocker.api.models import ContainerConfig
from simdocker.content import archive
from simdocker.content import digest as digests
from simdocker.content import reference as references
from simdocker.content.archive import ArchiveError
from simdocker.content.blob import Blob
from simdocker.content.image import Layer
from simdocker.content.manifest import History, ImageConfig, Platform, RootFS

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

BODY = "-"  # the archive comes with the request


def import_image(daemon: Daemon, request: Request, platform: Platform) -> Reply:
    """Process: `POST /images/create?fromSrc=…`.

    1. Check the name, the changes and where the archive comes from.
    2. Unpack the archive as a layer of its own.
    3. Write a configuration around it, name the image, tell its id.
    """
    query = request.query
    source, repo = query.get("fromSrc", ""), query.get("repo", "")
    if repo and references.parse(repo).digest:
        raise BadRequest("cannot import digest reference")
    if platform.os != daemon.platform.os:
        raise BadRequest("operating system is not supported")
    config = changed(ContainerConfig(), values(query, "changes"))
    if source != BODY:
        url = source if "://" in source else f"http://{source}"
        raise (InternalError if urlsplit(url).hostname else BadRequest)(unreachable(daemon, url))
    try:
        layer = Layer.of(archive.inflate(Blob.of(request.body or b"")))
    except ArchiveError as error:
        raise InternalError(error.told) from None
    images = daemon.images
    stored = images.layers.get(layer.diff_id)
    if stored is None:
        stored = yield from images.layers.register(layer.diff_id, "", layer)
    else:
        images.layers.hold(stored)
    comment = query.get("message") or f"Imported from {source}"
    created = times.rfc3339(daemon.env.now)
    document = ImageConfig(
        architecture=daemon.platform.architecture,  # whatever was asked for
        os=platform.os,
        created=created,
        config=config,
        rootfs=RootFS("layers", (layer.diff_id,)),
        history=(History(created, comment=comment),),
        docker_version=VERSION,
        comment=comment,
    )
    image = images.keep(document, stored)
    yield from images.layers.release(stored)  # the image holds it now
    if repo:
        yield from images.name_as(image, repo, query.get("tag", ""))
    daemon.trace.state(
        f"image/{digests.short(image.id)}", "imported", {"on": daemon.host, "size": image.size, "layers": image.stack}
    )
    daemon.events.emit("image", "import", image.id, {**(config.Labels or {}), "name": image.id})
    stream = Stream(daemon.env)
    stream.write(progress.status(image.id))
    stream.close()
    return Response(200, stream=stream, headers=JSON)
