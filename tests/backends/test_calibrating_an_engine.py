"""A real engine is calibrated, and Ctrl-C in the middle leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simdocker.backends.engine.asking import Engine
from simdocker.backends.linux import syscalls
from simdocker.backends.linux.syscalls import CLONE_NEWNET
from simdocker.scenario.calibration import Plan, calibrate
from simdocker.scenario.load import from_yaml
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.stage import build


def a_scenario(*lines: str):
    steps = "".join(f"  - run: {json.dumps(line)}\n" for line in lines)
    return from_yaml(f"title: t\nsteps:\n{steps}", "t.yaml")


def left_on(address: str) -> list[str]:
    engine = Engine(address)
    containers = [one["Id"] for one in engine.get("/containers/json", all="1")]
    images = [one["Id"] for one in engine.get("/images/json")]
    networks = [one["Name"] for one in engine.get("/networks") if one["Name"] not in ("bridge", "host", "none")]
    return containers + images + networks + [one["Name"] for one in engine.get("/volumes")["Volumes"] or ()]


@contextmanager
def in_the_network_of(pid: int) -> Iterator[None]:
    """While inside, this thread's loopback is that process's, as nsenter does it for a command."""
    ours, theirs = (os.open(f"/proc/{process}/ns/net", os.O_RDONLY) for process in ("thread-self", pid))
    try:
        syscalls.setns(theirs, CLONE_NEWNET)
        yield
    finally:
        syscalls.setns(ours, CLONE_NEWNET)
        os.close(ours)
        os.close(theirs)


@pytest.mark.engine
def test_a_real_engine_is_calibrated(engine: tuple[str, int]):
    address, pid = engine
    plan = Plan(
        {"volumes": a_scenario("docker volume create one", "docker volume rm one", "docker network create n")},
        {"other": a_scenario("docker volume create two", "docker network ls")},
    )

    def play(_name: str, scenario, _turn: int):
        return Player(scenario, build(scenario, backend="engine", host=address), Silent()).play()

    with in_the_network_of(pid):
        found = calibrate(plan, 2, play)
    assert found.left_out == []
    assert {"client.startup", "network.create"} <= found.costs.keys()
    assert all(step.measured_ns > 0 and step.differs == "" for step in found.report.steps)
    assert left_on(address) == []


@pytest.mark.engine
def test_ctrl_c_leaves_nothing_on_the_engine_and_no_file(engine: tuple[str, int], tmp_path: Path):
    address, pid = engine
    output = tmp_path / "x.json"
    command = [sys.executable, "-m", "simdocker", "calibrate", "--host", address, "-o", str(output)]
    running = subprocess.Popen(
        ["nsenter", f"--target={pid}", "--net", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while not left_on(address):
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert said.splitlines()[-1] == "simdocker: interrupted"
    assert left_on(address) == []
    assert not list(tmp_path.iterdir())
