"""What a simulated container publishes answers to real programs on this machine."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.server.serve_command import Serving, a_port, serve

PATIENCE = 20  # seconds


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    with serve(tmp_path) as found:
        yield found


def ok(serving: Serving, *argv: str) -> str:
    done = serving.docker(*argv)
    assert done.returncode == 0, done.stderr
    return done.stdout


def page(port: int, host: str = "127.0.0.1") -> bytes:
    connection = HTTPConnection(host, port, timeout=PATIENCE)
    connection.request("GET", "/")
    body = connection.getresponse().read()
    connection.close()
    return body


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_published_port_is_open_from_the_start_of_its_container_to_its_end(serving: Serving) -> None:
    port = a_port()
    ok(serving, "run", "-d", "--name", "web", "-p", f"{port}:80", "nginx")
    assert b"Welcome to nginx" in page(port)
    assert b"Welcome to nginx" in page(port)
    assert ok(serving, "logs", "web").count('"GET / HTTP/1.1" 200') == 2
    ok(serving, "stop", "web")
    assert not is_open(port)
    ok(serving, "start", "web")
    assert b"Welcome to nginx" in page(port)
    for _ in range(3):
        ok(serving, "restart", "-t", "0", "web")
        assert b"Welcome to nginx" in page(port)
    ok(serving, "rm", "-f", "web")
    assert not is_open(port)
    assert "simulated world only" not in (serving.directory / "serve.log").read_text()


def test_a_conversation_goes_both_ways_until_one_side_ends_it(serving: Serving) -> None:
    ok(serving, "run", "-d", "--name", "store", "-p", "127.0.0.1::6379", "redis")
    port = int(ok(serving, "port", "store", "6379").strip().rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as talk:
        file = talk.makefile("rwb", buffering=0)
        for said, heard in ((b"PING", b"+PONG"), (b"SET note " + b"x" * 100_000, b"+OK"), (b"GET note", b"$100000")):
            file.write(said + b"\r\n")
            assert file.readline().strip() == heard
        assert file.readline().strip() == b"x" * 100_000
        talk.shutdown(socket.SHUT_WR)
        assert talk.recv(1) == b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as talk:
        ok(serving, "kill", "store")
        with suppress(ConnectionResetError):
            assert talk.recv(1) == b""


def test_behind_a_port_nobody_listens(serving: Serving) -> None:
    """docker-proxy takes the call and hangs up."""
    port = a_port()
    ok(serving, "run", "-d", "-p", f"{port}:9", "busybox", "sleep", "1000")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as talk:
        talk.settimeout(PATIENCE)
        with suppress(ConnectionResetError):
            assert talk.recv(1) == b""


def test_a_port_that_is_taken_here_is_said_and_the_container_starts(serving: Serving) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ok(serving, "run", "-d", "--name", "web", "-p", f"{port}:80", "nginx")
        said = f"port {port} is open in the simulated world only: this machine says address already in use"
        until(lambda: said in (serving.directory / "serve.log").read_text())
        assert "Welcome to nginx" in ok(
            serving, "run", "--rm", "--network=host", "busybox", "wget", "-qO-", f"localhost:{port}"
        )


def test_a_kept_world_opens_its_ports_again(tmp_path: Path) -> None:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    port, data = a_port(), str(tmp_path / "data")
    with serve(tmp_path, "--data-root", data) as serving:
        ok(serving, "run", "-d", "--name", "web", "-p", f"{port}:80", "nginx")
        assert b"Welcome to nginx" in page(port)
    assert not is_open(port)
    with serve(tmp_path, "--data-root", data, port=serving.port) as serving:
        assert b"Welcome to nginx" in page(port)
        assert ok(serving, "logs", "web").count('"GET / HTTP/1.1" 200') == 2


def test_time_does_not_run_ahead_for_work_that_is_done(serving: Serving) -> None:
    """With --speed max a pull takes no time on the wall, and what is due in three years stays due in three years."""
    ok(serving, "run", "-d", "busybox", "sleep", "100000000")
    for image in ("alpine", "nginx", "redis"):
        ok(serving, "pull", "-q", image)
    assert "Up" in ok(serving, "ps", "--format", "{{.Status}}")
    assert int(ok(serving, "info", "--format", "{{.SystemTime}}")[:4]) <= time.gmtime().tm_year + 1
