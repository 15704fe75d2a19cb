"""The same container by another OCI runtime, where that is installed: `docker run --runtime runc`."""

import shutil
from pathlib import Path

import pytest

from simdocker.backends.linux import cgroups, oci
from simdocker.backends.linux.cgroups import Limits
from simdocker.backends.linux.steps import MASKED, READ_ONLY, Layout
from simdocker.backends.ports import MountPoint, ProcessSpec, Resources, StartFailed
from simdocker.backends.users import User

NAMES = ["runc", "crun"]


@pytest.fixture(params=NAMES)
def runtime(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"needs {request.param}")
    return request.param


def test_a_container_by_another_executor_has_its_exit_code_and_output(linux, runtime):
    assert linux.run("sh", "-c", "echo out; echo err >&2; exit 7", runtime=(runtime,)) == (7, "out\n", "err\n")
    assert linux.run("true", runtime=(runtime,)) == (0, "", "")
    assert linux.run("cat", stdin=b"given", runtime=(runtime,)) == (0, "given", "")


def test_it_is_signalled_and_joined_like_any_other(linux, runtime):
    box = linux.container(
        "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done", runtime=(runtime,)
    )
    box.start().until("ready")
    assert box.exec("sh", "-c", "cat /proc/1/comm; hostname") == (0, "sh\nbox\n")
    assert box.exec("sh", "-c", "exit 3") == (3, "")
    box.runtime.signal(box.process, 15)
    assert box.wait() == 5
    box.remove()
    box = linux.container("sleep", "1000", runtime=(runtime,)).start()
    box.runtime.signal(box.process, 9)
    assert box.wait() == 137
    box.remove()


def test_it_is_paused_and_goes_on(linux, runtime):
    box = linux.container("sh", "-c", "while :; do echo x; sleep 0.01; done", runtime=(runtime,)).start()
    box.until("x")
    linux.does(box.runtime.pause(box.id))
    linux.rest(50_000_000)
    before = len(box.out)
    linux.rest(100_000_000)
    assert len(box.out) == before
    linux.does(box.runtime.resume(box.id))
    box.until(box.out + "x")
    box.remove()


def test_its_terminal_is_both_ways_and_has_a_size(linux, runtime):
    if runtime == "crun":
        pytest.skip("`crun run` does not hand on the size of its terminal")
    box = linux.container(
        "sh", "-c", "tty; read line; stty size; echo got $line", tty=True, stdin=b"", runtime=(runtime,)
    )
    box.start().until("/dev/pts/0")
    box.runtime.resize(box.process, 33, 99)
    linux.rest(300_000_000)
    box.typing.write(b"hello\n")
    assert box.wait() == 0
    assert "33 99" in box.out
    assert "got hello" in box.out
    box.remove()


def test_its_limits_capabilities_and_filter_are_dockers(linux, runtime):
    script = "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status; ulimit -n; cat /sys/fs/cgroup/pids*/pids.max"
    code, out, _ = linux.run(
        "sh", "-c", script, memory=64 << 20, pids_limit=50, rlimits={"nofile": (99, 99)}, runtime=(runtime,),
        no_new_privileges=True,
    )  # fmt: skip
    assert "CapEff:\t00000000a80425fb" in out
    assert "Seccomp:\t2" in out
    assert "NoNewPrivs:\t1" in out
    assert out.splitlines()[3] == "99"
    code, _, _ = linux.run("tail", "/dev/zero", memory=32 << 20, runtime=(runtime,))
    assert code == 137
    assert linux.run("sh", "-c", "echo x > /proc/sys/kernel/panic", runtime=(runtime,))[0] != 0


def test_its_mounts_user_and_directory_are_what_was_asked_for(linux, runtime, tmp_path):
    (tmp_path / "note").write_text("mine\n")
    tmp_path.chmod(0o777)
    code, out, error = linux.run(
        "sh", "-c", "id -u; pwd; cat /data/note; touch /x || touch /data/x || echo ro", user="33", cwd="/w/d",
        read_only=True, mounts=(MountPoint("bind", str(tmp_path), "/data", read_only=True),), runtime=(runtime,),
    )  # fmt: skip
    assert (code, out.splitlines()) == (0, ["33", "/w/d", "mine", "ro"]), error


def test_it_shares_the_processes_of_another_container(linux, runtime):
    other = linux.container("sleep", "1000").start()
    assert linux.run("cat", "/proc/1/comm", shared={"pid": other.id}, runtime=(runtime,)) == (0, "sleep\n", "")
    other.remove()


@pytest.mark.parametrize(("command", "code"), [("/nope", 127), ("nope", 127), ("/etc", 126)])
def test_a_command_that_cannot_be_executed_fails_the_start(linux, runtime, command, code):
    by = "runc create failed: " if runtime == "runc" else ""
    with pytest.raises(StartFailed, match=f"OCI runtime create failed: {by}") as caught:
        linux.run(command, runtime=(runtime,))
    assert caught.value.exit_code == code


def test_nothing_of_it_is_left(linux, runtime):
    box = linux.container("sleep", "1000", runtime=(runtime,)).start()
    name = linux.machine.runtime._containers[box.id].cgroup.name
    places = [Path(base, name) for base in cgroups._everywhere(Path("/proc/self/mountinfo").read_text())]
    assert any(place.exists() for place in places)
    box.remove()
    for _ in range(500):
        if not any(place.exists() for place in places):
            break
        linux.rest(10_000_000)
    assert not any(place.exists() for place in places)


def test_a_bundle_says_what_the_steps_do():
    spec = ProcessSpec(
        ["true"], hostname="box", read_only=True, sysctls={"net.core.somaxconn": "9"}, resources=Resources(cpus=[1])
    )
    layout = Layout("/var/merged", "/run/netns/1", (), {"/etc/hosts": "/var/c/hosts"}, seccomp=b"8" * 16)
    made = oci.config(spec, User(0, 0, (0,), "/root"), layout, Limits(1 << 20, 500_000_000, 9), "simdocker/x/1")
    linux = made["linux"]
    assert made["root"] == {"path": "/var/merged", "readonly": True}
    assert len(made["process"]["capabilities"]["bounding"]) == 14
    assert (linux["maskedPaths"], linux["readonlyPaths"]) == (list(MASKED), list(READ_ONLY))
    assert {"type": "network", "path": "/run/netns/1"} in linux["namespaces"]
    assert linux["resources"]["cpu"] == {"period": 100_000, "quota": 50_000, "cpus": "1"}
    assert linux["resources"]["memory"] == {"limit": 1 << 20, "swap": 2 << 20}
    assert linux["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    assert made["mounts"][-1]["destination"] == "/etc/hosts"


def test_a_runtime_that_is_not_there_is_told_in_dockers_words(linux):
    for name, why in (
        ("/nope", "fork/exec /nope: no such file or directory"),
        ("nope", 'exec: "nope": executable file not found in $PATH'),
    ):
        with pytest.raises(StartFailed, match="OCI runtime create failed: unable to retrieve OCI runtime error") as it:
            linux.run("true", runtime=(name,))
        assert (it.value.exit_code, it.value.args[0].endswith(f"{why}: unknown")) == (127, True)


def test_a_runtimes_own_arguments_come_before_its_command(linux, tmp_path):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho "$1" >{tmp_path}/given\nshift\nexec runc "$@"\n')
    wrapper.chmod(0o755)
    if shutil.which("runc") is None:
        pytest.skip("needs runc")
    assert linux.run("echo", "ran", runtime=(str(wrapper), "--mine")) == (0, "ran\n", "")
    assert (tmp_path / "given").read_text() == "--mine\n"
