"""Following the causes of a record back tells why it happened."""

from __future__ import annotations

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.trace import Record


def records(*steps: str | dict[str, object]) -> list[Record]:
    written = [{"run": step} if isinstance(step, str) else step for step in steps]
    return list(play(Scenario.of({"title": "causes", "steps": written})).world.trace)


def causes(trace: list[Record], record: Record) -> list[str]:
    found = []
    while record.cause_seq >= 0:
        record = trace[record.cause_seq]
        found.append(record.what)
    return found


def last(trace: list[Record], what: str, actor: str = "") -> Record:
    return [r for r in trace if r.what == what and r.actor.startswith(actor)][-1]


@pytest.mark.parametrize("command", ["stop", "kill"])
def test_the_end_of_a_stopped_container_leads_to_the_signal_and_not_to_its_start(command: str) -> None:
    trace = records("docker run -d --name box -p 80:80 busybox sh -c 'trap exit TERM; while :; do sleep 1; done'",
                    f"docker {command} box")  # fmt: skip
    assert [r.what for r in trace].count("kill") == 1
    removed = causes(trace, last(trace, "exited"))
    assert removed[:4] == ["veth delete", "died", "exit", "kill"]
    assert removed[4].startswith("POST ") and removed[4].endswith(f"/{command}")


def test_a_container_that_ends_by_itself_leads_to_its_start() -> None:
    trace = records("docker run --name box busybox true")
    found = causes(trace, last(trace, "exited"))
    assert found[:4] == ["veth delete", "died", "exit", "execve"]
    assert next(what for what in found if " " in what and what.startswith("POST")).endswith("/start")
    assert causes(trace, last(trace, "running"))[0] == "execve"
    assert causes(trace, last(trace, "execve"))[:5] == [
        "pivot_root", "veth into netns", "mount proc", "clone newpid,newns,newuts,newipc,newnet", "mount overlay",
    ]  # fmt: skip


def test_what_a_pull_does_follows_from_what_came() -> None:
    trace = records("docker pull busybox")
    downloaded = last(trace, "downloaded")
    answer = trace[downloaded.cause_seq]
    assert answer.what == "200" and "/blobs/" in trace[answer.cause_seq].what


def test_what_is_up_again_was_down_before() -> None:
    trace = records({"fault": {"registry": "docker.io", "down": "1s"}}, {"wait": "2s"}, "docker ps")
    assert causes(trace, last(trace, "fault ends")) == ["available", "refused", "fault"]
    assert causes(trace, last(trace, "command", "client"))[0] == "command"
    assert "fault" not in causes(trace, last(trace, "command", "client"))
    exited = last(trace, "exit", "client")
    assert causes(trace, exited)[0] == "200"


def test_a_restart_follows_from_the_end_of_the_run_before() -> None:
    trace = records("docker run -d --name box --restart on-failure:1 busybox false", "sleep 2")
    again = [r for r in trace if r.what == "mount overlay"][1]
    found = causes(trace, again)
    assert found[:4] == ["restarting", "veth delete", "died", "exit"]
    assert found[-1] == "command"


def test_a_probe_follows_from_the_start_and_the_health_from_the_probe() -> None:
    trace = records("docker run -d --name box --health-cmd true --health-interval 1s busybox sleep 60", "sleep 3")
    probes = [r for r in trace if r.what == "execve" and r.attrs and "true" in r.attrs["argv"][-1]]
    assert len(probes) >= 2
    assert {causes(trace, probe)[0] for probe in probes} == {"running"}
    assert causes(trace, last(trace, "healthy"))[:2] == ["exit", "execve"]


def test_rm_f_answers_once_what_it_killed_is_gone() -> None:
    trace = records("docker run -d --name box busybox sleep 60", "docker rm -f box")
    found = causes(trace, trace[last(trace, "exit", "client").cause_seq])
    assert found[:6] == ["removed", "removing", "veth delete", "died", "exit", "kill"]
    assert found[6] == "DELETE /containers/box"


def test_the_oom_killer_ends_what_asked_for_too_much() -> None:
    trace = records("docker run --name box -m 10m busybox tail /dev/zero")
    assert causes(trace, last(trace, "died"))[:3] == ["exit", "oom kill", "execve"]


def test_a_daemon_that_is_stopped_stops_its_containers() -> None:
    trace = records("docker run -d --name box busybox sleep 60", {"fault": {"daemon": "laptop", "restart": True}})
    stopped = causes(trace, last(trace, "stopped"))
    assert stopped.index("died") < stopped.index("exit") < stopped.index("kill") < stopped.index("fault")
    assert causes(trace, last(trace, "running", "daemon"))[-1] == "fault"


def test_a_layer_waits_for_the_one_below_it_and_the_image_for_its_last() -> None:
    trace = records("docker pull -q nginx")
    extracted = [r for r in trace if r.what == "extracted"]
    assert causes(trace, last(trace, "present"))[0] == "extracted"
    assert len(extracted) > 1
    assert all("extracted" in causes(trace, layer) or "downloaded" in causes(trace, layer) for layer in extracted)


def test_what_an_unreachable_daemon_is_asked_ends_in_a_note() -> None:
    trace = records({"fault": {"daemon": "laptop", "crash": True}}, "docker ps")
    assert causes(trace, last(trace, "exit", "client"))[0] == "unreachable"


def test_a_second_command_of_a_line_follows_from_the_first() -> None:
    trace = records("docker pull -q busybox && docker ps -q")
    assert [causes(trace, r)[0] for r in trace if r.what == "command" and r.actor == "client@laptop"] == [
        "command", "exit",
    ]  # fmt: skip


def test_the_namespaces_are_those_the_container_gets() -> None:
    shared = "--pid host --ipc host --uts host --network host --security-opt seccomp=unconfined"
    trace = records("docker run --rm busybox true", f"docker run --rm {shared} busybox true")
    clones = [r.what for r in trace if r.what.startswith("clone ")]
    assert clones == ["clone newpid,newns,newuts,newipc,newnet", "clone newns"]
    assert [r.attrs["seccomp"] for r in trace if r.what == "execve" and r.attrs] == ["default", "unconfined"]


@pytest.mark.parametrize(
    ("options", "clone", "veths", "seccomp"),
    [
        ("--network none", "clone newpid,newns,newuts,newipc,newnet", 0, "default"),
        ("--network container:box", "clone newpid,newns,newuts,newipc", 0, "default"),
        ("--pid container:box", "clone newns,newuts,newipc,newnet", 1, "default"),
        ("--ipc host --privileged", "clone newpid,newns,newuts,newnet", 1, "unconfined"),
    ],
)
def test_what_is_shared_is_not_made_anew(options: str, clone: str, veths: int, seccomp: str) -> None:
    trace = records("docker run -d --name box busybox sleep 99", f"docker run --rm {options} busybox true")
    start = [r.what for r in trace].index("execve") + 1  # what is before is box's own
    steps = [r for r in trace[start:] if r.kind == "step"]
    assert [r.what for r in steps if r.what.startswith("clone")] == [clone]
    assert [r.what for r in steps].count("veth into netns") == veths
    assert [r.attrs["seccomp"] for r in steps if r.what == "execve" and r.attrs] == [seccomp]


def test_limits_are_set_once_the_mounts_are_there_and_before_the_veth_is() -> None:
    trace = records("docker run --rm -m 64m -v data:/data busybox true")
    steps = [r.what for r in trace if r.kind == "step"]
    in_order = steps[steps.index("clone newpid,newns,newuts,newipc,newnet") : steps.index("execve") + 1]
    limit = next(step for step in in_order if step.startswith("cgroup memory"))
    assert [step for step in in_order if step != "cgroup memory.memsw.limit_in_bytes"] == [
        "clone newpid,newns,newuts,newipc,newnet", "mount proc", "mount volume", limit, "veth into netns",
        "pivot_root", "execve",
    ]  # fmt: skip


def test_the_rules_of_a_published_port_name_their_family() -> None:
    trace = records("docker run -d -p 8080:80 busybox sleep 9")
    assert [r.attrs["family"] for r in trace if r.what == "dnat" and r.attrs] == ["ipv4", "ipv6"]
