"""A machine that led no packets on before the first run does not after the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from simdocker.backends.linux import forwarding
from simdocker.backends.linux.journal import Journal


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ip_forward"
    path.write_text("0\n")
    monkeypatch.setattr(forwarding, "FILE", path)
    return path


def test_forwarding_is_as_before_when_the_last_run_has_ended(tmp_path: Path, file: Path) -> None:
    runs = [Journal(tmp_path / "run"), Journal(tmp_path / "run")]
    for run in runs:
        forwarding.begin(run)
        forwarding.begin(run)
        assert file.read_text() == "1"
    assert runs[0].close().failures == []
    assert file.read_text() == "1"
    assert runs[1].close().failures == []
    assert file.read_text() == "0"
    assert list((tmp_path / "run").glob("*.journal")) == []


def test_a_machine_that_led_packets_on_before_does_so_after(tmp_path: Path, file: Path) -> None:
    file.write_text("1\n")
    run = Journal(tmp_path / "run")
    forwarding.begin(run)
    assert run.entries() == []
    run.close()
    assert file.read_text() == "1\n"
