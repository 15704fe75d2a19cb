"""The simulated shell and applets against what a real busybox answered (see record.py)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from simdocker.scenario.normal import without_help
from tests.sim.bare import Bare
from tests.sim.shell import record
from tests.sim.shell.corpus import ENVIRONMENT, FILES, HERE, lines

RECORDED: dict[str, dict[str, object]] = json.loads((HERE / "recorded.json").read_text(encoding="utf-8"))
EXCEPTIONS: dict[str, str] = {}
"""Lines known to differ, each with the reason."""


def answer(line: str) -> dict[str, object]:
    result = Bare(FILES).run(["sh", "-c", line], env=ENVIRONMENT)
    return {
        "exit": result.exit,
        "stdout": without_help(result.stdout.decode("utf-8", "surrogateescape")),
        "stderr": without_help(result.stderr.decode("utf-8", "surrogateescape")),
    }


@pytest.mark.parametrize("line", lines())
def test_a_line_gets_the_answer_of_a_real_busybox(line: str, record_property: Any) -> None:
    got = answer(line)
    record_property("lines identical", (got == RECORDED[line], 1))
    if line in EXCEPTIONS:
        assert got != RECORDED[line], "this exception is no longer one"
    else:
        assert got == RECORDED[line]


@pytest.mark.busybox
@pytest.mark.root
def test_what_was_recorded_is_what_a_real_busybox_answers(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    busybox, etc = Path(shutil.which("busybox") or ""), record.etc()
    for line in lines()[::40]:
        record.clean(tmp_path)
        record.build(tmp_path, busybox, etc)
        assert (line, record.answer(tmp_path, line)) == (line, RECORDED[line])


def test_a_shell_that_may_not_fork_ends_with_two() -> None:
    """As busybox does where the limit of processes is reached: a child too many ends it, whatever it is for."""
    for line in ("ls /; echo no", "echo $(true); echo no", "(true); echo no", "true | true; echo no"):
        bare = Bare()
        process, written = bare.start(["sh", "-c", f"sleep 1 & {line}"], pids_limit=2)
        status = bare.env.run(process.exited)
        assert (status, written) == (2, [(2, b"sh: can't fork: Resource temporarily unavailable\n")])
