"""Programs and drivers from outside: registered in Python, or brought by an installed package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from simdocker import UserError, driver, play, program
from simdocker.backends.sim import drivers, execve
from simdocker.backends.sim.machine import Machine
from simdocker.backends.sim.program import PROGRAMS, Blocking, Process

MS = 1_000_000


def greet(p: Process) -> Blocking:
    """Process: greets whom it is given, or whom the environment names."""
    yield from p.compute(5 * MS)
    yield from p.write(1, f"hello {p.argv[1] if p.argv[1:] else p.env.get('WHO', 'world')}\n")
    return 3 if p.argv[1:] else 0


class Remote:
    """Volumes on a server far away: each is made there first; the rest is the disk's."""

    name = "local"

    def __init__(self, machine: Machine) -> None:
        self._local = machine.volume
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._local, name)

    def create(self, name: str, options: Mapping[str, str]) -> Blocking:
        yield self._machine.kernel.env.timeout(700 * MS)
        self._local.trace.step(self._local.actor, "reserve volume", {"name": name})
        return (yield from self._local.create(name, options))


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    for name in {"greet", "brought"} & PROGRAMS.keys():
        del PROGRAMS[name]
    drivers.DRIVERS.clear()


def image(program: str) -> dict[str, Any]:
    layer = {"programs": {"/usr/bin/greet": program}}
    return {"lab/greet:1": {"from": "busybox", "layers": [layer], "entrypoint": ["greet"], "env": {"WHO": "class"}}}


def test_a_program_of_ones_own_runs_in_a_container() -> None:
    program("greet")(greet)
    run = play({"images": image("greet"), "steps": [
        {"run": "docker run --rm lab/greet:1", "expect": {"stdout": "hello class\n"}},
        {"run": "docker run --rm lab/greet:1 you", "expect": {"exit": 3}},
        {"run": "docker run --rm --entrypoint sh lab/greet:1 -c 'greet | wc -w'", "expect": {"stdout": "2\n"}},
    ]})  # fmt: skip
    assert run.passed


def test_a_package_brings_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "brought", greet)

    def installed(*, group: str, name: str = "brought") -> list[EntryPoint]:
        assert group == "simdocker.programs"
        return [EntryPoint(name, f"{__name__}:greet", group)] if name == "brought" else []

    monkeypatch.setattr(execve, "entry_points", installed)
    run = play({"images": image("brought"), "steps": [{"run": "docker run lab/greet:1"}]})
    assert run.steps[0].stdout == "hello class\n"


def test_a_program_that_nobody_has_is_refused_before_the_first_step() -> None:
    program("greet")(greet)
    with pytest.raises(UserError, match="there is no program 'gret': did you mean 'greet'"):
        play({"images": image("gret"), "steps": [{"run": "true"}]})
    with pytest.raises(UserError, match=r"there is no program 'zzzzzz': notebooks/README\.md says how"):
        play({"images": image("zzzzzz"), "steps": [{"run": "true"}]})


def world(**chosen: str) -> dict[str, Any]:
    return {"hosts": {"laptop": {"drivers": chosen}}, "registries": {"docker.io": {}}}


STEPS = [
    {"run": "docker volume create data"},
    {"run": "docker run --rm -v data:/d busybox sh -c 'echo kept > /d/f; cat /d/f'", "expect": {"stdout": "kept\n"}},
]


def test_a_driver_of_ones_own_stands_where_the_machines_was() -> None:
    driver("volume", "remote")(Remote)
    own, plain = play({"world": world(volume="remote"), "steps": STEPS}), play(STEPS)
    assert own.passed and plain.passed
    assert 700 * MS <= own.steps[0].took_ns - plain.steps[0].took_ns < 800 * MS
    assert [record.attrs for record in own.trace if record.what == "reserve volume"] == [{"name": "data"}]
    assert own.after(0).volumes.keys() == {"data"}  # and a replay has it too


def test_a_package_brings_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(*, group: str, name: str = "volume.far") -> list[EntryPoint]:
        assert group == "simdocker.drivers"
        return [EntryPoint(name, f"{__name__}:Remote", group)] if name == "volume.far" else []

    monkeypatch.setattr(drivers, "entry_points", installed)
    assert play({"world": world(volume="far"), "steps": STEPS}).passed
    with pytest.raises(UserError, match="there is no volume driver 'fra': did you mean 'far'"):
        play({"world": world(volume="fra"), "steps": STEPS})
    with pytest.raises(UserError, match=r"laptop: drivers: there is no storage driver 'zfs': known are overlay2"):
        play({"world": world(storage="zfs"), "steps": STEPS})


def test_roles_and_names_that_are_taken() -> None:
    with pytest.raises(UserError, match="a driver's role is one of storage, runtime, network, volume, not 'disk'"):
        driver("disk", "x")
    with pytest.raises(UserError, match="'overlay2' is the machine's own storage driver"):
        driver("storage", "overlay2")
