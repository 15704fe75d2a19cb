"""Command lines that docker answers without a container: help and misuse, word for word as docker CLI 28
does before a daemon at API 1.41 (usage_cases.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_create_options import give

CASES = json.loads((Path(__file__).parent / "usage_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[" ".join(case["argv"]) for case in CASES])
def test_help_and_misuse_are_answered_in_dockers_words(case: dict[str, Any]) -> None:
    code, desk, _ = give(case["argv"])
    assert (desk.stdout, desk.stderr, code) == (case["stdout"], case["stderr"], case["exit"])
