"""Fixtures: `host` is each backend in turn, `linux` the real one alone, `lab` real networks without containers."""

import pytest

from tests.linux import hosts, lab


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
