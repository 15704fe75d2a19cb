"""Listing and inspecting commands against the real docker CLI: listing_cases.json holds 281 command
lines run by CLI 28.2.2 at a daemon with fixed answers, and what it sent and printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from replaying import replay

RECORDED = json.loads((Path(__file__).parent / "listing_cases.json").read_text())


def steady(text: str) -> str:
    """Without what the real CLI itself prints differently each time: Go's order of a map."""
    return re.sub(r"(?m)^ Runtimes: (.*)$", lambda line: " Runtimes: " + " ".join(sorted(line[1].split())), text)


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: " ".join(case["argv"])[:70])
def test_a_command_sends_and_prints_what_the_real_cli_did(case: dict[str, Any]) -> None:
    code, terminal, requests = replay(case["argv"], RECORDED["routes"], case["now"], case["stdin"])
    assert steady(terminal.stdout) == steady(case["stdout"])
    assert terminal.stderr == case["stderr"]
    assert code == case["exit"]
    wanted = [[method, path, json.loads(body) if body else None] for method, path, body in case["requests"]]
    assert requests == wanted
    bodies = zip(requests, case["requests"], strict=True)
    assert all(json.dumps(sent[2], separators=(",", ":")) == body.strip() for sent, (_, _, body) in bodies if body)
