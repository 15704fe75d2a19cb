"""Whom a container's process runs as: `--user` resolved with the container's own /etc/passwd.

Messages and rules are those of libcontainer's user package as dockerd 20.10 reports them: a number
need not exist, a name must; without a group a user has its own and those that list it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from simdocker.backends.ports import StartFailed

HIGHEST = (1 << 31) - 1


class User(NamedTuple):
    """Numbers of a user, its supplementary groups (its own among them) and its home directory."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@lru_cache(maxsize=1024)
def resolve(passwd: bytes, group: bytes, spec: str, more_groups: tuple[str, ...] = ()) -> User:
    """The user `spec` names in these two files, with what `--group-add` adds. Raises StartFailed."""
    name, colon, wanted_group = spec.partition(":")
    users = [row for row in _rows(passwd) if len(row) >= 6]
    groups = [row for row in _rows(group) if len(row) >= 3]
    name = name or "0"
    row = next((row for row in users if row[0] == name), None)
    if row is None and _is_number(name):
        row = next((row for row in users if row[2] == str(_number(name))), None)
    if row is None and not _is_number(name):
        raise StartFailed(f"unable to find user {name}: no matching entries in passwd file")
    uid, gid, home = (int(row[2]), int(row[3]), row[5]) if row is not None else (_number(name), 0, "/")
    if colon and wanted_group:
        found = next((row for row in groups if row[0] == wanted_group), None)
        if found is None and not _is_number(wanted_group):
            raise StartFailed(f"unable to find group {wanted_group}: no matching entries in group file")
        gid = int(found[2]) if found is not None else _number(wanted_group)
        return User(uid, gid, tuple(dict.fromkeys((gid, *sorted(_named(groups, more_groups))))), home or "/")
    login = row[0] if row is not None else ""
    also = [int(row[2]) for row in groups if len(row) > 3 and login and login in row[3].split(",")]
    return User(uid, gid, tuple(dict.fromkeys((gid, *sorted([*also, *_named(groups, more_groups)])))), home or "/")


def _named(groups: list[list[str]], names: tuple[str, ...]) -> list[int]:
    """The numbers of the groups that `--group-add` names."""
    numbers = {row[0]: int(row[2]) for row in groups}
    for name in names:
        if name not in numbers and not _is_number(name):
            raise StartFailed(f"Unable to find group {name}: no matching entries in group file")
    return [numbers[name] if name in numbers else _number(name) for name in names]


def _rows(text: bytes) -> list[list[str]]:
    return [line.split(":") for line in text.decode("utf-8", "replace").splitlines() if line.strip()]


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal()


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= HIGHEST:
        raise StartFailed(f"uids and gids must be in range 0-{HIGHEST}")
    return number
