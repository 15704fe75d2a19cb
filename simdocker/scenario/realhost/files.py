"""This machine's files as archives see them: `content.archive.Filesystem` over the real thing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SOCKET, SYMLINK, Node

KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFIFO: FIFO,
    stat.S_IFCHR: DEVICE,
    stat.S_IFSOCK: SOCKET,
}


class HostFiles:
    """Files by absolute path. Raises OSError as the system call does."""

    def find(self, path: str, *, follow: bool = False) -> Node | None:
        try:
            status = Path(path).stat(follow_symlinks=follow)
        except (FileNotFoundError, NotADirectoryError):
            return None
        node = Node(
            KINDS.get(stat.S_IFMT(status.st_mode), FILE),
            stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            mtime=status.st_mtime_ns,
        )
        node.size = status.st_size if node.kind == FILE else 0
        if node.kind == FILE:
            node.data = Blob.of(Path(path).read_bytes())
        elif node.kind == SYMLINK:
            node.target = str(Path(path).readlink())
        return node

    def real(self, path: str) -> str:
        return os.path.realpath(path)

    def names(self, path: str) -> list[str]:
        return sorted(entry.name for entry in Path(path).iterdir())

    def put(self, path: str, node: Node) -> None:
        if node.kind == DIRECTORY:
            Path(path).mkdir(exist_ok=True)
        elif node.kind == SYMLINK:
            Path(path).symlink_to(node.target)
        else:
            with Path(path).open("wb") as file:
                for block in Blob.of(node.data if node.data is not None else Blob([node.size])).blocks():
                    file.write(block)
        if node.kind != SYMLINK:
            Path(path).chmod(node.mode)
        if node.mtime:
            os.utime(path, ns=(node.mtime, node.mtime), follow_symlinks=False)

    def remove(self, path: str) -> None:
        place = Path(path)
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
        else:
            place.unlink()

    def own(self, path: str, *, follow: bool = False) -> Node:
        node = self.find(path, follow=follow)
        if node is None:
            raise FileNotFoundError(2, os.strerror(2), path)
        return node
