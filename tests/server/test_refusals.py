"""How dockerd refuses what it cannot decode or attach to, byte for byte as a client on the wire sees it.

The statuses and sentences are those of Docker Engine 20.10.24, asked the same.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.serve_command import serve
from tests.server.serving import ONE_HOST, Served, served_world
from tests.server.wire import PATIENCE, Wire

NO_BODY_AT_START = "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_world(ONE_HOST, tmp_path_factory.mktemp("refusals")) as served:
        wire = Wire(served.path)
        assert wire.ask("POST", "/images/create?fromImage=busybox&tag=latest").status == 200
        body = {"Image": "busybox", "OpenStdin": True, "Cmd": ["cat"]}
        assert wire.ask("POST", "/containers/create?name=box", body).status == 201
        yield served


def test_a_refused_attach_is_a_plain_text_and_a_refused_websocket_json(served: Served) -> None:
    wire = Wire(served.path)
    refused = wire.ask("POST", "/containers/nobody/attach?stream=1&stdout=1")
    assert (refused.status, refused.body) == (404, b"No such container: nobody\r\n")
    assert refused.headers["Content-Type"] == "application/vnd.docker.raw-stream"
    websocket = wire.ask("GET", "/containers/nobody/attach/ws?stream=1", headers={"Upgrade": "websocket"})
    assert (websocket.status, websocket.json) == (404, {"message": "No such container: nobody"})


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/containers/create", {"Cmd": {}}, 500,
         "json: cannot unmarshal object into Go struct field ContainerConfigWrapper.Cmd of type string"),
        ("/containers/create", [], 500,
         "json: cannot unmarshal array into Go value of type runconfig.ContainerConfigWrapper"),
        ("/containers/create", None, 400, "Config cannot be empty in order to create a container"),
        ("/containers/box/update", {"Memory": "x"}, 500,
         "json: cannot unmarshal string into Go struct field UpdateConfig.Memory of type int64"),
        ("/commit?container=box", 5, 500,
         "json: cannot unmarshal number into Go value of type runconfig.ContainerConfigWrapper"),
        ("/auth", {"username": 5}, 500,
         "json: cannot unmarshal number into Go struct field AuthConfig.username of type string"),
        ("/networks/create", {"Name": 5}, 400,
         "json: cannot unmarshal number into Go struct field NetworkCreateRequest.Name of type string"),
        ("/volumes/create", [], 400, "json: cannot unmarshal array into Go value of type volume.VolumeCreateBody"),
        ("/containers/box/exec", None, 400, "No exec command specified"),
        ("/containers/box/start", {"Binds": None}, 400, NO_BODY_AT_START),
        ("/containers/nobody/start", {"Binds": None}, 400, NO_BODY_AT_START),
        ("/containers/nobody/start", {}, 404, "No such container: nobody"),
        ("/exec/nobody/start", {}, 404, "No such exec instance: nobody"),
    ],
)  # fmt: skip
def test_a_body_of_the_wrong_type_is_a_fault_of_the_engine_or_the_clients(
    served: Served, path: str, body: object, status: int, message: str
) -> None:
    refused = Wire(served.path).ask(
        "POST", path, json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    assert (refused.status, refused.json) == (status, {"message": message})


def test_an_exec_is_not_started_without_a_body_whether_or_not_there_is_one(served: Served) -> None:
    refused = Wire(served.path).ask("POST", "/exec/nobody/start", headers={"Content-Type": "application/json"})
    assert (refused.status, refused.json) == (400, {"message": "got EOF while reading request body"})


def test_nobody_attaches_to_a_paused_container(served: Served) -> None:
    wire = Wire(served.path)
    assert wire.ask("POST", "/containers/box/start").status == 204
    assert wire.ask("POST", "/containers/box/pause").status == 204
    refused = wire.ask("POST", "/containers/box/attach?stream=1")
    assert refused.status == 409
    assert refused.body == b"container box is paused, unpause the container before attach\r\n"


def test_a_body_that_will_never_end_ends_with_its_connection(served: Served) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(served.path))
        head = b"POST /containers/box/attach?stream=1 HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"3\r\nabc\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert b"unexpected EOF" in connection.makefile("rb").read()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/tmp/" + "x" * 103, "--socket: its path has 108 bytes and may have 107; choose a shorter one"),
        ("/proc/docker.sock", "cannot listen at /proc/docker.sock: No such file or directory"),
    ],
)
def test_a_socket_that_cannot_be_is_refused_in_a_sentence(path: str, why: str) -> None:
    serve = [sys.executable, "-m", "simdocker", "serve", "--socket", path]
    refused = subprocess.run(serve, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"simdocker: {why}\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_server_leaves_no_socket_when_it_is_told_to_end_or_its_terminal_ends(tmp_path: Path, number: int) -> None:
    with serve(tmp_path, end=number) as serving:
        assert (tmp_path / "docker.sock").is_socket()
    assert serving.process.returncode == 0
    assert not (tmp_path / "docker.sock").exists()
