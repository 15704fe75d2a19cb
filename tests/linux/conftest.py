"""Fixtures: `host` is each backend in turn, `linux` the real one alone, `lab` real networks without containers."""

import shutil
from functools import cache

import pytest

from simdocker.backends.linux import doctor
from tests.linux import hosts, lab


def pytest_runtest_setup(item):
    if item.get_closest_marker("root") and (reason := _lacking()):
        pytest.skip(reason)


@cache
def _lacking():
    """What this machine cannot do that the tests here are about; empty when it can do everything."""
    lacks = [finding.name for finding in doctor.examine() if finding.needed and not finding.works]
    lacks += [] if shutil.which("nft") else ["nft"]
    return f"needs {', '.join(lacks)}" if lacks else ""


@pytest.fixture(scope="module", params=["sim", pytest.param("linux", marks=hosts.needs_linux)])
def host(request, tmp_path_factory):
    yield from _made(request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=[pytest.param("linux", marks=hosts.needs_linux)])
def linux(request, tmp_path_factory):
    yield from _made("linux", tmp_path_factory)


@pytest.fixture(name="lab")
def fresh_lab(tmp_path):
    """When the test is over nothing of it may be left."""
    fresh = lab.Lab(tmp_path / "run")
    try:
        yield fresh
    finally:
        fresh.close()


def _made(kind, tmp_path_factory):
    if kind == "sim":
        yield hosts.simulated()
        return
    host = hosts.real(tmp_path_factory.mktemp("machine"))
    yield host
    host.machine.close()
