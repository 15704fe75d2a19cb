"""Committing: a writable layer and a configuration become an image of this daemon.

This is what `docker commit` and every step of a build end in (dockerd's `CommitImage` and
`image.NewChildImage`): the writable layer's changes are a new layer over the parent's, unless there
are none, and the new image's history is the parent's with one line more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simdocker.actors.daemon.system import VERSION
from simdocker.api import times
from simdocker.api.models import ContainerConfig
from simdocker.backends.ports import Process
from simdocker.content import digest as digests
from simdocker.content.image import Layer
from simdocker.content.manifest import History, ImageConfig, Platform, RootFS

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.image_store import Image
    from simdocker.actors.daemon.layers import StoredLayer


def nothing(platform: Platform) -> ImageConfig:
    """What stands below an image that is made from scratch."""
    return ImageConfig(
        platform.architecture,
        platform.os,
        times.ZERO,
        ContainerConfig(),
        RootFS("layers", ()),
        variant=platform.variant,
    )


class Change(msgspec.Struct):
    """What is to become of the writable layer `layer` (a container's id, as storage knows it).

    `config` is the new image's; `made_by` the configuration of the container that made the change,
    whose command is the line in the history; `container` its id, "" when there was none."""

    layer: str
    config: ContainerConfig
    made_by: ContainerConfig
    container: str = ""
    author: str = ""
    comment: str = ""


def commit(daemon: Daemon, change: Change, parent: Image | None) -> Process:
    """Process → Image: keep a writable layer, as it is now, as an image over `parent`.

    1. Freeze what the layer changes; no change, no new layer.
    2. Register the new layer over the parent's.
    3. Write the configuration: the parent's history and one line more.
    4. Keep the image and remember its parent.
    """
    images = daemon.images
    tree = daemon.storage.changeset(change.layer)
    top = parent.holds if parent is not None else None
    if tree.children:
        layer = Layer(lambda: tree)
        top = yield from _register(daemon, layer, top)
        document = child_document(daemon, change, parent, layer)
        image = images.keep(document, top)
        yield from images.layers.release(top)  # the image holds it now
    else:
        yield daemon.work("container.commit")
        image = images.keep(child_document(daemon, change, parent, None), top)
    images.descend(image, parent)
    daemon.trace.state(
        f"image/{digests.short(image.id)}", "committed", {"on": daemon.host, "size": image.size, "layers": image.stack}
    )
    return image


def _register(daemon: Daemon, layer: Layer, below: StoredLayer | None) -> Process:
    """Process → StoredLayer, held once by the caller."""
    layers = daemon.images.layers
    parent = below.chain_id if below is not None else ""
    here = layers.get(digests.chain_id(parent, layer.diff_id))
    if here is not None:
        layers.hold(here)
        return here
    return (yield from layers.register(digests.chain_id(parent, layer.diff_id), parent, layer))


def child_document(daemon: Daemon, change: Change, parent: Image | None, layer: Layer | None) -> ImageConfig:
    """The configuration document of an image over `parent`; without `layer` it only says something else."""
    base = parent.document if parent is not None else nothing(daemon.platform)
    created = times.rfc3339(daemon.env.now)
    line = History(created, " ".join(change.made_by.Cmd or ()), change.comment, change.author, layer is None)
    diff_ids = base.rootfs.diff_ids if layer is None else (*base.rootfs.diff_ids, layer.diff_id)
    return ImageConfig(
        architecture=base.architecture,
        os=base.os,
        created=created,
        config=change.config,
        rootfs=RootFS("layers", diff_ids),
        history=(*base.history, line),
        variant=base.variant,
        author=change.author,
        docker_version=VERSION,
        container=change.container,
        container_config=change.made_by,
    )
