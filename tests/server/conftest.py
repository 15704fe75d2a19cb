from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.serving import ONE_HOST, Served, served_world


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_world(ONE_HOST, tmp_path) as server:
        yield server


@pytest.fixture
def real_client(served: Served) -> Served:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    return served
