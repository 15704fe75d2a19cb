"""What a random sequence of docker commands is made of: lines with good and bad arguments, and how often each.

A line is a pure function of the random numbers it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Choose = Callable[[Random], str]

CONTAINERS = ("web", "sql", "box")  # none that could begin an id
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
    "-p 80", "--pids-limit 50", "--health-cmd true", "-i", "-t", "--volumes-from web", "--volumes-from sql:ro",
    "--volumes-from nosuch", "--mount type=tmpfs,dst=/t", "--mount type=bind,src=/nosuch,dst=/b", "--ip 10.9.0.9",
    "--network container:web", "--link web", "--dns 8.8.8.8", "--add-host a:1.2.3.4",
    "--ulimit nofile=64", "--cap-drop ALL", "--log-driver none", "--log-opt max-size=1k", "--memory-swap 1m",
)  # fmt: skip
INSPECTED = (
    "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{json .Config.Env}} {{json .Config.Labels}} "
    "{{.HostConfig.NetworkMode}}"
)


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
    (1, lambda r: f"docker logs {r.choice(('', '--tail 1 ', '-t '))}{_container(r)} 2>&1 | wc -l"),
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
    (1, lambda r: f"docker commit {r.choice(('', '-m note ', '-c CMD=true '))}{_container(r)} mine:1"),
    (1, lambda r: f"docker cp {_container(r)}:{r.choice(('/etc/hostname', '/nosuch', '/etc/passwd'))} - "
                  "| tar tf - 2>/dev/null | sort"),
    (1, lambda r: f"docker diff {_container(r)} | sort"),
    (1, lambda r: f"docker exec {_container(r)} "
                  + r.choice(("ping -c 1 -W 1 web", "nslookup sql", "sh -c 'echo kept > /data/f; cat /data/f'",
                              "ls /data /anon", "touch /new", "rm /etc/passwd", "mkdir -p /a/b", "env"))),
    (1, lambda r: f"docker container prune -f {r.choice(('', '--filter label=team=a ', '--filter label!=team '))}"
                  "| grep -v reclaimed"),
    (1, lambda r: f"docker run -d --name {r.choice(CONTAINERS)} --restart unless-stopped alpine sleep 1000"),
    (1, lambda r: f"docker {r.choice(('network', 'volume', 'image'))} prune -f | grep -v reclaimed | sort"),
    (1, lambda r: f"docker update {r.choice(('-m 32m', '--cpus 1', '--restart no', '--restart bogus', '-m 1k'))} "
                  + _container(r)),
    (1, lambda r: "docker images --format '{{.Repository}}:{{.Tag}}' "
                  + r.choice(("", "-f dangling=true", "-f reference='b*'", "-f bogus=1")) + " | sort"),
    (1, lambda r: "docker ps --format '{{.Names}} {{.Ports}} {{.Networks}} {{.Mounts}} {{.Labels}}' "
                  + r.choice(("-a", "", "-l", "-f network=front", "-f volume=data", "-f exited=3", "-f health=none",
                              "-f status=bogus"))),
    (1, lambda r: "docker volume ls -q " + r.choice(("-f dangling=true", "-f name=da", "-f driver=local", "-f label=k"))
                  + r" | grep -v '^[0-9a-f]\{64\}' | sort"),
    (1, lambda r: "docker network ls -q --no-trunc " + r.choice(("-f driver=null", "-f name=fr", "-f type=custom"))),
    (1, lambda r: f"docker history --format '{{{{.CreatedBy}}}} {{{{.Comment}}}}' {r.choice(IMAGES)}"),
    (1, lambda r: f"docker save {r.choice(IMAGES)} | tar tf - 2>/dev/null | wc -l"),
    (1, lambda r: f"docker container inspect -f '{{{{json .NetworkSettings.Networks}}}}' {_container(r)} "
                  r"| grep -o '\"Aliases\":[^]]*'"),
)  # fmt: skip

ENDING = (
    "docker inspect $(docker ps -aq) 2>&1 | grep -v 'Pid\\|\"Size\\|IPAddress\\|MacAddress\\|Gateway'",
    "docker network inspect front back 2>&1 | grep -v 'Subnet\\|Gateway\\|Address\\|Created'",
    "docker volume inspect data logs 2>&1",
    "docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sort",
)
"""What is there at the end. Addresses depend on how many networks the engine made before."""


def sequence(seed: int, number: int, length: int) -> list[str]:
    """The lines of one sequence."""
    random = Random(f"{seed} {number}")
    weights = [weight for weight, _ in LINES]
    return [choose(random) for _, choose in random.choices(LINES, weights, k=length)] + list(ENDING)
