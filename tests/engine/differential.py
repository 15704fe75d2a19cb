"""Random sequences of docker commands, played here and on a real Docker Engine, and compared.

    python -m tests.engine.differential [--sequences N] [--seed N] [--length N]

starts an engine of its own (root needed), plays, and prints every difference in exit code, stdout,
stderr, or in what `docker inspect` shows of everything at the end. What is known to differ stands in
`KNOWN`, each with its reason. A sequence is a pure function of the seed and its number, so a
difference is seen again by playing that number alone (`--only N`).
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.engine.normalise import Normaliser, as_recorded
from tests.scenario import corpus

sys.path.insert(0, str(Path(__file__).parent))  # the recorder is a script that stands alone
import record

Choose = Callable[[Random], str]

CONTAINERS = ("web", "db", "box")
NETWORKS = ("front", "back")
VOLUMES = ("data", "logs")
IMAGES = ("busybox", "busybox", "busybox", "alpine", "alpine:latest", "mine:1", "nosuch", "busybox:nosuch", "BAD")
COMMANDS = (
    "sleep 1000", "sleep 1000", "sleep 1000", "true", "false", "echo hello", "sh -c 'exit 3'", "nosuchcommand",
    "sh -c 'echo out; echo err >&2; exit 7'", "sh -c 'trap \"exit 5\" TERM; sleep 1000 & wait'", "cat", "/etc/passwd",
)  # fmt: skip
OPTIONS = (
    "-e A=1", "-e A", "-l team=a", "-l team=b", "-w /tmp", "-w relative", "-u nobody", "-u nosuchuser", "--rm",
    "--read-only", "--hostname h1", "-v data:/data", "-v logs:/data:ro", "-v /anon", "-v data:/data -v data:/data",
    "--network front", "--network back", "--network none", "--network host", "--network nosuch", "--restart no",
    "--restart on-failure:2", "--restart bogus", "--stop-signal USR1", "--stop-timeout 1", "-m 64m", "-m 1m",
    "--cpus 0.5", "--cpus 99", "--entrypoint echo", "--init", "--tmpfs /scratch",
    "--mount type=volume,src=logs,dst=/l", "--mount type=bogus,dst=/l", "--network-alias al", "--expose 80",
    "-p 80", "--pids-limit 50", "--health-cmd true", "--privileged", "-i", "-t",
)  # fmt: skip
INSPECTED = (
    "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{json .Config.Env}} {{json .Config.Labels}} "
    "{{.HostConfig.NetworkMode}}"
)


def _pick(*words: str) -> Choose:
    return lambda random: random.choice(words)


def _container(random: Random) -> str:
    return random.choice((*CONTAINERS, *CONTAINERS, "nosuch"))


def _create(random: Random) -> str:
    options = [random.choice(OPTIONS) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    name = random.choice((*(f"--name {name}" for name in CONTAINERS), f"--name {random.choice(CONTAINERS)}", ""))
    how = random.choice(("run -d", "run -d", "run -d", "run -d", "create", "run"))
    command = random.choice(COMMANDS)
    if how == "run" and ("sleep" in command or command == "cat"):
        how = "run -d"
    return " ".join(part for part in ("docker", how, name, *options, random.choice(IMAGES), command) if part)


LINES: tuple[tuple[int, Choose], ...] = (
    (10, _create),
    (3, lambda r: f"docker start {_container(r)}"),
    (3, lambda r: f"docker stop -t 0 {_container(r)}"),
    (2, lambda r: f"docker kill {r.choice(('', '', '-s TERM ', '-s HUP ', '-s BOGUS ', '-s 0 '))}{_container(r)}"),
    (2, lambda r: f"docker restart -t 0 {_container(r)}"),
    (3, lambda r: f"docker rm {r.choice(('', '-f ', '-v ', '-fv '))}{_container(r)}"),
    (1, lambda r: f"docker pause {_container(r)}"),
    (1, lambda r: f"docker unpause {_container(r)}"),
    (1, lambda r: f"docker rename {_container(r)} {r.choice((*CONTAINERS, 'other', 'a/b', ''))}".rstrip()),
    (1, lambda r: f"docker logs {r.choice(('', '--tail 1 ', '-t '))}{_container(r)}"),
    (2, lambda r: f"docker exec {r.choice(('', '-d ', '-w /tmp ', '-e B=2 ', '-u nobody '))}{_container(r)} "
                  + r.choice(("echo hi", "pwd", "id -u", "sh -c 'exit 4'", "nosuchcommand", "cat /etc/hostname"))),
    (2, lambda r: "docker ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.State}}'"
                  + r.choice(("", " -f status=exited", " -f name=web", " -f label=team=a", " -n 2",
                              " -f ancestor=busybox"))),
    (2, lambda r: f"docker inspect -f '{INSPECTED}' {_container(r)}"),
    (1, lambda r: f"docker inspect -f '{{{{json .Mounts}}}}' {_container(r)}"),
    (1, lambda r: f"docker port {_container(r)}"),
    (1, lambda r: f"docker wait {r.choice(('nosuch', 'nosuch2'))}"),
    (1, lambda r: f"docker top {_container(r)} -o pid,args | tail -n +2 | awk '{{$1 = \"\"; print}}' | sort"),
    (2, lambda r: "docker network create "
                  + r.choice(("", "", "--label k=v ", "--internal ", "-d bogus ", "--subnet 10.9.0.0/24 "))
                  + r.choice((*NETWORKS, "bridge"))),
    (1, lambda r: f"docker network rm {r.choice((*NETWORKS, 'nosuch', 'bridge'))}"),
    (2, lambda r: f"docker network connect {r.choice(('', '--alias z '))}{r.choice((*NETWORKS, 'nosuch'))} "
                  + _container(r)),
    (1, lambda r: f"docker network disconnect {r.choice((*NETWORKS, 'bridge'))} {_container(r)}"),
    (1, lambda r: "docker network ls --format '{{.Name}} {{.Driver}}'"),
    (2, lambda r: f"docker volume create {r.choice((*VOLUMES, '--label k=v data', '-d bogus x1', 'b@d', 'x'))}"),
    (1, lambda r: f"docker volume rm {r.choice((*VOLUMES, 'nosuch', '-f nosuch'))}"),
    (1, lambda r: "docker volume ls --format '{{.Name}} {{.Driver}}' | grep -v '^[0-9a-f]\\{64\\}' | sort"),
    (2, lambda r: f"docker tag {r.choice(IMAGES)} {r.choice(('mine:1', 'mine', 'UP:1', 'a:b:c'))}"),
    (1, lambda r: f"docker rmi {r.choice(('', '-f '))}{r.choice(IMAGES)}"),
    (1, lambda r: "docker images --format '{{.Repository}}:{{.Tag}}' | sort"),
    (1, lambda r: f"docker commit {r.choice(('', '-m note '))}{_container(r)} mine:1"),
    (1, lambda r: f"docker cp {_container(r)}:{r.choice(('/etc/hostname', '/nosuch', '/etc/passwd'))} - | tar tf -"),
    (1, lambda r: f"docker diff {_container(r)} | sort"),
)  # fmt: skip

ENDING = (
    "docker inspect $(docker ps -aq) 2>&1 | grep -v 'Pid\\|\"Size\\|IPAddress\\|MacAddress\\|Gateway'",
    "docker network inspect front back 2>&1 | grep -v 'Subnet\\|Gateway\\|Address\\|Created'",
    "docker volume inspect data logs 2>&1",
    "docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sort",
)
"""What is there at the end. Addresses depend on how many networks the engine made before."""

KNOWN: tuple[tuple[str, str], ...] = ()
"""(pattern in a differing line of the explanation, why)."""


class Difference(NamedTuple):
    """A step that went another way than on the engine."""

    sequence: int
    number: int
    line: str
    there: tuple[int, str, str]
    here: tuple[int, str, str]

    def explain(self) -> str:
        """What differs: `-` is the engine's, `+` ours."""
        parts = [f"sequence {self.sequence}, step {self.number}: {self.line}"]
        if self.there[0] != self.here[0]:
            parts.append(f"exit {self.there[0]}, here {self.here[0]}")
        for name, there, here in zip(("stdout", "stderr"), self.there[1:], self.here[1:], strict=True):
            if there != here:
                lines = difflib.unified_diff(there.splitlines(), here.splitlines(), lineterm="", n=1)
                parts += [f"{name}:", *list(lines)[2:]]
        return "\n    ".join(parts)


def sequence(seed: int, number: int, length: int) -> list[str]:
    """The lines of one sequence."""
    random = Random(f"{seed} {number}")
    weights = [weight for weight, _ in LINES]
    return [choose(random) for _, choose in random.choices(LINES, weights, k=length)] + list(ENDING)


def masked(text: str) -> str:
    """The text without what says how many networks the engine has made before."""
    return re.sub(r"172\.\d+\.\d+\.\d+", "172.x", text)


def compare(machine: record.Machine, seed: int, number: int, length: int) -> Iterator[Difference]:
    """Play one sequence on both and yield what differs."""
    lines = sequence(seed, number, length)
    there = record.play(machine, record.Scenario(f"sequence {number}", lines))
    here = corpus.played({"title": f"sequence {number}", "files": {}, "steps": [{"run": line} for line in lines]})
    real, ours = Normaliser(), Normaliser()
    for index, (one, two) in enumerate(zip(there, here, strict=True), 1):
        a = (one.exit, masked(real.text(one.stdout)), masked(real.text(one.stderr)))
        b = (
            two.exit,
            masked(ours.text(as_recorded(two.stdout, corpus.WORKING_DIRECTORY))),
            masked(ours.text(as_recorded(two.stderr, corpus.WORKING_DIRECTORY))),
        )
        if a != b:
            yield Difference(number, index, lines[index - 1], a, b)


def unexplained(difference: Difference) -> bool:
    """Whether no known reason fits."""
    text = difference.explain()
    return not any(re.search(pattern, text) for pattern, _ in KNOWN)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--length", type=int, default=12)
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.sequences) if options.only is None else [options.only]
    found = 0
    with tempfile.TemporaryDirectory(prefix="simdocker-differential-", ignore_cleanup_errors=True) as scratch:
        machine = record.OwnEngine(Path(scratch))
        try:
            for number in numbers:
                for difference in compare(machine, options.seed, number, options.length):
                    if unexplained(difference):
                        found += 1
                        print(difference.explain(), flush=True)
        finally:
            machine.close()
    print(f"{len(numbers)} sequences, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
