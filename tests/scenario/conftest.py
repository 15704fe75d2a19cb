"""After a run: how many steps of the recorded scenarios were identical."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    scores = [value for r in reports for name, value in r.user_properties if name == "steps identical"]
    if scores:
        same, total = (sum(column) for column in zip(*scores, strict=True))
        terminalreporter.write_line(f"{same} of {total} steps identical to a real engine's")
