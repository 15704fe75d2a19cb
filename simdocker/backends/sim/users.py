"""Whom a container's process runs as, looked up in its own /etc/passwd and /etc/group."""

from __future__ import annotations

from collections.abc import Sequence

from simdocker.backends import users
from simdocker.backends.sim.namespace import MountNamespace
from simdocker.backends.sim.storage import RootFS
from simdocker.backends.users import User
from simdocker.content.changeset import FILE


def resolve(namespace: MountNamespace, user: str, more_groups: Sequence[str] = ()) -> User:
    """The user a spec names, with what `--group-add` adds. Raises StartFailed."""
    groups = tuple(more_groups)

    def look() -> User:
        return users.resolve(_content(namespace, "/etc/passwd"), _content(namespace, "/etc/group"), user, groups)

    return namespace.derive(("user", user, groups), look)


def resolve_in(files: RootFS, user: str, more_groups: Sequence[str] = ()) -> User:
    """The same with the files of layers alone, whatever is going to be mounted over them."""
    what = ("user", user, tuple(more_groups))
    return files.lower.derive(files.upper, what, lambda: resolve(files.view(), user, more_groups))


def _content(namespace: MountNamespace, path: str) -> bytes:
    node = namespace.peek(path)
    return bytes(node.data or b"") if node is not None and node.kind == FILE else b""
