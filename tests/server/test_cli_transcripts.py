"""What real command lines printed at a real engine, the real client prints at a served machine, simulated or real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.server import kernel
from tests.server.transcripts import play

DIFFERENCES: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("transcript_differences.yaml").read_text()
)


@pytest.mark.parametrize("backend", ["sim", pytest.param("linux", marks=[pytest.mark.root, pytest.mark.busybox])])
def test_the_real_client_prints_what_it_printed_at_a_real_engine(
    backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    if backend == "linux" and (reason := kernel.lacking()):
        pytest.skip(reason)
    known = DIFFERENCES["both"] | DIFFERENCES[backend]
    all_played = list(play(backend))
    different = {played.label: (played.recorded, played.played) for played in all_played if not played.same}
    with capsys.disabled():
        same = len(all_played) - len(different)
        print(f"{same} of {len(all_played)} transcripts identical at a served machine ({backend})")
    surprising = {label: both for label, both in different.items() if label not in known | DIFFERENCES["now and then"]}
    assert not surprising
    assert not known.keys() - different.keys(), "listed as different, and they have become equal: take them off"
