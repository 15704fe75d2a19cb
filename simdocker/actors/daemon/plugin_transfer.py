"""How a plugin gets here and away: pulled from a registry, packed by its author, pushed.

The same blobs travel the same way as an image's (`pull.py`, `push.py`), but by containerd's resolver,
whose words for what goes wrong are others, and told in fewer steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon import progress
from simdocker.actors.daemon.bodies import fitted
from simdocker.actors.daemon.daemon import Reply
from simdocker.actors.daemon.registry_endpoints import endpoints
from simdocker.actors.daemon.system import VERSION
from simdocker.actors.distribution.directory import ConnectionFailed
from simdocker.actors.distribution.repository import Repository
from simdocker.actors.distribution.session import Refused, auth_config
from simdocker.api import InternalError, NotFound, Request, Response, Stream
from simdocker.backends.ports import Process
from simdocker.content import archive
from simdocker.content.archive import ArchiveError
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY
from simdocker.content.digest import short
from simdocker.content.image import Layer
from simdocker.content.manifest import Manifest
from simdocker.content.plugin import PLUGIN_CONFIG, PluginConfig, PluginImage
from simdocker.des.network import Meter

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.plugin import Plugin
    from simdocker.content.reference import Reference

DENIED = "pull access denied, repository does not exist or may require authorization: {}"
SCOPE = "server message: insufficient_scope: authorization failed"


def config_of(daemon: Daemon, remote: Reference, headers: Mapping[str, str]) -> Process:
    """Process → PluginConfig of a plugin in a registry. Raises ApiError."""
    repository = _repository(daemon, remote, headers)
    manifest, _ = yield from _resolve(repository, remote)
    return (yield from _config(repository, remote, manifest))


def pull(
    daemon: Daemon,
    remote: Reference,
    request: Request,
    granted: list[dict[str, Any]],
    keep: Callable[[PluginImage], None],
) -> Reply:
    """Process: find the plugin, then answer and go on: its layer comes while progress is told, and `keep`
    is told what has come. Raises ApiError."""
    repository = _repository(daemon, remote, request.headers)
    manifest, digest = yield from _resolve(repository, remote)
    config = yield from _config(repository, remote, manifest)
    if sorted(map(_privilege, granted)) != sorted(map(_privilege, config.privileges())):
        raise InternalError("incorrect privileges")
    stream = Stream(daemon.env)
    daemon.env.process(_download(stream, repository, manifest, digest, config, keep))
    return progress.answer(stream)


def _download(
    stream: Stream,
    repository: Repository,
    manifest: Manifest,
    digest: str,
    config: PluginConfig,
    keep: Callable[[PluginImage], None],
) -> Process:
    """Process: fetch the layer, telling how far it is."""
    remote, (descriptor,) = repository.reference, manifest.layers
    stream.write(progress.status(f"Pulling from {remote.familiar_name}", remote.tag))
    stream.write(progress.status(f"Digest: {digest}"))
    shown = progress.Progress(short(descriptor.digest))
    shown.watch(stream)
    shown.say("Waiting")
    try:
        layer: Layer = yield from repository.blob(descriptor.digest, Meter())
        shown.say("Download complete")
        keep(PluginImage(config, layer))
        shown.say("Complete")
    except (Refused, ConnectionFailed) as failed:
        stream.write(progress.error(failed.message))
    stream.close()


def push(daemon: Daemon, plugin: Plugin, headers: Mapping[str, str]) -> Response:
    """Answer, and send what the plugin is made of: its layer, its configuration, its manifest."""
    stream = Stream(daemon.env)
    daemon.env.process(_push(stream, plugin, _repository(daemon, plugin.name, headers)))
    return progress.answer(stream)


def _push(stream: Stream, plugin: Plugin, repository: Repository) -> Process:
    image, name = plugin.image, plugin.name
    stream.write(progress.status(f"The push refers to repository [{name.familiar_name}]"))
    parts = (image.manifest, *image.layers, image.config)
    reports = [progress.Progress(short(part.digest)) for part in parts]
    for report in reports:
        report.watch(stream)
        report.say("Preparing")
    try:
        for blob in (*image.layers, image.config):
            if not (yield from repository.has(blob.digest)):
                path = yield from repository.begin()
                yield from repository.upload(path, blob)
        yield from repository.put_manifest(name.tag, image.manifest)
        for report in reports:
            report.say("Upload complete")
    except (Refused, ConnectionFailed) as failed:
        stream.write(progress.error(f"error pushing plugin: {_dialled(failed)}"))
    stream.close()


def packed(data: Blob) -> PluginImage:
    """The plugin that an archive of `config.json` and `rootfs/` describes. Raises InternalError."""
    try:
        root, _ = archive.read_layer(archive.inflate(data))
    except ArchiveError as error:
        raise InternalError(error.message) from None
    config, rootfs = root.children.get("config.json"), root.children.get("rootfs")
    if rootfs is None or rootfs.kind != DIRECTORY:
        raise InternalError("no rootfs found: EOF")
    try:
        document = msgspec.json.decode(bytes(config.data or b"") if config is not None else b"")
        described = msgspec.convert(fitted(document, PluginConfig), PluginConfig)
    except msgspec.ValidationError as error:
        raise InternalError(f"failed to parse json: {error}") from None
    except msgspec.DecodeError:
        raise InternalError("unexpected EOF") from None
    tree = rootfs
    return PluginImage(msgspec.structs.replace(described, DockerVersion=VERSION), Layer(lambda: tree))


def _repository(daemon: Daemon, reference: Reference, headers: Mapping[str, str]) -> Repository:
    return Repository(endpoints(daemon, reference.domain)[-1], reference, auth_config(headers))


def _resolve(repository: Repository, remote: Reference) -> Process:
    """Process → (Manifest, its digest). Raises ApiError in containerd's words."""
    try:
        yield from repository.ping()
        digest = yield from repository.resolve(remote.tag)
        return (yield from repository.manifest(digest)), digest
    except Refused as refused:
        why = DENIED.format(SCOPE) if refused.code == "DENIED" else f"{remote.canonical}: not found"
        raise NotFound(f"error resolving plugin reference: {why}") from None
    except ConnectionFailed as failed:
        raise InternalError(f"error resolving plugin reference: {_dialled(failed)}") from None


def _config(repository: Repository, remote: Reference, manifest: object) -> Process:
    """Process → PluginConfig. Raises ApiError: an image has none."""
    if not isinstance(manifest, Manifest) or manifest.config.mediaType != PLUGIN_CONFIG:
        raise InternalError(f"did not find plugin config for specified reference {remote.canonical}")
    try:
        return (yield from repository.config(manifest.config.digest))
    except (Refused, ConnectionFailed) as failed:
        raise InternalError(failed.message) from None


def _dialled(failed: Refused | ConnectionFailed) -> str:
    """containerd says before Go's sentence that it could not ask."""
    return f"failed to do request: {failed.message}" if isinstance(failed, ConnectionFailed) else failed.message


def _privilege(asked: Mapping[str, Any]) -> tuple[str, list[str]]:
    return asked["Name"], sorted(asked["Value"] or [])
