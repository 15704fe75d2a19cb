"""What all tests share: how many random examples, what they need of this machine, and the scores at the end.

A test that carries a marker below is left out, with the reason, where the machine lacks what it needs.
`--hypothesis-profile=thorough` looks at more examples.

A test in which a real kernel, terminal, process or engine takes part gets a second and a third go: what else
the machine does at that moment may fail it. The summary names each that needed one (`R`). What is only
simulated is a function of its seed and gets one go.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache

import pytest
from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=100)
settings.register_profile("thorough", deadline=None, max_examples=400)
settings.load_profile("quick")

SCORES = {
    "steps identical": "recorded steps identical to a real engine's",
    "lines identical": "recorded shell lines identical to a real busybox's",
}


REAL_ROOMS = {"backends", "cli", "engine", "linux", "server"}
REAL_MARKS = ("root", "busybox", "engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.pluginmanager.hasplugin("rerunfailures"):
        return
    for item in items:
        room = item.path.relative_to(item.config.rootpath / "tests").parts[0]
        if room in REAL_ROOMS or any(item.get_closest_marker(mark) for mark in REAL_MARKS):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, missing in (("root", no_root), ("busybox", no_busybox), ("engine", no_engine)):
        if item.get_closest_marker(mark) and (reason := missing()):
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much of what was recorded is identical here."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for score, what in SCORES.items():
        if counts := [value for report in reports for name, value in report.user_properties if name == score]:
            same, total = (sum(column) for column in zip(*counts, strict=True))
            terminalreporter.write_line(f"{same} of {total} {what}")


def no_root() -> str:
    return "" if os.geteuid() == 0 else "needs root"


def no_busybox() -> str:
    return no_program("busybox", "", r"BusyBox v(1\.35)\.")


@cache
def no_engine() -> str:
    if not os.environ.get("SIMDOCKER_TEST_ENGINE"):
        return "starts a real Docker Engine; SIMDOCKER_TEST_ENGINE=1 allows it"
    return (
        no_root()
        or no_busybox()
        or no_program("dockerd", "--version", r"version (20\.10)\.")
        or no_program("docker", "--version", r"version (28)\.")
        or next((f"needs {name}" for name in ("iptables", "ip", "nsenter", "unshare") if not shutil.which(name)), "")
    )


@cache
def no_program(name: str, option: str, version: str) -> str:
    """Why a program of the recordings' version cannot be used; empty when it can."""
    if not shutil.which(name):
        return f"needs {name}"
    said = subprocess.run([name, *option.split()], capture_output=True, text=True, check=False).stdout
    if not re.search(version, said):
        return f"needs {name} {version.partition('(')[2].partition(')')[0]}".replace("\\", "")
    return ""
