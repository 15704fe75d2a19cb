"""A running container, and what the engine keeps of it on disk: its files of /etc, in a directory of its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from simdocker.backends.linux import syscalls
from simdocker.backends.linux.storage import RootFS, remove_directory

if TYPE_CHECKING:
    from simdocker.backends.linux.cells import Cell
    from simdocker.backends.linux.cgroups import Cgroup, Limits
    from simdocker.backends.linux.process import Running
    from simdocker.backends.linux.steps import Step
    from simdocker.backends.ports import ProcessSpec


class Container:
    """A running container: its first process, its cgroup, and where its files of /etc lie. `untold` are steps of its
    start that are not in the trace yet: they are written while its process has something to do."""

    __slots__ = ("cell", "cgroup", "home", "id", "init", "limits", "rootfs", "spec", "untold")

    def __init__(
        self, spec: ProcessSpec, rootfs: RootFS, cell: Cell | None, cgroup: Cgroup, limits: Limits, home: str
    ) -> None:
        self.id = os.path.basename(home)
        self.spec = spec
        self.rootfs = rootfs
        self.cell = cell  # until its process is the container's
        self.cgroup = cgroup
        self.limits = limits
        self.home = home
        self.init: Running | None = None
        self.untold: list[tuple[Iterable[tuple[Step, int]], Mapping[str, object]]] = []

    def write_etc(self) -> dict[str, str]:
        """Write the files of /etc → where each is."""
        files = self.spec.etc_files or {}
        if files and not os.path.isdir(self.home):
            os.mkdir(self.home, 0o710)
        for path, text in files.items():
            _write(self._place(path), text)
        return {path: self._place(path) for path in files}

    def rewrite_etc(self, files: Mapping[str, str]) -> None:
        """Change in the files of /etc what differs from before; what the container has written there stays."""
        before, self.spec.etc_files = self.spec.etc_files or {}, files
        for path, text in files.items():
            was, place = before.get(path, ""), self._place(path)
            if text == was or not os.path.exists(place):
                continue
            gone = set(was.splitlines()) - set(text.splitlines())
            with open(place, "r+") as file:  # the same inode: it is mounted
                lines = [line for line in file.read().splitlines() if line not in gone]
                lines += [line for line in text.splitlines() if line not in was.splitlines()]
                file.seek(0)
                file.truncate()
                file.write("".join(f"{line}\n" for line in lines))

    def _place(self, path: str) -> str:
        return f"{self.home}/{os.path.basename(path)}"

    def remove_home(self) -> None:
        try:
            for path in self.spec.etc_files or ():
                os.unlink(self._place(path))
            os.rmdir(self.home)
        except OSError:  # there is none, or there is more in it
            remove_directory(self.home)


def accounts_in(rootfs: RootFS) -> tuple[bytes, bytes]:
    """What its files of users and groups say."""
    return _text(rootfs.path, "etc/passwd"), _text(rootfs.path, "etc/group")


def _text(root: str, path: str) -> bytes:
    """The file at `path` in `root`, whose links lead no way out of it; b"" when there is none that can be read."""
    held: list[int] = []
    try:
        held.append(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        held.append(syscalls.openat2(held[0], path, os.O_PATH, syscalls.RESOLVE_IN_ROOT))
        if not stat.S_ISREG(os.fstat(held[1]).st_mode):  # a device would be asked by opening it
            return b""
        with open(f"/proc/self/fd/{held[1]}", "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""
    finally:
        for descriptor in held:
            os.close(descriptor)


def _write(path: str, text: str) -> None:
    """A new file, without the layers of `open`: each start waits for three."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
