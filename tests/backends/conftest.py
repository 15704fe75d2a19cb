from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.engines import own_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[tuple[str, int]]:
    """An engine that is there for all tests: its address and its pid."""
    with (
        tempfile.TemporaryDirectory(prefix="simdocker-engine-", ignore_cleanup_errors=True) as directory,
        own_engine(Path(directory)) as there,
    ):
        yield there
