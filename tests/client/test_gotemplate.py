"""Go templates against 300 outputs of the real docker CLI (recorded in gotemplate_cases.json)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.format.inspector import Inspector

RECORDED = json.loads((Path(__file__).parent / "gotemplate_cases.json").read_text())
ADDRESS = re.compile(r"0x[0-9a-f]{10,}")


def inspect(object_name: str, template: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `docker inspect -f template object`."""
    recorded = RECORDED["objects"][object_name]
    try:
        inspector = Inspector(template)
    except CommandError as fault:
        return fault.exit_code, "", fault.message + "\n"
    complaint = inspector.add(recorded["type"], recorded["data"])
    return (1 if complaint else 0), inspector.text(), complaint + "\n" if complaint else ""


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["template"][:60])
def test_a_template_prints_what_the_real_cli_printed(case: dict[str, Any]) -> None:
    got = inspect(case["object"], case["template"])
    wanted = (case["exit"], case["stdout"], case["stderr"])
    assert tuple(ADDRESS.sub("0xADDR", str(part)) for part in got) == tuple(
        ADDRESS.sub("0xADDR", str(part)) for part in wanted
    )
