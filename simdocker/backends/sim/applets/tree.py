"""Walking file trees: what rm -r, cp -r, chmod -R, du, ls -R and find have in common."""

from __future__ import annotations

from simdocker.backends.sim.program import Process, Stat

TYPE = 0o170000
DIRECTORY, REGULAR, LINK, CHARACTER, BLOCK, PIPE = 0o040000, 0o100000, 0o120000, 0o020000, 0o060000, 0o010000
SOCKET = 0o140000


def kind(found: Stat) -> int:
    """The type bits of a mode."""
    return found.st_mode & TYPE


def is_directory(p: Process, path: str, *, follow: bool = True) -> bool:
    try:
        found = p.stat(path) if follow else p.lstat(path)
    except OSError:
        return False
    return kind(found) == DIRECTORY


def exists(p: Process, path: str) -> bool:
    """Whether there is an entry of that name, a dangling link included."""
    try:
        p.lstat(path)
    except OSError:
        return False
    return True


def join(directory: str, name: str) -> str:
    return f"{directory.rstrip('/') or ''}/{name}" if directory.rstrip("/") or directory.startswith("/") else name


def base(path: str) -> str:
    """The last component, slashes at the end aside."""
    return path.rstrip("/").rpartition("/")[2] or ("/" if path.startswith("/") else path)


def owner_names(p: Process) -> tuple[dict[int, str], dict[int, str]]:
    """Users and groups by number."""
    return {int(row[2]): row[0] for row in table(p, "/etc/passwd", 4)}, {
        int(row[2]): row[0] for row in table(p, "/etc/group", 3)
    }


def table(p: Process, path: str, columns: int) -> list[list[str]]:
    """The rows of passwd or group."""
    try:
        text = p.read_file(path).decode("utf-8", "replace")
    except OSError:
        return []
    rows = (line.split(":") for line in text.splitlines())
    return [row for row in rows if len(row) >= columns and row[2].isdigit()]


def user_number(p: Process, name: str) -> int | None:
    """A user by name, or by number."""
    for row in table(p, "/etc/passwd", 4):
        if row[0] == name:
            return int(row[2])
    return int(name) if name.isdigit() else None


def group_number(p: Process, name: str) -> int | None:
    for row in table(p, "/etc/group", 3):
        if row[0] == name:
            return int(row[2])
    return int(name) if name.isdigit() else None
