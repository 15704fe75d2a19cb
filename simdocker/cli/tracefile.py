"""`--trace FILE`: the trace written to a file while it grows, so that its size is not the memory's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

from simdocker.errors import UserError
from simdocker.trace import Record, Trace, writer

BUFFER = 1 << 20


@contextmanager
def written(trace: Trace, path: Path | None) -> Iterator[None]:
    """Write each record of `trace` to the file as it comes; nothing without a path.

    The file grows beside its place and is moved there at the end: a half-written one never shows.
    Raises UserError for what the disk refuses, also out of the middle of the play, where an OSError
    would be taken for one of the simulated kernel's.
    """
    if path is None:
        yield
        return
    partial = path.with_name(path.name + ".partial")
    file: IO[bytes] | None = None
    try:
        try:
            file = partial.open("wb", BUFFER)
        except OSError as error:
            _refuse(path, error)
        write = writer(file)

        def guarded(record: Record) -> None:
            try:
                write(record)
            except OSError as error:
                _refuse(path, error)

        for record in trace.records:
            guarded(record)
        trace.listen(guarded)
        yield
        try:
            file.close()
            partial.replace(path)
        except OSError as error:
            _refuse(path, error)
    finally:
        with suppress(OSError):
            if file is not None:
                file.close()
            partial.unlink(missing_ok=True)


def _refuse(path: Path, error: OSError) -> NoReturn:
    raise UserError(f"--trace {path}: cannot be written: {error.strerror}") from None
