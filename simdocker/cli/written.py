"""The file that a command writes (`-o`): where none can be written is said before any work is done."""

from __future__ import annotations

from pathlib import Path

from simdocker.errors import UserError


def check(path: Path, source: str, example: str) -> None:
    """Raises UserError for a place where no file can be written, and for the file that is read."""
    if path.is_dir():
        raise UserError(f"-o {path}: this is a directory; name a file in it, such as {path / example}")
    if not path.parent.is_dir():
        raise UserError(f"-o {path}: there is no directory {path.parent} to write it in")
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise UserError(f"-o {path}: this is the file that is read; name another one")


def write(path: Path, data: bytes) -> None:
    """Raises UserError where it cannot be written."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UserError(f"-o {path}: cannot be written: {error.strerror}") from None
