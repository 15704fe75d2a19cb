"""What a served daemon costs real clients: `docker run` beside an engine's, `docker ps` of many, 64 clients at once.

    python tests/bench/bench_serve.py [--quick] [--engine unix://SOCKET] [--load SECONDS] [--backend sim|linux]

Fails when a ratio is above its bar, or when a client under load gets a wrong answer. Without an engine (or the
docker command line) the ratios are left out; the linux backend needs root.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.server.fuzz import grown
from tests.server.wire import Wire

BARS = {"sim": 0.12, "linux": 0.20}
CLIENTS = 64
MANY = 1000
OWN = 'busybox ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"'
ALONE = ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", OWN, "sh"]


@contextmanager
def serving(backend: str) -> Iterator[tuple[Path, int]]:
    """A daemon with busybox: its socket, and its process."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "docker.sock"
        command = [sys.executable, "-m", "simdocker", "serve", "--quiet", "--backend", backend, "--socket", str(path)]
        command = [*ALONE, *command] if backend == "linux" else [*command, "--speed", "max"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None and b"listens" in server.stdout.readline()
                assert Wire(path).ask("POST", "/images/create?fromImage=busybox&tag=latest").status == 200
                yield path, server.pid
            finally:
                server.terminate()
                server.wait(60)


def timed(host: str, *argv: str) -> float:
    """Seconds that a command of the docker client takes there."""
    begin = time.perf_counter()
    subprocess.run(["docker", "-H", host, *argv], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def interleaved(hosts: dict[str, str], rounds: int, *argv: str) -> dict[str, float]:
    """The median of each host's times, one after the other in each round."""
    taken: dict[str, list[float]] = {name: [] for name in hosts}
    for _ in range(rounds + 1):
        for name, host in hosts.items():
            taken[name].append(timed(host, *argv))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def runs(engine: str, rounds: int) -> bool:
    """`docker run --rm busybox true`, each backend's time over the engine's."""
    with ExitStack() as stack:
        hosts = {"engine": engine}
        for backend in BARS if os.geteuid() == 0 else ("sim",):
            hosts[backend] = f"unix://{stack.enter_context(serving(backend))[0]}"
        medians = interleaved(hosts, rounds, "run", "--rm", "busybox", "true")
    good = True
    for backend in hosts.keys() - {"engine"}:
        ratio = medians[backend] / medians["engine"]
        good = good and ratio <= BARS[backend]
        took = f"{1000 * medians[backend]:6.1f} ms, engine {1000 * medians['engine']:6.1f} ms"
        print(f"docker run --rm busybox true  {backend:6} {took}, {ratio:.3f} of it, bar {BARS[backend]}")
    return good


def lists(engine: str, rounds: int) -> bool:
    """`docker ps -a` with a thousand containers."""
    with serving("sim") as (path, _):
        for host in (path, Path(engine.removeprefix("unix://"))):
            wire = Wire(host)
            there = len(wire.ask("GET", "/containers/json?all=1").json)
            for number in range(there, MANY):
                wire.ask("POST", f"/containers/create?name=many{number}", {"Image": "busybox", "Cmd": ["true"]})
        medians = interleaved({"engine": engine, "sim": f"unix://{path}"}, rounds, "ps", "-a")
    wire = Wire(engine.removeprefix("unix://"))
    for container in wire.ask("GET", "/containers/json?all=1").json:
        if container["Names"][0].startswith("/many"):
            wire.ask("DELETE", f"/containers/{container['Id']}")
    ratio = medians["sim"] / medians["engine"]
    print(f"docker ps -a of {MANY}  sim {1000 * medians['sim']:.1f} ms, {ratio:.3f} of the engine's, bar 1")
    return ratio <= 1


def work(path: Path, number: int, until: float, wrong: list[str], done: list[int]) -> None:
    """One client's commands, each answer looked at."""
    wire = Wire(path)
    turn = 0
    try:
        while time.monotonic() < until:
            turn += 1
            name = f"c{number}-{turn}"
            token = f"{name} said so"
            body = {"Image": "busybox", "Cmd": ["sh", "-c", f"echo {token}; exit {number % 7}"], "Labels": {"of": name}}
            made = wire.ask("POST", f"/containers/create?name={name}", body)
            looked = [
                made.status == 201,
                wire.ask("POST", f"/containers/{name}/start").status == 204,
                wire.ask("POST", f"/containers/{name}/wait").json["StatusCode"] == number % 7,
                wire.ask("GET", f"/containers/{name}/logs?stdout=1").body[8:] == f"{token}\n".encode(),
                wire.ask("GET", f"/containers/{name}/json").json["Id"] == made.json["Id"],
                [found["Id"] for found in wire.ask("GET", listing(name)).json] == [made.json["Id"]],
            ]
            if turn % 4 == 1:
                looked += objects(wire, name)
            looked.append(wire.ask("DELETE", f"/containers/{name}").status == 204)
            looked.append(wire.ask("GET", f"/containers/{name}/json").status == 404)
            wrong += [f"{name}: answer {at}" for at, good in enumerate(looked) if not good]
            done[number] += len(looked)
    except Exception as error:
        wrong.append(f"client {number}: {error!r}")


def listing(name: str) -> str:
    return f"/containers/json?all=1&filters=%7B%22label%22:%5B%22of={name}%22%5D%7D"


def objects(wire: Wire, name: str) -> list[bool]:
    """A volume, a network, and a command inside a container that runs."""
    running = {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {"Binds": [f"v{name}:/v"]}}
    looked = [
        wire.ask("POST", "/volumes/create", {"Name": f"v{name}"}).json["Name"] == f"v{name}",
        wire.ask("POST", f"/containers/create?name=r{name}", running).status == 201,
        wire.ask("POST", f"/containers/r{name}/start").status == 204,
    ]
    command = {"Cmd": ["sh", "-c", f"echo {name} > /v/it; cat /v/it"], "AttachStdout": True}
    made = wire.ask("POST", f"/containers/r{name}/exec", command).json["Id"]
    said = wire.ask("POST", f"/exec/{made}/start", {"Detach": False}).body
    looked.append(said[8:] == f"{name}\n".encode())
    looked.append(wire.ask("DELETE", f"/containers/r{name}?force=1").status == 204)
    looked.append(wire.ask("DELETE", f"/volumes/v{name}").status == 204)
    return looked


def load(backend: str, seconds: float) -> bool:
    """So many clients at once: how many answers, how many wrong, and what the server grew by."""
    with serving(backend) as (path, pid):
        wrong: list[str] = []
        done = [0] * CLIENTS
        until = time.monotonic() + seconds
        clients = [threading.Thread(target=work, args=(path, n, until, wrong, done)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(seconds / 4)
        early, _ = grown(pid)
        for client in clients:
            client.join()
        time.sleep(1)
        late, descriptors = grown(pid)
    print(f"{CLIENTS} clients, {seconds:.0f} s, {backend}: {sum(done)} answers, {len(wrong)} wrong")
    print(
        f"    resident {early // 1024} MiB after a quarter of it, {late // 1024} at the end; {descriptors} descriptors"
    )
    for each in wrong[:5]:
        print(f"    {each}")
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="5 s of load, and no ratios")
    parser.add_argument("--engine", default=os.environ.get("SIMDOCKER_BENCH_ENGINE", ""), help="its socket, unix://…")
    parser.add_argument("--load", type=float, default=30, help="seconds")
    parser.add_argument("--backend", default="sim", choices=BARS, help="the one under load")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    good = load(options.backend, 5 if options.quick else options.load)
    if options.engine and shutil.which("docker") and not options.quick:
        good = runs(options.engine, options.rounds) and good
        good = lists(options.engine, options.rounds) and good
    elif not options.quick:
        print("the ratios to an engine are left out: --engine unix://SOCKET and the docker command line")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
