"""Malformed requests do no harm. More of them, by hand: `python -m tests.server.fuzz`."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server.fuzz import grown, throw
from tests.server.fuzz_streams import Doors
from tests.server.serve_command import a_port, serve
from tests.server.serving import Served
from tests.server.test_serve_tls import authority
from tests.server.wire import Wire

COUNT = int(os.environ.get("SIMDOCKER_FUZZ_COUNT", "300"))
SEED = int(os.environ.get("SIMDOCKER_FUZZ_SEED", "1"))
PATIENCE = 60  # seconds


@contextmanager
def serving(directory: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """`simdocker serve` in a process of its own."""
    path = directory / "docker.sock"
    command = [sys.executable, "-m", "simdocker", "serve", "--quiet", "--speed", "max", "--socket", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None and "listens" in server.stdout.readline()
            yield path, server
        finally:
            server.kill()


def test_malformed_requests_end_in_sentences_and_leave_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path) as (path, server):
        throw(Doors(str(path)), 20, SEED)
        _, before = grown(server.pid)
        found = throw(Doors(str(path)), COUNT, SEED)
        assert [(thrown.message, thrown.asked) for thrown in found if "fault of simdocker" in thrown.message] == []
        assert {thrown.status for thrown in found} <= {0, 101, 200, 201, 204, 301, 304, 400, 403, 404, 409, 500, 503}
        end = time.monotonic() + PATIENCE
        while grown(server.pid)[1] > before:
            assert time.monotonic() < end, "connections are left"
            time.sleep(0.1)
        assert Wire(path).ask("GET", "/containers/web/json").json["State"]["Running"]
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=PATIENCE)
    assert (server.returncode, said) == (0, "")


def test_at_the_doors_of_tls_and_registries_it_is_no_other(tmp_path: Path) -> None:
    papers = authority(tmp_path / "lab", "server", "ann")
    trust = ssl.create_default_context(cafile=papers.ca)
    trust.load_cert_chain(*papers.of("ann"))
    port = a_port()
    with serve(tmp_path, "--quiet", "--tcp", f"127.0.0.1:{port}", *papers.client("server")) as server:
        doors = Doors(str(tmp_path / "docker.sock"), server.port, port, trust)
        assert server.ask_daemon("POST", "/images/create?fromImage=busybox&tag=latest").status == 200
        found = throw(doors, COUNT, SEED + 1)
        assert [(thrown.message, thrown.asked) for thrown in found if "fault of simdocker" in thrown.message] == []
        assert server.ask_daemon("GET", "/containers/web/json").json["State"]["Running"]
    assert "Task was destroyed" not in (tmp_path / "serve.log").read_text()


def test_a_client_that_says_it_will_send_no_more_is_answered(served: Served) -> None:
    body = b'{"Name": "data"}'
    head = b"POST /volumes/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    for length, status in ((len(body), b"201"), (len(body) + 9, b"400")):  # a body that was announced to be longer
        assert half_closed(served, head % length + body).split(b" ")[1] == status
    assert half_closed(served, b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n").endswith(b"OK")


def test_what_has_no_end_is_not_told_for_ever_to_who_sends_no_more(served: Served) -> None:
    assert half_closed(served, b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")


def half_closed(served: Served, asked: bytes) -> bytes:
    """The whole answer to a client that has closed its half of the connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(served.path))
        connection.sendall(asked)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/containers/create", '{"a"', 500, "unexpected EOF"),
        ("/networks/create", '{"a"', 400, "unexpected EOF"),
        ("/containers/web/exec", "", 400, "got EOF while reading request body"),
        ("/containers/create", '{"Image": "\\ud800"}', 400, "invalid reference format"),
        ("/containers/create", '{"Image": "nothing"} and more', 404, "No such image: nothing:latest"),
        ("/containers/create", "{}", 400, "Config cannot be empty in order to create a container"),
    ],
)
def test_whose_fault_a_body_is(served: Served, path: str, body: str, status: int, message: str) -> None:
    """As an engine 20.10 answers."""
    answer = Wire(served.path).ask("POST", path, body.encode(), {"Content-Type": "application/json"})
    assert (answer.status, answer.json) == (status, {"message": message})
