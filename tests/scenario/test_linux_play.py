"""Scenarios on this machine's kernel. Each play has a network and a /run of its own, so that it meets no other."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from simdocker.backends.linux import doctor, rootless
from simdocker.backends.linux.programs import excuse, is_static
from simdocker.cli.outcome import exit_code
from simdocker.cli.run import run_scenario
from simdocker.errors import UserError
from simdocker.scenario import linuxworld
from simdocker.scenario.load import from_yaml
from simdocker.scenario.realhost.refusing import refuse
from simdocker.scenario.stage import build

real = [pytest.mark.root, pytest.mark.busybox]
SHIPPED = Path(__file__).parents[2] / "scenarios"
EQUAL = ("01", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "16", "17", "18", "19", "22")
"""Chapters with the same outcomes to the last line. The others are refused (test_rehearsal.py says why)."""
QUICK = ("01", "12")  # the others with SIMDOCKER_TEST_CHAPTERS=1
OWN = """
busybox ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"
"""
LIMIT = 120
RESIZE = "the window gets another size"


@pytest.fixture(autouse=True)
def _able(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("root") and (reason := _lacking()):
        pytest.skip(reason)


@cache
def _lacking() -> str:
    lacks = [finding.name for finding in doctor.lacking()]
    lacks += [name for name in ("unshare", "bash", "curl") if not shutil.which(name)]
    return f"needs {', '.join(lacks)}" if lacks else ""


def alone(*argv: str) -> list[str]:
    """A command in a network and with a /run/simdocker of its own."""
    return ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", OWN, "sh", *argv]


def simdocker(*argv: object) -> list[str]:
    return [sys.executable, "-m", "simdocker", *map(str, argv)]


def scenario(directory: Path, *lines: str) -> Path:
    path = directory / "scenario.yaml"
    path.write_text("title: t\nsteps:\n" + "".join(f"  - run: {json.dumps(line)}\n" for line in lines))
    return path


def done(command: Sequence[str], tmp: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=LIMIT, env={**os.environ, "TMPDIR": str(tmp)}
    )


def chapters() -> list[object]:
    found: list[object] = []
    for number in EQUAL:
        extra = number not in QUICK and not os.environ.get("SIMDOCKER_TEST_CHAPTERS")
        skip = [pytest.mark.skip("SIMDOCKER_TEST_CHAPTERS=1 plays all chapters for real")] if extra else []
        found.append(pytest.param(number, marks=[*real, *skip]))
    return found


@pytest.mark.parametrize("number", chapters())
def test_a_chapter_has_the_same_outcome_on_the_kernel(tmp_path: Path, number: str) -> None:
    (path,) = SHIPPED.glob(f"{number}-*.yaml")
    play = done(alone(*simdocker("compare", path, "--with", "linux", "--json")), tmp_path)
    found = json.loads(play.stdout or "{}")
    assert [step["differences"] for step in found["steps"] if step["differences"]] == []
    assert found["events"] == []
    assert (play.returncode, play.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
@pytest.mark.busybox
def test_a_play_is_told_with_the_steps_of_the_kernel_and_what_each_took(tmp_path: Path) -> None:
    path, trace = scenario(tmp_path, "docker run -t busybox tty", "exit 3", "echo $HOME"), tmp_path / "trace.jsonl"
    play = done(alone(*simdocker("run", path, "--backend", "linux", "--json", "--trace", trace)), tmp_path)
    report = json.loads(play.stdout)
    assert [(step["exit"], step["stdout"]) for step in report["steps"][:2]] == [(0, "/dev/pts/0\r\n"), (3, "")]
    assert report["steps"][2]["stdout"].startswith(f"{tmp_path}/simdocker-")
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    took = {record["what"]: record["attrs"]["ns"] for record in records if "ns" in (record["attrs"] or {})}
    assert {"extract", "mount overlay", "pivot_root", "execve"} <= {*took}
    assert all(ns > 0 for ns in took.values())


BUSY = (
    "docker run -d --name web -p 8080:80 -v data:/data busybox httpd -f",
    "docker network create one",
    "docker run --rm --network one busybox sh -c 'echo ready; sleep 1000' > {said}",
)
LEFT = """
ls -A /run/simdocker {tmp}; busybox ip -o link; grep -c {tmp} /proc/self/mountinfo; nft list tables
cat /sys/fs/cgroup/pids/simdocker/*/*/cgroup.procs /sys/fs/cgroup/simdocker/*/*/cgroup.procs 2>/dev/null
"""


@contextmanager
def playing(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    """A busy play in the middle of it: the process in whose namespaces it is, its pid file and its temporary files."""
    said, tmp, pid = directory / "said", directory / "tmp", directory / "pid"
    tmp.mkdir()
    path = scenario(directory, *(line.format(said=said) for line in BUSY))
    script = f'"$@" & echo $! > {pid}; wait; exec sleep {LIMIT}'
    command = alone("sh", "-c", script, "sh", *simdocker("run", path, "--backend", "linux", "--quiet"))
    with (directory / "log").open("wb") as log:
        play = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp)}, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + LIMIT
        while not said.exists() or "ready" not in said.read_text():
            assert time.monotonic() < deadline, (directory / "log").read_text()
            assert play.poll() is None
            time.sleep(0.05)
        yield play, pid, tmp
    finally:
        play.kill()
        play.wait()


def inside(play: subprocess.Popen[bytes], *argv: str) -> str:
    enter = ["nsenter", f"--target={play.pid}", "--net", "--mount", *argv]
    return subprocess.run(enter, capture_output=True, text=True, check=False, timeout=LIMIT).stdout


@pytest.mark.root
@pytest.mark.busybox
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_play_that_is_ended_in_the_middle_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with playing(tmp_path) as (play, pid, tmp):
        victim = int(pid.read_text())
        os.kill(victim, number)
        deadline = time.monotonic() + LIMIT
        while Path(f"/proc/{victim}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if number == signal.SIGKILL:
            assert str(tmp) in inside(play, "cat", "/proc/self/mountinfo")
            cleaned = inside(play, *simdocker("cleanup"))
            assert "removed" in cleaned
            assert "cannot" not in cleaned
        left = inside(play, "sh", "-c", LEFT.format(tmp=tmp)).split()
        assert [word for word in left if "lo" not in word and "simdocker" in word and str(tmp_path) not in word] == [
            "/run/simdocker:"
        ]
        assert list(tmp.iterdir()) == []


@pytest.mark.root
@pytest.mark.busybox
def test_two_plays_at_once_do_not_meet(tmp_path: Path) -> None:
    with playing(tmp_path) as (play, pid, tmp):
        again = scenario(tmp_path, "docker run --rm busybox ip -o -4 addr show eth0", "docker network create other")
        enter = ["nsenter", f"--target={play.pid}", "--net", "--mount"]
        second = done([*enter, *simdocker("run", again, "--backend", "linux", "--json")], tmp)
        first, other = json.loads(second.stdout)["steps"]
        assert (first["exit"], other["exit"]) == (0, 0)
        assert "172.17." not in first["stdout"]  # the addresses of the play that is there
        assert Path(f"/proc/{pid.read_text().strip()}").exists()
        assert "httpd" in inside(play, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


@pytest.mark.parametrize(
    ("world", "named"),
    [
        ("world: {hosts: {a: {}, b: {}}}", "world: hosts"),
        ("world: {hosts: {a: {memory: 8GiB}}}", "world: hosts: a: memory"),
        ("world: {hosts: {a: {daemon: {data-root: /elsewhere}}}}", "data-root"),
        ("world: {links: [{between: [laptop, docker.io], latency: 1s}]}", "world: links"),
        ("files: {/etc/motd: x}", "files: /etc/motd"),
    ],
)
def test_what_this_machine_cannot_be_is_refused_by_name(world: str, named: str) -> None:
    with pytest.raises(UserError, match=named):
        refuse(from_yaml(f"title: t\n{world}\nsteps:\n  - run: docker ps\n", "t.yaml"), ours=True)


def test_registries_and_daemons_may_be_as_the_scenario_says() -> None:
    world = "world: {hosts: {a: {daemon: {live-restore: true}}}, registries: {docker.io: {rate_limit: 1}, lab: {}}}"
    steps = "  - fault: {registry: lab, down: 1s}\n  - fault: {daemon: a, crash: true}\n"
    refuse(from_yaml(f"title: t\n{world}\nsteps:\n{steps}", "t.yaml"), ours=True)


def test_who_is_not_root_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(linuxworld.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(rootless.syscalls, "unshare", lambda _flags: refusing())
    said = refused(tmp_path, capsys)
    assert "needs root, or a user namespace, which this machine does not give to user 1000" in said
    assert "simdocker doctor" in said


def test_what_the_machine_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(linuxworld.os, "geteuid", lambda: 0)
    lacking = [doctor.Finding("nat", False, True, "Operation not permitted")]
    monkeypatch.setattr(linuxworld.doctor, "lacking", lambda _root: lacking)
    said = refused(tmp_path, capsys)
    assert "nat (Operation not permitted)" in said
    assert "simdocker doctor" in said


def refused(directory: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a run says that is refused."""
    path = str(scenario(directory, "docker ps"))
    usual = {"seed": None, "profile": None, "trace": None, "as_json": False, "speed": None, "quiet": True}
    assert exit_code(lambda: run_scenario(path, backend="linux", **usual)) == 2
    out, err = capsys.readouterr()
    *notes, err = err.splitlines()
    assert (out, [note for note in notes if "not root" not in note]) == ("", [])
    return err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"backend": "linux", "host": "unix:///x"}, "--host"),
        ({"backend": "linux", "speed": 2.0}, "--speed"),
        ({"backend": "sim", "data_root": "/tmp"}, "--data-root"),
    ],
)
def test_options_of_another_backend_are_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=named):
        build(from_yaml("title: t\nsteps:\n  - run: docker ps\n", "t.yaml"), **options)  # type: ignore[arg-type]


@pytest.mark.root
@pytest.mark.busybox
def test_a_person_at_a_terminal_sits_in_a_real_container(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TMPDIR"] = str(tmp_path)
        os.execvp("unshare", alone(*simdocker("shell", "--backend", "linux")))
    try:
        said = Screen(terminal)
        for typed, shown in (
            ("", "laptop$ "),
            ("docker run -it --name box busybox sh\n", "/ # "),
            (RESIZE, ""),
            ("until stty size | grep '33 77'; do sleep 0.1; done\n", "\n33 77"),
            ("", "/ # "),
            ("sh -c 'tty; exec sleep 1000'\n", "/dev/pts/0\r\n"),
            ("\x03", "/ # "),
            ("\x10\x11", "laptop$ "),
            ("docker ps --format '<{{.Names}}>'; stty -a\n", "<box>"),
            ("", " icanon"),  # the terminal is as it was
            ("docker rm -f box; exit 4\n", "exit"),
        ):
            if typed == RESIZE:
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 33, 77, 0, 0))
                continue
            os.write(terminal, typed.encode())
            said.until(shown)
        said.until("")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
        assert list(tmp_path.iterdir()) == []
    finally:
        os.close(terminal)


class Screen:
    """What has come out of a terminal and was not looked for yet."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._text = ""

    def until(self, shown: str) -> None:
        """Wait for a text, or with "" for the end."""
        deadline = time.monotonic() + LIMIT
        while not shown or shown not in self._text:
            assert select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))[0], self._text
            try:
                data = os.read(self._terminal, 4096)
            except OSError:  # the other end is closed
                data = b""
            if not data:
                assert not shown, self._text
                return
            self._text += data.decode(errors="replace")
        self._text = self._text.partition(shown)[2]


@pytest.mark.root
@pytest.mark.busybox
def test_a_shell_from_a_pipe_prints_what_its_lines_print(tmp_path: Path) -> None:
    command = alone(*simdocker("shell", "--backend", "linux"))
    lines = "docker pull -q busybox\ndocker run --rm -i busybox cat <<X\nkept\nX\nexit 3\n"
    shell = subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=LIMIT, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert (shell.returncode, shell.stdout) == (3, "docker.io/library/busybox:latest\nkept\n")


@pytest.mark.root
@pytest.mark.busybox
def test_a_served_daemon_runs_real_containers(tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"

    def call(path: str, body: str = "") -> str:
        argv = ["curl", "-sS", "-H", "Content-Type: application/json", "-d", body, "--unix-socket", str(socket)]
        return subprocess.check_output([*argv, f"http://docker{path}"], text=True, timeout=LIMIT)

    command = alone(*simdocker("serve", "--backend", "linux", "--socket", socket, "--quiet"))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            assert "real containers" in serving.stdout.readline()
            assert "Downloaded newer image" in call("/images/create?fromImage=busybox&tag=latest")
            call(
                "/containers/create?name=box",
                json.dumps({"Image": "busybox", "Cmd": ["sh", "-c", "test -e /.dockerenv && exit 7"]}),
            )
            assert call("/containers/box/start") == ""
            assert json.loads(call("/containers/box/wait"))["StatusCode"] == 7
        finally:
            serving.terminate()
        assert serving.wait(LIMIT) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program is x86-64 code")
def test_a_program_without_a_twin_says_so_when_it_is_started(tmp_path: Path) -> None:
    program = tmp_path / "nginx"
    program.write_bytes(excuse("nginx"))
    program.chmod(0o755)
    ended = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (126, "")
    assert ended.stderr == "nginx runs in the simulator only: this machine has no program that stands for it\n"
    assert is_static(excuse("nginx"))
