"""Named volumes of the real machine: the `local` volume driver.

A volume is a directory, <data root>/volumes/<name>/_data, or, by its options, what the kernel mounts there
for as long as somebody uses it. The twin of this file models the same.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from simdocker.backends import ports
from simdocker.backends.linux import syscalls
from simdocker.backends.linux.storage import MOUNT, RootFS, remove_directory, unmount
from simdocker.backends.ports import DriverError
from simdocker.content import mount_options

if TYPE_CHECKING:
    from simdocker.backends.linux.journal import Journal
    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace

DATA, OPTIONS_FILE = "_data", "opts.json"
GOING = ".going-"
OPTIONS = ("device", "o", "type")
NAME_MAX = 255  # bytes of a file's name


class VolumeDriver:
    """One machine's volumes, under `data_root`. What takes long is done by a worker thread."""

    name = "local"

    def __init__(self, host: str, env: WallClock, trace: Trace, journal: Journal, data_root: str) -> None:
        self.env = env
        self.actor = f"kernel@{host}"
        self.trace = trace
        self._journal = journal
        self._home = Path(data_root, "volumes")
        self._users: dict[str, set[str]] = {}
        self._worker = ThreadPoolExecutor(1, "volumes")
        for going in self._home.glob(f"{GOING}*"):  # somebody was killed over it
            with suppress(OSError):
                remove_directory(str(going))

    def create(self, name: str, options: Mapping[str, str]) -> ports.Process:
        """Process → mountpoint."""
        for option in options:
            if option not in OPTIONS:
                raise DriverError(f'invalid option: "{option}"')
        if options and not options.get("device"):
            raise DriverError('missing required option: "device"')
        if len(os.fsencode(name)) > NAME_MAX:
            path = self._data(name).parent
            raise DriverError(f"error while creating volume root path '{path}': mkdir {path}: file name too long")
        data = self._data(name)
        if not data.exists():
            yield from self._in_kernel(self._make, data, options)
            self.trace.step(self.actor, "mkdir", {"path": str(data)})
        return str(data)

    def _make(self, data: Path, options: Mapping[str, str]) -> None:
        """The volume is there when its _data is; its options are on disk before."""
        data.parent.mkdir(0o701, parents=True, exist_ok=True)
        if options:
            draft = data.with_name(f"{OPTIONS_FILE}.new")
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(options))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(data.with_name(OPTIONS_FILE))
        data.mkdir(0o755)

    def delete(self, name: str) -> ports.Process:
        """Process: remove a volume and what is in it."""
        yield from self._in_kernel(self._remove, self._data(name))
        self._users.pop(name, None)
        self.trace.step(self.actor, "rmtree", {"path": str(self._home / name)})

    def _remove(self, data: Path) -> None:
        unmount(str(data))
        self._journal.forget(MOUNT, str(data))
        if data.parent.exists():
            # Under a name that no volume has, so that whoever is killed in here leaves no half of one.
            going = data.parent.with_name(f"{GOING}{secrets.token_hex(8)}")
            data.parent.rename(going)
            try:
                remove_directory(str(going))  # refuses where something is still mounted
            except OSError:
                going.rename(data.parent)
                raise

    def populate(self, name: str, rootfs: ports.RootFS, path: str) -> ports.Process:
        """Process: copy-up into an empty volume."""
        data = self._data(name)
        size = yield from self._in_kernel(_copy_up, cast(RootFS, rootfs).path, path, data)
        if size is not None:
            self.trace.step(self.actor, "copy", {"from": path, "to": str(data), "bytes": size})

    def mount(self, name: str, container_id: str) -> ports.Process:
        """Process → path on the host. A volume that stands for something else is mounted by its first user."""
        users, data = self._users.setdefault(name, set()), self._data(name)
        if not users and (options := self._options(name)):
            yield from self._in_kernel(self._mount_device, data, options)
            self.trace.step(self.actor, "mount volume", {"device": options["device"], "path": str(data)})
        users.add(container_id)
        return str(data)

    def _mount_device(self, data: Path, options: Mapping[str, str]) -> None:
        """mount(2) with the volume's options. Raises DriverError."""
        if any(part[4] == str(data) for part in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())):
            return  # another container that started meanwhile has done it
        device, fstype = options["device"], options.get("type", "")
        flags, rest = mount_options.parsed(options.get("o", ""))
        self._journal.record(MOUNT, str(data))
        try:
            syscalls.mount(device, str(data), fstype, flags, ",".join(rest))
        except OSError as error:
            self._journal.forget(MOUNT, str(data))
            told = mount_options.failure(device, str(data), flags, rest, error)
            raise DriverError(f"error while mounting volume '{data}': {told}") from None

    def unmount(self, name: str, container_id: str) -> None:
        """The container has ended. The last user takes what was mounted away."""
        users, data = self._users.get(name, set()), self._data(name)
        users.discard(container_id)
        if not users and self._options(name):
            unmount(str(data))
            self._journal.forget(MOUNT, str(data))
            self.trace.step(self.actor, "unmount volume", {"path": str(data)})

    def size(self, name: str) -> int:
        """Bytes in its files."""
        found = (
            os.lstat(os.path.join(folder, file)) for folder, _, files in os.walk(self._data(name)) for file in files
        )
        return sum(status.st_size for status in found if stat.S_ISREG(status.st_mode))

    def host_path_exists(self, path: str) -> bool:
        return Path(path).exists()

    def make_host_directory(self, path: str) -> None:
        Path(path).mkdir(0o755, parents=True, exist_ok=True)

    def close(self) -> None:
        """Volumes stay, but nothing stays mounted on them: whoever deletes the data root must not get into a
        directory of the host."""
        for name, users in self._users.items():
            for user in list(users):
                self.unmount(name, user)
        self._worker.shutdown()

    def _data(self, name: str) -> Path:
        return self._home / name / DATA

    def _options(self, name: str) -> dict[str, str]:
        file = self._home / name / OPTIONS_FILE
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}

    def _in_kernel(self, work: Callable[..., Any], *args: Any) -> ports.Process:
        """Process: have the worker thread do something → its result. Raises DriverError."""
        try:
            return (yield self.env.future(self._worker.submit(work, *args)))
        except OSError as error:
            raise DriverError(f"{error.filename}: {error.strerror}") from None


def _copy_up(root: str, path: str, volume: Path) -> int | None:
    """Fill an empty volume with what the directory `path` holds under `root` → bytes; None when nothing was
    copied. A link in the image leads to where it would in the container."""
    if any(volume.iterdir()):
        return None
    top = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        source = syscalls.openat2(top, path.lstrip("/") or ".", os.O_PATH | os.O_DIRECTORY, syscalls.RESOLVE_IN_ROOT)
    except OSError:  # the image has no such directory
        return None
    finally:
        os.close(top)
    try:
        here = f"/proc/self/fd/{source}/."
        size = _copy_entries(here, str(volume), {})
        _copy_status(here, str(volume), os.stat(here))
        return size if any(volume.iterdir()) else None
    finally:
        os.close(source)


def _copy_entries(source: str, target: str, links: dict[int, str]) -> int:
    """Copy what a directory holds → bytes. `links` is where each file with several names has got its first."""
    size = 0
    for entry in os.scandir(source):
        status, copy = entry.stat(follow_symlinks=False), f"{target}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            os.mkdir(copy)
            size += _copy_entries(entry.path, copy, links)
        elif status.st_nlink > 1 and status.st_ino in links:
            os.link(links[status.st_ino], copy, follow_symlinks=False)
            continue
        elif entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, copy)
            size += status.st_size
        elif entry.is_symlink():
            os.symlink(os.readlink(entry.path), copy)
        else:
            os.mknod(copy, status.st_mode, status.st_rdev)
        links[status.st_ino] = copy
        _copy_status(entry.path, copy, status)
    return size


def _copy_status(source: str, target: str, status: os.stat_result) -> None:
    """Owner first: to change it takes setuid bits and capabilities away."""
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
