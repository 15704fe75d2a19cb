"""`--trace FILE`: the trace written to a file while it grows, so that its size is not the memory's."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simdocker.cli.interrupt import stop
from simdocker.errors import UserError
from simdocker.trace import Record, Trace, writer

BUFFER = 1 << 20


@contextmanager
def written(trace: Trace, path: Path | None, source: str | None = None) -> Iterator[None]:
    """Write each record of `trace` to the file as it comes; nothing without a path.

    The file grows beside its place and is moved there at the end, also when the play is stopped: a
    half-written one never shows. Raises UserError for what the disk refuses, and for the file that is
    being played (`source`).
    """
    if path is None:
        yield
        return
    check(path, source)
    place = path.resolve()  # a link stays a link
    growing = place.with_name(place.name + ".partial") if _is_replaceable(place) else place
    try:
        file = growing.open("wb", BUFFER)
    except OSError as error:
        raise _refusal(path, error) from None
    write = writer(file)
    refused: list[UserError] = []

    def guarded(record: Record) -> None:
        try:
            write(record)
        except OSError as error:
            refused.append(_refusal(path, error))
            stop(trace.env, refused[0])

    try:
        for record in trace.records:
            guarded(record)
        trace.listen(guarded)
        yield
    finally:
        try:
            file.close()
            if not refused and growing != place:
                growing.replace(place)
        except OSError as error:
            raise _refusal(path, error) from None
        finally:
            if growing != place:
                growing.unlink(missing_ok=True)


def check(path: Path, source: str | None = None) -> None:
    """Raises UserError for a place where no file can be written, and for the file that is read."""
    if str(path) == "-":
        raise UserError("--trace -: name a file, such as trace.jsonl; /dev/stdout with --quiet is standard output")
    try:
        if source is not None and path.exists() and Path(source).exists() and path.samefile(source):
            raise UserError(f"--trace {path}: this is the scenario itself; name another file, such as trace.jsonl")
        if path.is_dir():
            raise UserError(f"--trace {path}: this is a directory; name a file in it, such as {path / 'trace.jsonl'}")
        if not path.parent.is_dir():
            raise UserError(f"--trace {path}: there is no directory {path.parent} to write it in")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _refusal(path, error) from None


def _is_replaceable(path: Path) -> bool:
    """Whether another file may take this one's place: not that of a device or pipe, nor in a
    directory in which only the file itself may be written."""
    return (path.is_file() or not path.exists()) and os.access(path.parent, os.W_OK)


def _refusal(path: Path, error: OSError) -> UserError:
    return UserError(f"--trace {path}: cannot be written: {error.strerror}")
