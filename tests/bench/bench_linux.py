"""How long a real container takes to start, next to `runc run` and bubblewrap: interleaved, medians.

    sudo python tests/bench/bench_linux.py [--quick] [--rounds N]

Each runs busybox's `true` in namespaces of its own with no network, in the same root filesystem. simdocker's
also has a union mount, limits, dropped capabilities and Docker's seccomp profile, from the library call to
the exit code; so has runc's bundle, except for the union mount. Beside the medians stand the ratios and
the steps that took longest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from simdocker.backends.linux import doctor
from simdocker.backends.linux.seccomp import DEFAULT
from simdocker.backends.ports import Process, ProcessSpec
from tests.linux import hosts

MS = 1_000_000
IDLE = 20 * MS  # between two starts, in which spares are made
NAMES = ("simdocker", "simdocker and removed", "simdocker exec", "bwrap", "runc run", "spawn")


def bundle(directory: Path, root: str) -> None:
    """An OCI bundle for runc, as hardened as a container of Docker's."""
    subprocess.run(["runc", "spec", "-b", directory], check=True)
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config["root"] = {"path": root, "readonly": False}
    config["process"]["args"], config["process"]["terminal"] = ["true"], False
    seccomp = json.loads(DEFAULT.read_text())
    config["linux"]["seccomp"] = {key: value for key, value in seccomp.items() if key != "about"}
    config["linux"]["resources"] |= {"memory": {"limit": 256 << 20}, "pids": {"limit": 100}}
    path.write_text(json.dumps(config))


def lacking() -> str:
    """Why nothing can be measured here; empty when it can."""
    missing = [] if os.geteuid() == 0 else ["root"]
    missing += [name for name in ("runc", "bwrap", "busybox") if shutil.which(name) is None]
    missing += [finding.name for finding in doctor.examine() if finding.needed and not finding.works]
    return f"needs {', '.join(missing)}" if missing else ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="ten rounds")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    if reason := lacking():
        print(f"starts of real containers: not measured: {reason}")
        return
    rounds = 10 if options.quick else options.rounds
    times: dict[str, list[int]] = defaultdict(list)
    steps: dict[str, list[int]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        host = hosts.real(directory)
        host.sandbox = lambda owner: host.machine.network.sandbox(owner, "private", None)
        try:
            root = f"{host.machine.storage._chains['busybox'][0]}"
            (directory / "bundle").mkdir()
            bundle(directory / "bundle", root)
            resident = host.container("sleep", "1000").start()
            host.does(all_rounds(host, resident, directory, root, rounds, times))
            for record in host.machine.runtime.trace.records:
                if record.kind == "step" and record.attrs and "ns" in record.attrs:
                    steps[record.what].append(record.attrs["ns"])
            resident.remove()
        finally:
            host.machine.close()
    report(times, steps)


def all_rounds(
    host: hosts.Host, resident: hosts.Box, directory: Path, root: str, rounds: int, times: dict[str, list[int]]
) -> Process:
    """Process: everything in turn, in one run of the clock, as in an engine that is there all the time."""
    for number in range(rounds + 3):
        yield host.env.timeout(IDLE)
        measured = yield from our_round(host, resident)
        measured |= others_round(directory, root, number)
        if number >= 3:  # the first ones fill caches
            for what, took in measured.items():
                times[what].append(took)


def our_round(host: hosts.Host, resident: hosts.Box) -> Process:
    """Process → how long a container's life took, with its removal too, and an exec, in ns."""
    begun = perf_counter_ns()
    box = host.container("true", memory=256 << 20, pids_limit=100)
    code = yield from box._life()
    ended = perf_counter_ns()
    box.remove()
    host.machine.network.release(box.sandbox)
    removed = perf_counter_ns()
    assert code == 0
    yield host.env.timeout(IDLE)
    begun_exec = perf_counter_ns()
    spec = ProcessSpec(("true",), env=(hosts.PATH,))
    process = yield from host.machine.runtime.exec(resident.id, spec, lambda _fd, _data: None, None)
    assert (yield process.exited) == 0
    return {NAMES[0]: ended - begun, NAMES[1]: removed - begun, NAMES[2]: perf_counter_ns() - begun_exec}


def others_round(directory: Path, root: str, number: int) -> dict[str, int]:
    measured = {}
    bwrap = ["bwrap", "--unshare-all", "--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    for what, command in (("bwrap", bwrap), ("runc run", ["runc", "run", "-b", directory / "bundle", f"bench{number}"]),
                          ("spawn", ["/bin/busybox", "true"])):  # fmt: skip
        begun = perf_counter_ns()
        subprocess.run(command, check=True, capture_output=True)
        measured[what] = perf_counter_ns() - begun
    return measured


def report(times: dict[str, list[int]], steps: dict[str, list[int]]) -> None:
    ours = median(times["simdocker"])
    print(f"{'median of ' + str(len(times['simdocker'])):24}   ms   times simdocker's")
    for what in NAMES:
        print(f"{what:24}{median(times[what]) / MS:6.1f}{median(times[what]) / ours:9.2f}")
    print("\nsteps that take longest (µs a start)")
    each = {what: sum(took) / len(steps["execve"]) for what, took in steps.items() if what != "extract"}
    for what, took in sorted(each.items(), key=lambda item: -item[1])[:14]:
        print(f"  {what:32}{took / 1000:8.0f}")


if __name__ == "__main__":
    main()
