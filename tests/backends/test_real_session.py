"""The real bash of a play, with the client actor behind its docker. No engine is needed: none answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker.actors.client.client import Client
from simdocker.actors.client.connection import DaemonUnreachable
from simdocker.api import Request, Response, Stream
from simdocker.des import CostProfile, RandomStreams, WallClock
from simdocker.scenario.realhost.bash import DESK, BashSession, Line, install_shim
from simdocker.scenario.realhost.desk import Desk
from simdocker.trace import Trace

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


PATIENCE = 30_000_000_000


class Daemon:
    """A daemon that knows one exec'd process: it repeats what is typed."""

    address = "unix:///nowhere.sock"

    def __init__(self, clock: WallClock, trace: Trace) -> None:
        self.clock = clock
        self.trace = trace

    def hang_up(self) -> None:
        pass

    def call(self, request: Request):
        yield self.clock.timeout(0)
        path = request.path
        self.trace.note("daemon", path)
        if path == "/_ping":
            return Response(200, None, {"Api-Version": "1.41"})
        if path.endswith("/exec"):
            return Response(201, {"Id": "e"})
        if path == "/exec/e/start":
            output = Stream(self.clock)
            self.clock.process(self._repeat(request.stdin, output))
            return Response(101, stream=output)
        if path == "/exec/e/json":
            return Response(200, {"ExitCode": 3, "Running": False})
        if path == "/containers/cat/json":
            return Response(200, {"Id": "cat", "Config": {"Tty": False}})
        if path == "/events":
            return Response(200, stream=Stream(self.clock))
        raise DaemonUnreachable("")

    def _repeat(self, typed: Stream | None, output: Stream):
        yield self.clock.timeout(0)
        while typed is not None and (data := (yield from typed.read())):
            output.write((1, data))
        output.close()


class Host:
    """A session, and what its lines give."""

    def __init__(self, directory: Path) -> None:
        self.clock = WallClock(outside=True)
        self.home = directory / "home"
        self.home.mkdir()
        install_shim(directory)
        trace, streams = Trace(self.clock), RandomStreams(1)
        self.trace = trace

        def hire(connect):
            return Client("laptop", self.clock, trace, CostProfile.load("instant"), streams, connect)

        self.session = BashSession(self.clock, directory, str(self.home), {"HOME": str(self.home)})
        self.desk = Desk(directory / DESK, self.clock, hire, lambda address: Daemon(self.clock, trace), lambda: -1)

    def run(self, source: str, interrupt_at: str = "") -> tuple[int, str, str]:
        line = self.session.start(source)
        if interrupt_at:
            self.clock.process(self._interrupt(line, interrupt_at))
        self.clock.run(until=line.done | self.clock.timeout(PATIENCE))
        assert line.done.triggered, f"{source} does not end"
        said = ("".join(data.decode() for fd, data in line.output if fd == number) for number in (1, 2))
        return line.exit_code, *said

    def _interrupt(self, line: Line, when: str):
        while not any(record.what == when for record in self.trace):
            yield self.clock.timeout(10_000_000)
        line.interrupt()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    there = Host(tmp_path)
    yield there
    there.session.close()
    there.desk.close()


def test_variables_and_the_directory_last_from_line_to_line(host: Host):
    assert host.run("x=3; mkdir d; cd d; (exit 4)") == (4, "", "")
    assert host.run('echo $? $x "${PWD##*/}"') == (0, "4 3 d\n", "")


def test_output_goes_where_the_line_sends_it(host: Host):
    assert host.run("echo out; echo err >&2; echo kept > note; cat note") == (0, "out\nkept\n", "err\n")


def test_more_than_a_pipe_holds_is_read_as_it_comes(host: Host):
    code, out, _ = host.run("head -c 1000000 /dev/zero | tr '\\0' x")
    assert (code, len(out)) == (0, 1_000_000)


def test_a_line_that_ends_the_shell_has_its_exit_code(host: Host):
    assert host.run("exit 7")[0] == 7
    assert host.session.ended


def test_docker_is_the_client_of_the_play(host: Host):
    code, out, err = host.run("docker ps; echo $?")
    assert (code, out) == (0, "1\n")
    assert err == "Cannot connect to the Docker daemon at unix:///nowhere.sock. Is the docker daemon running?\n"
    assert host.run("docker --version | cut -d' ' -f1") == (0, "Docker\n", "")


def test_what_is_typed_goes_to_the_client_and_its_exit_code_comes_back(host: Host):
    assert host.run("printf 'a\\nb\\n' | docker exec -i cat cat | wc -l; echo ${PIPESTATUS[1]}") == (0, "2\n3\n", "")


def test_ctrl_c_ends_a_docker_that_waits(host: Host):
    assert host.run("docker events; echo not reached", interrupt_at="/events")[:2] == (130, "")


def test_a_docker_that_is_killed_ends_in_the_play_too(host: Host):
    line = "docker events & sleep 1; kill -9 $!; wait $!; echo $?; docker ps 2>&1 | cut -c1-14"
    assert host.run(line)[:2] == (0, "137\nCannot connect\n")


def test_a_background_job_outlives_its_line(host: Host):
    assert host.run("(sleep 0.2; echo done > late) &")[0] == 0
    assert host.run("wait; sleep 0.5; cat late") == (0, "done\n", "")
