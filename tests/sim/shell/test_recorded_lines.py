"""The simulated shell and applets against what a real busybox answered (see record.py)."""

from __future__ import annotations

import json

import pytest

from simdocker.backends.sim.bare import Bare
from tests.engine.normalise import without_help
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


@pytest.mark.parametrize("line", [line for line in lines() if line not in EXCEPTIONS])
def test_a_line_gets_the_answer_of_a_real_busybox(line: str) -> None:
    assert answer(line) == RECORDED[line]


def test_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    same = sum(line not in EXCEPTIONS or answer(line) == RECORDED[line] for line in lines())
    with capsys.disabled():
        print(f"\n{same} of {len(lines())} lines identical")
    assert all(answer(line) != RECORDED[line] for line in EXCEPTIONS), "an exception is no longer one"


def test_a_shell_that_may_not_fork_ends_with_two() -> None:
    """As busybox does where the limit of processes is reached: a child too many ends it, whatever it is for."""
    for line in ("ls /; echo no", "echo $(true); echo no", "(true); echo no", "true | true; echo no"):
        bare = Bare()
        process, written = bare.start(["sh", "-c", f"sleep 1 & {line}"], pids_limit=2)
        status = bare.env.run(process.exited)
        assert (status, written) == (2, [(2, b"sh: can't fork: Resource temporarily unavailable\n")])
