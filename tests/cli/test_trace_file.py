"""`simdocker run --trace FILE`: the file grows with the play, and is all that is left of the trace."""

import errno
import io
import os
from pathlib import Path

import pytest

from simdocker.cli import tracefile
from simdocker.cli.run import run_scenario
from simdocker.errors import UserError
from simdocker.scenario.load import load
from simdocker.scenario.player import play
from simdocker.scenario.world import World

SCENARIO = "steps:\n  - {run: docker run busybox true, expect: {exit: 0, api: {status: 404}}}\n"
OPTIONS = {"backend": "sim", "seed": None, "profile": None, "as_json": True, "speed": None, "quiet": True}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "one.yaml"
    path.write_text(SCENARIO)
    return path


def test_the_file_holds_what_a_play_keeps_and_nothing_stays_in_memory(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = []
    build = World.build
    monkeypatch.setattr(World, "build", lambda *args, **options: worlds.append(build(*args, **options)) or worlds[-1])
    assert run_scenario(str(scenario), trace=tmp_path / "trace", **OPTIONS) == 0
    kept = io.BytesIO()
    run = play(load(str(scenario)))
    run.trace.dump(kept)
    assert (tmp_path / "trace").read_bytes() == kept.getvalue()
    assert worlds[0].trace.records == []
    assert len(worlds[0].trace) == len(run.trace.records) > 0


def test_a_full_disk_is_one_sentence_and_leaves_no_half_trace(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(record: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tracefile, "writer", lambda file: full)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        run_scenario(str(scenario), trace=tmp_path / "trace", **OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["one.yaml"]


def test_a_dash_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--trace -: name a file, such as trace\.jsonl"):
        tracefile.check(Path("-"))
