"""What a real container costs, next to an engine, `runc run` and bubblewrap: interleaved, medians, with the bars.

    sudo python tests/bench/bench_linux.py [--quick] [--rounds N]

Each runs busybox's `true` in the same root filesystem, in turn, while this process stays: from asking to
the exit code known. tests/bench/README.md says what is in each figure. What is not installed is left out,
with the reason; a bar that is missed is said to be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import NamedTuple

import extraction
import rivals

from simdocker.backends.linux import doctor, seccomp
from simdocker.backends.linux.pools import claimed_pools
from simdocker.backends.ports import Endpoint, NetworkSpec, Process, ProcessSpec
from tests.backends.engines import own_engine
from tests.linux import hosts

MS = 1_000_000
IDLE = 20 * MS  # between two starts, in which spares are made
WARM = 3  # the first rounds fill caches
WORKERS = 8

Times = dict[str, list[int]]


class Bar(NamedTuple):
    """`what` divided by `by` is to be at least, or else at most, `value`."""

    what: str
    by: str
    value: float
    at_most: bool = False


BARS = (
    Bar("docker run (API)", "simdocker, bridge", 40),
    Bar("runc run", "simdocker", 6),
    Bar("simdocker", "bwrap", 1.0, at_most=True),
    Bar("docker exec (API)", "simdocker exec", 40),
)
HONESTLY = (
    ("docker run (API)", "simdocker serve (API)"),
    ("docker exec (API)", "simdocker serve exec (API)"),
    ("docker run (CLI)", "simdocker run (CLI)"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="ten rounds, a small layer")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    if reason := lacking():
        print(f"starts of real containers: not measured: {reason}")
        return
    rounds = 10 if options.quick else options.rounds
    times: Times = defaultdict(list)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = Ours(directory)
        stack.callback(ours.close)
        others = Others(directory, ours.root, stack)
        ours.host.does(all_rounds(ours, others, rounds, times))
        steps = ours.steps()
        floor = ours.exec_floor(directory, rounds)
        rates = [ours.throughput(number, 3 * rounds) for number in (1, WORKERS)]
    rates += extraction.measured(3 if options.quick else 7, extraction.ENTRIES // (4 if options.quick else 1))
    report(times, rates, others.missing, floor)
    print("\nsteps that take longest (µs a process)")
    for what, took in sorted(steps.items(), key=lambda item: -item[1])[:14]:
        print(f"  {what:32}{took / 1000:8.0f}")


def lacking() -> str:
    """Why nothing can be measured here; empty when it can."""
    missing = [] if os.geteuid() == 0 else ["root"]
    missing += [name for name in ("runc", "bwrap", "busybox") if shutil.which(name) is None]
    missing += [finding.name for finding in doctor.examine() if finding.needed and not finding.works]
    return f"needs {', '.join(missing)}" if missing else ""


class Ours:
    """The drivers of this machine, in this process."""

    def __init__(self, directory: Path) -> None:
        self.host = hosts.real(directory)
        machine = self.host.machine
        self.host.sandbox = lambda owner: machine.network.sandbox(owner, "private", None)
        self.root = f"{machine.storage._chains['busybox'][0]}"
        pool = claimed_pools(machine.journal)[0]
        gateway = str(pool.network_address + 1)
        self.bridge = NetworkSpec("bench", "bench", "bridge", subnet=str(pool), gateway=gateway)
        self.address = pool.network_address + 2
        self.host.does(machine.network.create(self.bridge))
        self.resident = self.host.container("sleep", "1000").start()

    def round(self, times: dict[str, int]) -> Process:
        """Process: a container's life alone and on a bridge, and an exec."""
        for what, joins in (("simdocker", False), ("simdocker, bridge", True)):
            yield self.host.env.timeout(IDLE)
            yield from self.life(what, times, joins=joins)
        yield self.host.env.timeout(IDLE)
        begun = perf_counter_ns()
        spec = ProcessSpec(("true",), env=(hosts.PATH,))
        process = yield from self.host.machine.runtime.exec(self.resident.id, spec, lambda _fd, _data: None, None)
        assert (yield process.exited) == 0
        times["simdocker exec"] = perf_counter_ns() - begun

    def life(self, what: str, times: dict[str, int], *, joins: bool) -> Process:
        """Process: one container, until it has ended, and until nothing of it is left."""
        network = self.host.machine.network
        begun = perf_counter_ns()
        etc = {"/etc/hostname": "box\n", "/etc/hosts": "127.0.0.1 localhost\n", "/etc/resolv.conf": "\n"}
        box = self.host.container("true", memory=256 << 20, pids_limit=100, etc_files=etc if joins else None)
        endpoint = Endpoint(
            box.id, self.bridge, box.id, str(self.address), 16, "02:42:0a:00:00:02", self.bridge.gateway
        )
        if joins:
            yield from network.join(endpoint, box.sandbox)
        code = yield from box._life()
        assert code == 0
        ended = perf_counter_ns()
        if joins:
            yield from network.leave(endpoint, box.sandbox, ending=True)
        box.remove()
        network.release(box.sandbox)
        removed = perf_counter_ns()
        # On the bridge it is held against an engine's whole run, with its removal.
        times[what] = (removed if joins else ended) - begun
        if not joins:
            times[f"{what} and removed"] = removed - begun

    def exec_floor(self, directory: Path, times: int) -> int:
        """What an exec of the same takes in C alone, in ns; 0 where there is no compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return 0
        program, filter = directory / "exec_floor", directory / "filter"
        filter.write_bytes(seccomp.program("default"))
        source = Path(__file__).with_name("exec_floor.c")
        subprocess.run([compiler, "-O2", "-o", program, source], check=True)
        container = self.host.machine.runtime._containers[self.resident.id]
        command = [program, str(self.resident.process.pid), filter, str(times), *container.cgroup.join]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def steps(self) -> dict[str, float]:
        """What each step took, in ns a process."""
        took: Times = defaultdict(list)
        for record in self.host.machine.runtime.trace.records:
            if record.kind == "step" and record.attrs and "ns" in record.attrs and record.what != "extract":
                took[record.what].append(record.attrs["ns"])
        return {what: sum(each) / len(took["execve"]) for what, each in took.items()}

    def throughput(self, workers: int, lives: int) -> float:
        """Containers a second, started and removed by so many workers at once."""
        env = self.host.env
        share = -(-lives // workers)

        def worker() -> Process:
            for _ in range(share):
                yield from self.life("", {}, joins=False)

        def all_workers() -> Process:
            yield env.all_of([env.process(worker()) for _ in range(workers)])

        begun = perf_counter_ns()
        self.host.does(all_workers())
        return share * workers * 1e9 / (perf_counter_ns() - begun)

    def close(self) -> None:
        self.resident.remove()
        self.host.machine.close()


class Others:
    """Those that it is held against: processes, and engines where they can be had."""

    def __init__(self, directory: Path, root: str, stack: ExitStack) -> None:
        self.missing: list[str] = []
        self._directory = directory
        self._root = root
        self._numbers = iter(range(1 << 30))
        self._engines: dict[str, tuple[rivals.Client, str, str]] = {}
        self._programs: dict[str, list[str]] = {}
        rivals.bundle(directory / "bundle", root)
        scenario = directory / "one.yaml"
        scenario.write_text(rivals.ONE_STEP)
        self._programs["simdocker run (CLI)"] = [*rivals.SIMDOCKER, "run", "--backend", "linux", "-q", str(scenario)]
        self._add("simdocker serve", stack.enter_context(rivals.served(directory)))
        if shutil.which("dockerd") is None:
            self.missing.append("docker: dockerd is not installed")
            return
        (directory / "engine").mkdir()
        try:
            address, _ = stack.enter_context(own_engine(directory / "engine"))
        except AssertionError as error:
            self.missing.append(f"docker: {error}")
            return
        self._add("docker", address.removeprefix("unix://"))
        if shutil.which("docker"):
            self._programs["docker run (CLI)"] = ["docker", "-H", address, "run", "--rm", rivals.IMAGE, "true"]

    def _add(self, name: str, path: str) -> None:
        client = rivals.Client(path)
        image = client.with_image(self._root)
        self._engines[name] = (client, image, client.resident(image))

    def round(self, times: dict[str, int], *, seldom: bool) -> None:
        """Each once; the slow ones, which tell by far, not in each round."""
        for what, command in rivals.commands(self._directory, self._root, next(self._numbers)).items():
            times[what] = rivals.spawned(command)
        for name, (client, image, resident) in self._engines.items():
            what = f"{name} run" if name == "docker" else name
            times[f"{what} (API)"] = client.run(image)
            times[f"{name} exec (API)"] = client.exec(resident)
        for what, command in self._programs.items() if seldom else ():
            times[what] = rivals.spawned(command)


def all_rounds(ours: Ours, others: Others, rounds: int, times: Times) -> Process:
    """Process: everything in turn, in one run of the clock, as in an engine that is there all the time."""
    for number in range(rounds + WARM):
        measured: dict[str, int] = {}
        yield from ours.round(measured)
        others.round(measured, seldom=number % 3 == 0)
        for what, took in measured.items() if number >= WARM else ():
            times[what].append(took)


def report(times: Times, rates: list[float], missing: list[str], floor: int) -> None:
    medians = {what: median(took) for what, took in times.items()}
    print(f"{'median of ' + str(len(times['simdocker'])):32}      ms")
    for what, took in medians.items():
        print(f"{what:32}{took / MS:8.1f}")
    if floor:
        print(f"{'an exec in C (exec_floor.c)':32}{floor / MS:8.1f}")
    one, many, extracted, tar = rates
    print(f"\n{'containers a second':32}{one:8.0f}   by one worker, {many:.0f} by {WORKERS}")
    print(f"{'a layer onto tmpfs, MB/s':32}{extracted:8.0f}   GNU tar {tar:.0f}\n")
    for bar in BARS:
        if bar.what in medians and bar.by in medians:
            verdict(f"{bar.what} / {bar.by}", medians[bar.what] / medians[bar.by], bar.value, at_most=bar.at_most)
    verdict(f"{WORKERS} workers / one", many / one, 1.5)
    verdict("extraction / GNU tar", extracted / tar, 0.6)
    if floor and "docker exec (API)" in medians:
        print(f"{'docker exec (API) / an exec in C':52}{medians['docker exec (API)'] / floor:7.2f}   no bar")
    for what, by in HONESTLY:
        if what in medians and by in medians:
            print(f"{what + ' / ' + by:52}{medians[what] / medians[by]:7.2f}   no bar")
    for reason in missing:
        print(f"not measured: {reason}")


def verdict(what: str, ratio: float, bar: float, *, at_most: bool = False) -> None:
    met = ratio <= bar if at_most else ratio >= bar
    print(f"{what:52}{ratio:7.2f}   bar {'≤' if at_most else '≥'} {bar:<4g}  {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
