"""The directory in which a dockerd's world outlives it (`--data-root`): /var/lib/docker's role.

    world.json                  what it is, of which version, and how often it was served; locked while it is
    containers/<id>/state.json  one file per object, put in place whole (`marks.replace`)
    containers/<id>/log         what it wrote
    images/<digest>.json        and names.json
    networks/<id>.json
    volumes/<name>/volume.json  beside _data: a volume and what is known of it come and go together
    overlay2/<number>/          the storage driver's; beside a layer, what its archive had besides files (`tarsplit`)

The files' content is the daemon's (`actors.daemon.records`). What is in the kernel belongs to a run, is in its
journal and goes with it. One that is of no use, because it is damaged, is told and left alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simdocker.backends.linux import marks, tarsplit
from simdocker.backends.linux.logfile import LogFile
from simdocker.backends.linux.marks import LayerMark
from simdocker.backends.ports import DriverError
from simdocker.content.image import Layer
from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.backends.linux.storage import StorageDriver
    from simdocker.backends.ports import Process
    from simdocker.content.blob import Blob
    from simdocker.des.wall import WallClock

VERSION = 1
WORLD, SPLIT = "world.json", "tar-split"
SUFFIX, DAMAGED = ".json", ".damaged"
BY_DIRECTORY = ("containers", "volumes")  # whose objects have more than one file
OF_A_SIMULATED_ONE = "ledger"  # server.ledger.FILE


class Description(msgspec.Struct):
    """Which world it is: the scenario's text and where it came from (None: the default world), how often it was
    served, and the addresses that were its own."""

    version: int = VERSION
    scenario: str | None = None
    text: str = ""
    starts: int = 0
    pools: list[str] = []


class DataRoot:
    """One dockerd's directory, held by this process until it ends."""

    def __init__(self, directory: Path) -> None:
        """Raises UserError where there cannot be one, where another process holds it, and for what is no such
        directory."""
        self.directory = directory = directory.resolve()
        self._used = False
        try:
            directory.mkdir(mode=0o711, parents=True, exist_ok=True)
            there = {entry.name for entry in os.scandir(directory)} - {"lost+found"}
            if OF_A_SIMULATED_ONE in there:
                raise self._refusal("the world in it is a simulated one; leave --backend linux out, or name another")
            if there and WORLD not in there:
                raise self._refusal("there is something else in it; name an empty directory")
            self._lock = os.open(directory / WORLD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.description = self._described(os.pread(self._lock, 1 << 24, 0))
            except BaseException:
                os.close(self._lock)
                raise
        except FileExistsError:
            raise self._refusal("it is not a directory") from None
        except BlockingIOError:
            raise self._refusal("another simdocker serves the world in it") from None
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from None
        self._worker = ThreadPoolExecutor(1, "tar-split")

    def _described(self, text: bytes) -> Description:
        if not text:
            return Description()
        try:
            version = msgspec.json.decode(text, type=Description).version
        except msgspec.MsgspecError:
            raise self._refusal(f"the file {WORLD} in it is damaged") from None
        if version > VERSION:
            raise self._refusal(f"a newer simdocker made it (version {version}; this one knows {VERSION}): use that")
        return msgspec.json.decode(text, type=Description)

    def _refusal(self, why: str) -> UserError:
        return UserError(f"--data-root {self.directory}: {why}")

    def describe(self) -> None:
        """Write down what the description says: a world begins in here, or goes on. The file stays the same one, as it
        is locked. Raises UserError."""
        text = msgspec.json.encode(self.description)
        try:
            os.pwrite(self._lock, text.ljust(len(os.pread(self._lock, 1 << 24, 0))), 0)
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from None
        self._used = True

    def close(self) -> None:
        """Another process may serve it. Of a world that has never begun nothing is left."""
        self._worker.shutdown()
        if not self._used and not os.fstat(self._lock).st_size:
            with suppress(OSError):
                (self.directory / WORLD).unlink()
                self.directory.rmdir()
        os.close(self._lock)

    # -- objects -------------------------------------------------------------------------------------

    def write(self, kind: str, name: str, text: bytes) -> None:
        """Keep what is known of an object. Raises OSError."""
        path = self._path(kind, name)
        try:
            marks.replace(path, text)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), 0o711, exist_ok=True)
            marks.replace(path, text)

    def delete(self, kind: str, name: str) -> None:
        """The object is no more."""
        path = Path(self._path(kind, name))
        with suppress(OSError):
            path.unlink(missing_ok=True)
            if kind == "containers":
                shutil.rmtree(path.parent, ignore_errors=True)

    def everything(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """What is known of the objects of a kind, by name, the oldest first; of a volume that has nothing but its
        data, nothing. What a killed run has not come to write is no object."""
        inside = kind in BY_DIRECTORY
        found: list[tuple[float, str, bytes]] = []
        for entry in os.scandir(self.directory / kind) if (self.directory / kind).is_dir() else ():
            name = entry.name if inside else entry.name.removesuffix(SUFFIX)
            if entry.name.startswith(".") or (name == entry.name and not inside):
                continue
            try:
                path = Path(self._path(kind, name))
                found.append((path.stat().st_mtime, name, path.read_bytes()))
            except FileNotFoundError:
                if kind == "volumes":
                    found.append((0, name, b""))
                else:
                    shutil.rmtree(entry.path, ignore_errors=True)
            except OSError as error:
                self.unreadable(kind, name, error.strerror or "")
        return ((name, text) for _, name, text in sorted(found))

    def unreadable(self, kind: str, name: str, why: str) -> None:
        """Of an object that is there, but of no use."""
        marks.tell(f"{kind.removesuffix('s')} {name[:64]} in {self.directory} is of no use ({why})")

    def set_aside(self, kind: str, name: str) -> None:
        """A file is of no use, and another is going to be written in its place."""
        path = self._path(kind, name)
        with suppress(OSError):
            os.rename(path, path.removesuffix(SUFFIX) + DAMAGED)

    def log(self, container_id: str) -> LogFile:
        """What a container writes."""
        return LogFile(f"{self.directory}/containers/{container_id}/log")

    def _path(self, kind: str, name: str) -> str:
        if kind == "containers":
            return f"{self.directory}/containers/{name}/state.json"
        if kind == "volumes":
            return f"{self.directory}/volumes/{name}/volume.json"
        return f"{self.directory}/{kind}/{name}{SUFFIX}"

    # -- layers --------------------------------------------------------------------------------------

    def stand_on(self, env: WallClock, storage: StorageDriver) -> None:
        """The driver has the layers' files, and this directory what makes archives of them."""
        self._env, self._storage = env, storage

    def keep_layer(self, chain_id: str, parent: str, layer: Layer) -> Process:
        """Process: a layer has been extracted. Raises DriverError."""
        mark = LayerMark(
            chain_id, parent, layer.diff_id, layer.digest, layer.compressed, layer.unpacked, layer.created_by
        )
        home = self._storage.directory(chain_id)
        try:
            yield self._env.future(self._worker.submit(_keep, home, mark, layer))
        except OSError as error:
            raise DriverError(f"failed to register layer: {(error.strerror or '').lower()}") from None

    def layers(self) -> Iterator[tuple[str, str, Layer]]:
        """What was kept: (chain id, that of the one below, layer), lower ones first."""
        for home, mark in self._storage.marks.items():
            load = _reader(home, mark.diff_id)
            layer = Layer.stored(load, mark.diff_id, mark.digest, mark.compressed, mark.unpacked, mark.created_by)
            yield mark.chain_id, mark.parent, layer

    def has_files(self, container_id: str) -> bool:
        """Whether a container has its writable layer."""
        return container_id in self._storage.containers

    def forget_strangers(self) -> None:
        """Delete the writable layers of containers that nobody knows: they were being made, or removed."""
        for id in self._storage.containers:
            if not os.path.exists(self._path("containers", id)):
                self._storage.remove(id)


def _keep(home: str, mark: LayerMark, layer: Layer) -> None:
    marks.replace(f"{home}/{SPLIT}", tarsplit.split(layer))
    marks.replace(f"{home}/{marks.LAYER}", msgspec.json.encode(mark))


def _reader(home: str, diff_id: str) -> Callable[[], Blob]:
    def load() -> Blob:
        try:
            text = Path(home, SPLIT).read_bytes()
        except OSError as error:
            raise DriverError(f"layer {diff_id} cannot be read: {error.strerror}") from None
        return tarsplit.joined(text, f"{home}/diff", diff_id)

    return load
