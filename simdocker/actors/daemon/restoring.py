"""A daemon that begins finds what an earlier one knew (dockerd's `restore`, and the stores that it opens).

What cannot be read is told and left alone, with what stands on it; everything else is there again. No process has
outlived the earlier daemon: a container that was running is dead, with the exit code that dockerd gives where
containerd knows nothing of a task, and no event tells of it (recorded: dockerd, containerd, shims and containers
killed together). What follows, `--rm` and restart policies, is `Life.restore`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simdocker.actors.daemon import health, log_drivers, records
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.memory import CONTAINERS, IMAGES, NAMES, NETWORKS, SOURCES, VOLUMES
from simdocker.actors.daemon.network_requests import described_again, release
from simdocker.actors.daemon.networks import DRIVERS
from simdocker.actors.daemon.records import ContainerRecord, ImageRecord, NetworkRecord, VolumeRecord
from simdocker.actors.daemon.volumes import Volume
from simdocker.api import ApiError, NotFound
from simdocker.backends.ports import DriverError
from simdocker.content import reference as references
from simdocker.content.manifest import ImageConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.memory import Disk
    from simdocker.actors.daemon.network import Network
    from simdocker.backends.ports import Process

NOBODY_KNOWS = 255
"""The exit code of a container whose end nobody has seen (recorded; dockerd's daemon.go)."""


def read(daemon: Daemon) -> Process:
    """Process: have everything that is on the daemon's disk again.

    1. Layers, and the images on them, with their names.
    2. Volumes and networks.
    3. Containers, none of which runs.
    4. Delete the layers that were being pulled, built or removed, and that nothing needs.
    """
    assert daemon.memory is not None
    restoring = _Restoring(daemon, daemon.memory.disk)
    restoring.images()
    yield from restoring.volumes()
    yield from restoring.networks()
    restoring.containers()
    if restoring.whole:
        yield from restoring.tidy()


class _Restoring:
    """One reading. `whole` as long as everything could be read: what may belong to something else stays."""

    def __init__(self, daemon: Daemon, disk: Disk) -> None:
        self.daemon = daemon
        self.disk = disk
        self.whole = True
        self._images: dict[str, Image] = {}  # orphans too
        self._networks: dict[str, Network] = {}

    def _unreadable(self, kind: str, name: str, why: object) -> None:
        self.whole = False
        self.disk.unreadable(kind, name, str(why))

    def _table_unreadable(self, name: str, why: object) -> None:
        self._unreadable(IMAGES, name, why)
        self.disk.set_aside(IMAGES, name)

    # -- images ------------------------------------------------------------------------------------

    def images(self) -> None:
        images = self.daemon.images
        for chain_id, below, layer in self.disk.layers():
            images.layers.restored(chain_id, below, layer)
        parents: dict[str, str] = {}
        texts = dict(self.disk.everything(IMAGES))
        names, sources = (texts.pop(table, b"{}") for table in (NAMES, SOURCES))
        for name, text in texts.items():
            try:
                record = msgspec.json.decode(text, type=ImageRecord)
                image = self._image(record)
            except (ValueError, LookupError) as error:
                self._unreadable(IMAGES, name, error)
                continue
            self._images[image.id] = image
            parents[image.id] = record.parent
            if image.holds is not None:
                images.layers.hold(image.holds)
            if record.orphan and image.holds is not None:
                images.orphans[image.id] = image.holds
            elif not record.orphan:
                images.store.add(image)
        for id, parent in parents.items():
            self._images[id].parent = images.store.by_id(parent)
        self._name(names)
        try:
            for digest, known in msgspec.json.decode(sources, type=dict[str, list[tuple[str, str]]]).items():
                images.layers.sources[digest] = dict.fromkeys(known)
        except msgspec.MsgspecError as error:
            self._table_unreadable(SOURCES, error)

    def _image(self, record: ImageRecord) -> Image:
        document = ImageConfig.decode(record.document)
        top = None
        if document.rootfs.diff_ids:
            top = self.daemon.images.layers.get(document.chain_ids[-1])
            if top is None:
                raise LookupError(f"its layer {document.chain_ids[-1]} is not there")
        image = Image(document, top, record.size)
        image.last_tagged_ns, image.orphan = record.last_tagged_ns, record.orphan
        return image

    def _name(self, text: bytes) -> None:
        """Give the images their names, all at once."""
        store = self.daemon.images.store
        on_naming, store.on_naming = store.on_naming, None
        try:
            for name, id in msgspec.json.decode(text, type=dict[str, str]).items():
                if (image := store.by_id(id)) is not None:  # else it was killed between the two
                    store.name(references.parse(name), image)
        except (msgspec.MsgspecError, ApiError) as error:
            self._table_unreadable(NAMES, error)
        store.on_naming = on_naming

    # -- volumes and networks --------------------------------------------------------------------------

    def volumes(self) -> Process:
        """Process: the directory of a volume is the volume (dockerd's local driver); its file says more of it."""
        driver = self.daemon.volume_driver
        found: list[VolumeRecord] = []
        for name, text in self.disk.everything(VOLUMES):
            try:
                found.append(msgspec.json.decode(text, type=VolumeRecord) if text else VolumeRecord(name, 0))
            except msgspec.MsgspecError as error:
                self._unreadable(VOLUMES, name, error)
        for record in sorted(found, key=lambda record: record.created_ns):
            try:
                mountpoint = yield from driver.create(record.name, record.options or {})
            except DriverError as error:
                self._unreadable(VOLUMES, record.name, error)
                continue
            self.daemon.volumes.restored(
                Volume(record.name, driver.name, mountpoint, record.created_ns, record.labels, record.options)
            )

    def networks(self) -> Process:
        """Process: the kernel has none of them: each is made anew."""
        found: list[NetworkRecord] = []
        for name, text in self.disk.everything(NETWORKS):
            try:
                found.append(msgspec.json.decode(text, type=NetworkRecord))
            except msgspec.MsgspecError as error:
                self._unreadable(NETWORKS, name, error)
        for record in sorted(found, key=lambda record: record.created_ns):
            try:
                network = yield from self._network(record)
            except (ApiError, DriverError) as error:  # its addresses are another's now, or its plugin is not there
                self._unreadable(NETWORKS, record.name, error.args[0])
                continue
            self._networks[record.id] = network
            self.daemon.networks.restored(network)
        self._networks |= {network.id: network for network in self.daemon.networks.all()}

    def _network(self, record: NetworkRecord) -> Process:
        """Process → Network. Raises `ApiError`, DriverError."""
        if record.driver not in DRIVERS:
            raise NotFound(f'plugin "{record.driver}" not found')
        space = self.daemon.networks.addresses
        network = records.network(record, described_again(record.body, record.pools, space))
        if network.pools:
            try:
                yield from self.daemon.network_driver.create(network.spec)
            except DriverError:
                release(network.pools, space)
                raise
        return network

    # -- containers --------------------------------------------------------------------------------

    def containers(self) -> None:
        found: list[ContainerRecord] = []
        for name, text in self.disk.everything(CONTAINERS):
            try:
                record = msgspec.json.decode(text, type=ContainerRecord)
                if not self.disk.has_files(record.id):
                    raise LookupError("its writable layer is not there")
                if record.image and record.image not in self._images:
                    raise LookupError(f"its image {record.image} is not there")
            except (msgspec.MsgspecError, LookupError) as error:
                self._unreadable(CONTAINERS, name, error)
                continue
            found.append(record)
        for record in sorted(found, key=lambda record: record.created_ns):
            self._container(record)

    def _container(self, record: ContainerRecord) -> None:
        daemon = self.daemon
        container = records.container(record, self._images.get(record.image), self._networks)
        if record.logged:
            self._read_log(container)
        if container.state.running:
            self._died_unseen(container)
        container.state.removing = container.state.dead = False  # whoever wanted that is gone
        daemon.volumes.used_by(container)
        daemon.containers.restored(container)

    def _read_log(self, container: Container) -> None:
        file = self.disk.log(container.id)
        try:
            container.log = log_drivers.opened(self.daemon, container)
            for entry in file.read():
                container.log.again(entry)
        except (OSError, msgspec.MsgspecError, ApiError) as error:
            self._unreadable("logs", container.id, error)
        container.log.opened = True
        container.log.file = file

    def _died_unseen(self, container: Container) -> None:
        state = container.state
        state.running = state.paused = state.restarting = False
        state.pid = 0
        state.exit_code = NOBODY_KNOWS
        state.finished_ns = self.daemon.env.now
        if container.health is not None:
            container.health.status = health.UNHEALTHY
        self.daemon.keep(container)

    # -- what is left over -------------------------------------------------------------------------------

    def tidy(self) -> Process:
        """Process: delete what belongs to nothing."""
        images = self.daemon.images
        self.disk.forget_strangers()
        for image in [image for image in self._images.values() if image.orphan]:
            yield from images.collect(image)
        for layer in images.layers.unheld():
            images.layers.hold(layer)
            yield from images.layers.release(layer)
