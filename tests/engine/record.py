"""Record what a real Docker engine answers to scenario files of shell lines.

    python3 tests/engine/record.py tests/reference/corpus/*.yaml

See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import images
import lan
import yaml
from registries import private_registry, registry

from simdocker.scenario.normal import normalise

RECORDED_ON = "Docker Engine 20.10.24 with CLI 28.2.2"
DNS_ADDRESS = "10.53.53.53"
STEP_SECONDS = 90
START_SECONDS = 30
BUSYBOX_BUILD = re.compile(r"(BusyBox v[\d.]+) \([^)]*\)")

Fault = dict[str, object]
"""`fault: {daemon: …}` of a scenario."""


@dataclass(frozen=True)
class Scenario:
    """What one corpus file says."""

    title: str
    steps: list[str | Fault]
    files: dict[str, str] = field(default_factory=dict)
    registry: bool = False
    private_registry: bool = False
    daemon: dict[str, object] = field(default_factory=dict)
    lan: bool = False
    on: dict[int, str] = field(default_factory=dict)  # by index of the step, where it is not the engine's machine


@dataclass(frozen=True)
class Outcome:
    """What one step did."""

    run: str
    exit: int
    stdout: str
    stderr: str
    on: str = ""


def read_scenario(path: Path) -> Scenario:
    """Read a corpus file, refusing keys that the recorder does not know."""
    data = yaml.safe_load(path.read_text())
    for step in data["steps"]:
        if True in step:  # what YAML 1.1 takes the key `on` for
            step["on"] = step.pop(True)
    unknown = set(data) - {"title", "steps", "files", "registry", "private_registry", "daemon", "lan"}
    if unknown or any(set(step) not in ({"run"}, {"run", "on"}, {"fault"}) for step in data["steps"]):
        raise ValueError(f"{path}: unknown keys {sorted(unknown) or 'in steps'}")
    return Scenario(
        title=data["title"],
        steps=[step["run"].rstrip("\n") if "run" in step else step["fault"] for step in data["steps"]],
        files=data.get("files", {}),
        registry=data.get("registry", False),
        private_registry=data.get("private_registry", False),
        daemon=data.get("daemon", {}),
        lan=data.get("lan", False),
        on={index: step["on"] for index, step in enumerate(data["steps"]) if "on" in step},
    )


class Machine:
    """Where steps run: by default the machine itself, with an engine that is already there."""

    def __init__(self, docker_host: str, scratch: Path) -> None:
        self.docker_host = docker_host
        self.scratch = scratch
        self.archive = scratch / "images.tar"
        images.build(Path(shutil.which("busybox") or "/bin/busybox"), self.archive)

    def enter(self, on: str = "") -> list[str]:
        """Return the words that start a command where the engine runs, or `on` the second machine."""
        return []

    @contextmanager
    def in_lan(self) -> Iterator[None]:
        """Put the engine's machine into a local network with another."""
        raise RuntimeError("the network of this engine is not ours to change")
        yield

    def environment(self, directory: Path) -> dict[str, str]:
        """Return the whole environment of a step."""
        return {
            "DOCKER_HOST": self.docker_host,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PWD": str(directory),
            "TZ": "UTC",
        }

    def run(self, line: str, directory: Path, on: str = "") -> Outcome:
        """Run one shell line to its end."""
        process = subprocess.Popen(
            [*self.enter(on), "bash", "-c", line],
            cwd=directory,
            env=self.environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=STEP_SECONDS)
        except subprocess.TimeoutExpired:
            # Its children may have left the group: they end with the engine.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise RuntimeError(f"step did not end in {STEP_SECONDS} s: {line}") from None
        return Outcome(
            run=line,
            on=on,
            exit=process.returncode,
            stdout=self._as_usual(stdout, directory),
            stderr=self._as_usual(stderr, directory),
        )

    def _as_usual(self, output: bytes, directory: Path) -> str:
        """Write what belongs to this machine as on a usual installation."""
        text = BUSYBOX_BUILD.sub(r"\1 (<build>)", output.decode(errors="replace"))
        return (
            text.replace(str(directory), "<workdir>")
            .replace(f"{self.scratch}/data", "/var/lib/docker")
            .replace(f"{self.scratch}/exec", "/var/run/docker")
            .replace(f"{self.scratch}/docker.sock", "/var/run/docker.sock")
        )

    def docker(self, *arguments: str, check: bool = True) -> list[str]:
        """Run docker for the recorder itself and return the words of its output."""
        outcome = subprocess.run(
            [*self.enter(), "docker", *arguments],
            env=self.environment(self.scratch),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode and check:
            raise RuntimeError(f"docker {' '.join(arguments)}: {outcome.stderr}")
        return outcome.stdout.split()

    def strike(self, fault: Fault) -> None:
        """Stop, kill or start the daemon, as `fault: {daemon: …}` says in a scenario."""
        raise RuntimeError(f"this engine is not ours to stop: {fault}")

    def remove_containers(self) -> None:
        """Leave the engine without containers."""
        if found := self.docker("ps", "-aq", "--no-trunc"):
            self.docker("rm", "-fv", *found)

    def reset(self, daemon: dict[str, object]) -> None:
        """Leave the engine with its images alone: no containers, volumes or networks."""
        self.remove_containers()
        for listing, removal in (
            (("volume", "ls", "-q"), ("volume", "rm", "-f")),
            (("network", "ls", "-q", "--filter", "type=custom"), ("network", "rm")),
        ):
            if found := sorted(set(self.docker(*listing))):
                self.docker(*removal, *found)
        while left := sorted(set(self.docker("images", "-q"))):
            self.docker("rmi", "-f", *left, check=False)  # what others were built on goes with the last
        self.docker("load", "-q", "-i", str(self.archive))

    def close(self) -> None:
        """End what this machine started."""


class OwnEngine(Machine):
    """An engine of our own in its own network, so that addresses and ports are the same always."""

    def __init__(self, scratch: Path) -> None:
        super().__init__(f"unix://{scratch}/docker.sock", scratch)
        self._dockerd: subprocess.Popen[bytes] | None = None
        (scratch / "resolv.conf").write_text(f"nameserver {DNS_ADDRESS}\n")
        self._lan: lan.Lan | None = None
        self._holder = lan.namespaces(
            "hostname host",
            "ip link set lo up",
            f"ip address add {DNS_ADDRESS}/32 dev lo",
            f"mount --bind {scratch}/resolv.conf /etc/resolv.conf",
        )
        self._dns = subprocess.Popen([*self.enter(), sys.executable, lan.NXDOMAIN, DNS_ADDRESS])

    def enter(self, on: str = "") -> list[str]:
        if on:
            assert self._lan is not None and on == "server", f"no machine {on}"
            return self._lan.enter()
        return lan.enter(self._holder.pid)

    @contextmanager
    def in_lan(self) -> Iterator[None]:
        self._lan = lan.Lan(self._holder.pid, DNS_ADDRESS)
        try:
            yield
        finally:
            self._lan.close()
            self._lan = None

    def strike(self, fault: Fault) -> None:
        assert self._dockerd is not None
        if fault.get("crash"):
            self._dockerd.kill()
            self._dockerd.wait()
        elif "up" not in fault:
            self._stop_dockerd()
        if "up" in fault or "restart" in fault:
            self._start_dockerd()

    def reset(self, daemon: dict[str, object]) -> None:
        """Also start the engine anew, with another configuration: it would go on with the next subnet otherwise."""
        if self._dockerd is not None:
            if self._dockerd.poll() is not None:
                self._start_dockerd()
            super().reset(daemon)
        self._stop_dockerd()
        (self.scratch / "daemon.json").write_text(json.dumps(daemon))
        self._start_dockerd()
        super().reset(daemon)

    def close(self) -> None:
        if self._dockerd is not None and self._dockerd.poll() is None:
            self.remove_containers()  # with live-restore they would outlive it
        self._stop_dockerd()
        for process in (self._dns, self._holder):
            process.kill()
            process.wait()

    def _start_dockerd(self) -> None:
        directory = self.scratch
        with (directory / "dockerd.log").open("ab") as log:
            self._dockerd = subprocess.Popen(
                [
                    *self.enter(),
                    "dockerd",
                    f"--data-root={directory}/data",
                    f"--exec-root={directory}/exec",
                    f"--pidfile={directory}/dockerd.pid",
                    f"--host={self.docker_host}",
                    f"--config-file={directory}/daemon.json",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.docker("version")
                return
            except RuntimeError:
                if time.monotonic() > deadline or self._dockerd.poll() is not None:
                    raise
            time.sleep(0.1)

    def _stop_dockerd(self) -> None:
        if self._dockerd is not None:
            self._dockerd.terminate()
            self._dockerd.wait()


def play(machine: Machine, scenario: Scenario) -> list[Outcome]:
    """Play a scenario from a clean engine in a directory of its own."""
    machine.reset(scenario.daemon)
    with ExitStack() as stack:
        parent = stack.enter_context(tempfile.TemporaryDirectory(prefix="simdocker-play-"))
        directory = Path(parent, "work")
        directory.mkdir()
        for name, text in scenario.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if scenario.registry:
            stack.enter_context(registry(machine))
        if scenario.private_registry:
            stack.enter_context(private_registry(machine))
        if scenario.lan:
            stack.enter_context(machine.in_lan())
        outcomes = []
        for index, step in enumerate(scenario.steps):
            if isinstance(step, str):
                outcomes.append(machine.run(step, directory, scenario.on.get(index, "")))
            else:
                machine.strike(step)
        return outcomes


def texts(outcomes: list[Outcome]) -> list[str]:
    """Return the outputs of a scenario in the order in which they are normalised."""
    return [text for outcome in outcomes for text in (outcome.stdout, outcome.stderr)]


def unstable(first: list[Outcome], second: list[Outcome]) -> list[str]:
    """Say which steps two plays of a scenario disagree on."""
    problems = []
    normal = [normalise(*texts(outcomes)) for outcomes in (first, second)]
    for index, (one, two) in enumerate(zip(first, second, strict=True)):
        outputs = [play[2 * index : 2 * index + 2] for play in normal]
        if one.exit != two.exit or outputs[0] != outputs[1]:
            details = f"{one.exit} {outputs[0]}\n      {two.exit} {outputs[1]}"
            problems.append(f"step {index + 1}: {one.run}\n      {details}")
    return problems


def write_recording(path: Path, scenario: Scenario, outcomes: list[Outcome]) -> None:
    """Write a recording beside its corpus file."""
    done = map(_without_nothing, outcomes)
    recording = {
        "recorded_on": RECORDED_ON,
        "title": scenario.title,
        "files": scenario.files,
        "registry": scenario.registry,
        "private_registry": scenario.private_registry,
        "daemon": scenario.daemon,
        **({"lan": True} if scenario.lan else {}),
        "steps": [next(done) if isinstance(step, str) else {"fault": step} for step in scenario.steps],
    }
    path.write_text(json.dumps(recording, indent=2, ensure_ascii=False) + "\n")


def _without_nothing(outcome: Outcome) -> dict[str, object]:
    """An outcome as a recording has it: `on` only where there is a choice."""
    return {key: value for key, value in asdict(outcome).items() if key != "on" or value}


def record(machine: Machine, path: Path, plays: int) -> bool:
    """Record one corpus file; say whether its plays agreed."""
    scenario = read_scenario(path)
    first = play(machine, scenario)
    problems = []
    for _ in range(1, plays):
        problems += unstable(first, play(machine, scenario))
    write_recording(path.with_suffix(".json"), scenario, first)
    print(f"{path.name}: {len(first)} steps{', NOT STABLE' if problems else ''}", flush=True)
    for problem in problems:
        print(f"    {problem}", flush=True)
    return not problems


def try_to_record(machine: Machine, path: Path, plays: int) -> bool:
    """Record one corpus file; say what went wrong if that fails, so that others follow."""
    try:
        return record(machine, path, plays)
    except RuntimeError as error:
        print(f"{path.name}: NOT RECORDED: {error}", flush=True)
        return False


def is_alive(docker_host: str) -> bool:
    """Say whether somebody listens at a unix:// address."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(docker_host.removeprefix("unix://")) == 0


def main() -> int:
    """Record the corpus files named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path, help="corpus files (YAML)")
    parser.add_argument("--host", help="unix:// address of an engine TO BE CLEANED and used")
    parser.add_argument("--plays", type=int, default=2, help="times to play each (default 2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="simdocker-record-", ignore_cleanup_errors=True) as scratch:
        if options.host and not is_alive(options.host):
            parser.error(f"nobody listens at {options.host}")
        directory = Path(scratch)
        machine = Machine(options.host, directory) if options.host else OwnEngine(directory)
        try:
            good = [try_to_record(machine, path, options.plays) for path in options.corpus]
        finally:
            machine.close()
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
