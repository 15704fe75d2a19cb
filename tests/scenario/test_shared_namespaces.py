"""Who shares a namespace sees the same things in it, and /proc/<pid>/ns tells so.

What is asserted here was seen with Docker Engine 20.10.24 and busybox 1.35.
"""

from __future__ import annotations

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import Run


def played(*lines: str) -> Run:
    return play(Scenario.of({"title": "namespaces", "steps": [{"run": line} for line in lines]}))


def output(*lines: str) -> str:
    """What the last line prints."""
    step = played(*lines).steps[-1]
    assert step.stderr == ""
    return step.stdout


def test_a_container_in_the_hosts_pid_namespace_sees_the_hosts_processes() -> None:
    lines = output("docker pull -q busybox", "docker run --rm --pid host busybox ps").splitlines()
    assert lines[1].split() == ["1", "root", "/sbin/init"]
    assert any(line.endswith(" bash") for line in lines)


def test_a_container_is_a_process_of_its_host_that_the_host_can_kill() -> None:
    run = played("docker run -d --name box --pid host busybox sleep 100",
                  "kill -9 $(docker inspect -f '{{.State.Pid}}' box)",
                  "docker wait box")  # fmt: skip
    assert run.steps[-1].stdout == "137\n"


def test_a_container_in_anothers_pid_namespace_ends_with_its_first_process() -> None:
    run = played("docker run -d --name one busybox sleep 1000",
                 "docker run -d --name two --pid container:one busybox sleep 1000",
                 "docker exec two ps",
                 "docker top two -o args",
                 "docker inspect -f '{{.HostConfig.PidMode}}' two | cut -c 1-10",
                 "docker kill one",
                 "docker wait two",
                 "docker start two")  # fmt: skip
    shown = [step.stdout for step in run.steps]
    assert [line.split()[2:] for line in shown[2].splitlines()[1:3]] == [["sleep", "1000"]] * 2
    assert shown[4] == "container:\n" and shown[6] == "137\n"
    refused = run.steps[-1]
    assert refused.exit == 1 and "is not running\n" in refused.stderr


def test_the_end_of_a_container_leaves_the_others_of_its_pid_namespace_alone() -> None:
    run = played("docker run -d --name one busybox sleep 1000",
                 "docker run -d --name two --pid container:one busybox sleep 1000",
                 "docker rm -f two",
                 "docker ps --format '{{.Names}}'")  # fmt: skip
    assert run.steps[-1].stdout == "one\n"


def test_namespaces_have_the_same_number_exactly_for_those_who_share_them() -> None:
    names = ["net", "pid", "ipc", "uts", "mnt", "user"]
    look = "for n in " + " ".join(names) + "; do readlink /proc/self/ns/$n; done"
    run = played(f"sh -c '{look}'",
                 f"docker run --name own busybox sh -c '{look}'",
                 f"docker run --network host --pid host --ipc host --uts host busybox sh -c '{look}'")  # fmt: skip
    host, own, shares = (step.stdout.split() for step in run.steps)
    assert [a == b for a, b in zip(host, own, strict=True)] == [False] * 5 + [True]
    assert [a == b for a, b in zip(host, shares, strict=True)] == [name != "mnt" for name in names]


def test_a_shareable_ipc_namespace_brings_its_shared_memory() -> None:
    run = played("docker run -d --name one --ipc shareable busybox sh -c 'echo hi > /dev/shm/note; sleep 100'",
                 "docker run --rm --ipc container:one busybox cat /dev/shm/note",
                 "docker run -d --name two busybox sleep 100",
                 "docker run --rm --ipc container:two busybox true",
                 "docker run --rm --ipc container:none busybox true")  # fmt: skip
    assert run.steps[1].stdout == "hi\n"
    assert "non-shareable IPC (hint: use IpcMode:shareable for the donor container)" in run.steps[3].stderr
    refused = run.steps[4].stderr
    assert refused.startswith("docker: Error response from daemon: No such container: none\n")


def test_the_engines_socket_can_be_looked_at_and_bound_but_holds_no_bytes() -> None:
    look = "test -S /run/docker.sock && stat -c '%F %a' /run/docker.sock; ls -F /run; cat /run/docker.sock"
    bound = "docker run --rm -v /var/run/docker.sock:/run/docker.sock busybox"
    for step in played(f'sh -c "{look}"', "docker pull -q busybox", f'{bound} sh -c "{look}"').steps[::2]:
        assert step.stdout == "socket 660\ndocker.sock=\n"
        assert step.stderr == "cat: can't open '/run/docker.sock': No such device or address\n"
