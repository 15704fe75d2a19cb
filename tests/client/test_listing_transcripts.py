"""The command lines of shared/reference/cli-transcripts.json that list and inspect.

They were recorded with a real CLI at a real engine. Ours gets the recorded answers and must send and
print the same. Long outputs were recorded up to a length, so they are compared up to there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from replaying import replay

TRANSCRIPTS = Path(__file__).parents[3] / "shared" / "reference" / "cli-transcripts.json"
OURS = {"version", "info", "images", "ps", "top", "port", "inspect", "network", "volume", "events"}
NOW = 1795486661
"""The `until` that the CLI sent for `--until 0s` at the end of the recording."""


def documents(body: str) -> Any:
    """A recorded body: JSON, JSON lines or nothing. Raises ValueError when it was cut short."""
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        return [json.loads(line) for line in body.splitlines() if line.strip()]


def usable() -> list[dict[str, Any]]:
    """Transcripts of our commands whose answers were recorded whole, spoken at API 1.41."""
    if not TRANSCRIPTS.exists():
        return []
    found = []
    for transcript in json.loads(TRANSCRIPTS.read_text()):
        words = transcript["argv"][0]
        calls = [call for call in transcript["requests"] if not call["path"].endswith("/_ping")]
        if words not in OURS or not all(call["path"].startswith("/v1.41/") for call in calls):
            continue
        try:
            routes = {
                f"{call['method']} {call['path'][6:]}": [call["status"], documents(call["response_body"])]
                for call in calls
            }
        except ValueError:
            continue
        if transcript["exit"] != 130:
            found.append({**transcript, "routes": routes, "calls": calls})
    return found


def steady(text: str) -> str:
    """Without the order of a Go map, and without the padding that renamed images left behind."""
    text = re.sub(r"(?m)^ Runtimes: (.*)$", lambda line: " Runtimes: " + " ".join(sorted(line[1].split())), text)
    return re.sub(r" {2,}", "  ", text)


def presents(routes: dict[str, Any]) -> list[int]:
    """Moments at which the command may have run: up to a minute after the newest thing it listed."""
    created = [
        item["Created"]
        for _, body in routes.values()
        if isinstance(body, list)
        for item in body
        if isinstance(item.get("Created"), int)
    ]
    return [max(created) + late for late in range(1200)] if created else [NOW]


@pytest.mark.skipif(not TRANSCRIPTS.exists(), reason="the reference recordings are not on this machine")
@pytest.mark.parametrize("transcript", usable(), ids=lambda transcript: " ".join(transcript["argv"])[:60])
def test_a_recorded_command_line_is_reproduced(transcript: dict[str, Any]) -> None:
    for now in presents(transcript["routes"]):
        code, terminal, requests = replay(transcript["argv"], transcript["routes"], now)
        wanted, got = steady(transcript["stdout"]), steady(terminal.stdout)
        if transcript["stdout"][-1:] not in ("", "\n"):
            got = got[: len(wanted)]
        if got == wanted:
            break
    assert got == wanted
    assert (code, terminal.stderr) == (transcript["exit"], transcript["stderr"])
    sent = [[method, path, json.dumps(body, separators=(",", ":")) if body else ""] for method, path, body in requests]
    assert sent == [[call["method"], call["path"][6:], call["request_body"].strip()] for call in transcript["calls"]]
