"""What containers have made of their own layers, told once."""

from __future__ import annotations

from pathlib import Path

from simdocker.backends.linux import upper
from simdocker.backends.linux.upper import Upper
from simdocker.des import Environment
from simdocker.trace import Trace


def told(layer: Upper, trace: Trace) -> list[tuple[str, str]]:
    before = len(trace)
    layer.tell(trace, "kernel@here", "box")
    return [(record.what, (record.attrs or {}).get("path", "")) for record in trace.records[before:]]


def layers(directory: Path) -> tuple[Path, str]:
    (directory / "below").mkdir()
    (directory / "upper").mkdir()
    return directory / "upper", str(directory / "below")


def test_what_a_kept_container_had_already_is_not_told_again(tmp_path: Path) -> None:
    own, below = layers(tmp_path)
    (own / "old").touch()
    layer, trace = Upper(str(own), [below], kept=True), Trace(Environment())
    assert told(layer, trace) == []
    (own / "new").touch()
    (own / "old").unlink()
    assert told(layer, trace) == [("create", "/new"), ("unlink", "/old")]
    assert told(layer, trace) == []


def test_a_container_that_writes_without_end_is_looked_at_so_far_and_no_farther(tmp_path: Path) -> None:
    own, below = layers(tmp_path)
    layer, trace = Upper(str(own), [below]), Trace(Environment())
    for number in range(upper.MOST + 10):
        (own / f"{number:05}").touch()
    assert len(told(layer, trace)) == upper.MOST + 1
    assert trace.records[-1].what == "more was written"


def test_nothing_is_looked_for_where_nobody_reads(tmp_path: Path) -> None:
    own, below = layers(tmp_path)
    layer, trace = Upper(str(own), [below]), Trace(Environment())
    trace.keep = False
    (own / "new").touch()
    assert told(layer, trace) == []
    trace.keep = True
    assert told(layer, trace) == [("create", "/new")]
