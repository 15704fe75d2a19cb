"""What real command lines printed at a real engine, the real client prints at a served world."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.server.transcripts import play

DIFFERENCES: dict[str, str] = yaml.safe_load(Path(__file__).with_name("transcript_differences.yaml").read_text())


@pytest.mark.skipif(shutil.which("docker") is None, reason="needs the docker command line")
def test_the_real_client_prints_what_it_printed_at_a_real_engine(capsys: pytest.CaptureFixture[str]) -> None:
    all_played = list(play())
    same = [played for played in all_played if played.same]
    with capsys.disabled():
        print(f"{len(same)} of {len(all_played)} transcripts identical at a served world")
    surprising = {played.label: (played.recorded, played.played) for played in all_played if not played.same}
    for label in DIFFERENCES:
        surprising.pop(label, None)
    assert not surprising
