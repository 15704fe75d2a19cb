"""Fixtures: `host` is each backend in turn, `linux` the real one alone."""

import pytest

from tests.linux import hosts


@pytest.fixture(scope="module", params=["sim", pytest.param("linux", marks=hosts.needs_linux)])
def host(request, tmp_path_factory):
    yield from _made(request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=[pytest.param("linux", marks=hosts.needs_linux)])
def linux(request, tmp_path_factory):
    yield from _made("linux", tmp_path_factory)


def _made(kind, tmp_path_factory):
    if kind == "sim":
        yield hosts.simulated()
        return
    host = hosts.real(tmp_path_factory.mktemp("machine"))
    yield host
    host.machine.close()
