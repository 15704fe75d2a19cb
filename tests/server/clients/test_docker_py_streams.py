"""docker-py's execs and attached streams, on both backends: sockets, frames, terminals, standard input."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.clients.conftest import until

docker = pytest.importorskip("docker")


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


@pytest.fixture
def box(client: Any) -> Any:
    return client.containers.run("busybox", "sleep 1000", detach=True, environment={"OUTER": "1"})


def frames(socket: Any) -> Iterator[tuple[int, bytes]]:
    """What comes over a connection that is not a terminal's, frame by frame."""
    raw = getattr(socket, "_sock", socket)
    raw.settimeout(30)
    while len(head := exactly(raw, 8)) == 8:
        descriptor, length = struct.unpack(">BxxxL", head)
        yield descriptor, exactly(raw, length)


def exactly(raw: Any, length: int) -> bytes:
    data = b""
    while len(data) < length and (more := raw.recv(length - len(data))):
        data += more
    return data


def test_an_exec_has_an_output_and_a_code(box: Any) -> None:
    assert box.exec_run("echo hello") == (0, b"hello\n")
    assert box.exec_run(["sh", "-c", "echo out; echo err >&2; exit 9"], demux=True) == (9, (b"out\n", b"err\n"))
    assert box.exec_run("sh -c 'echo err >&2'", stderr=False).output == b""
    assert box.exec_run("pwd", workdir="/usr").output == b"/usr\n"
    assert box.exec_run("id -u", user="nobody").output.strip() in (b"65534", b"99")
    assert box.exec_run(["sh", "-c", "echo $OUTER $INNER"], environment={"INNER": "2"}).output == b"1 2\n"
    assert box.exec_run("sh -c 'test -t 1 && echo tty'", tty=True).output == b"tty\r\n"
    code, output = box.exec_run("nothing")
    assert code == 126 and b"executable file not found" in output
    assert box.exec_run("sleep 1000", detach=True).exit_code is None


def test_an_execs_stream_comes_as_it_is_said(box: Any) -> None:
    code, stream = box.exec_run("sh -c 'echo a; sleep 0.3; echo b'", stream=True)
    assert (code, b"".join(stream)) == (None, b"a\nb\n")
    _, stream = box.exec_run("sh -c 'echo a; echo e >&2'", stream=True, demux=True)
    assert sorted(stream, key=str) == [(None, b"e\n"), (b"a\n", None)]


def test_an_exec_can_be_looked_at_from_its_making_to_its_end(client: Any, box: Any) -> None:
    made = client.api.exec_create(box.id, ["cat"], stdin=True)
    found = client.api.exec_inspect(made)
    assert (found["Running"], found["ExitCode"], found["ContainerID"]) == (False, None, box.id)
    assert found["ProcessConfig"]["entrypoint"] == "cat"
    socket = client.api.exec_start(made, socket=True)
    until(lambda: client.api.exec_inspect(made)["Running"])
    socket._sock.sendall(b"typed\n")
    assert next(frames(socket)) == (1, b"typed\n")
    socket._sock.shutdown(1)
    assert list(frames(socket)) == []
    socket.close()
    until(lambda: client.api.exec_inspect(made)["ExitCode"] == 0)
    with pytest.raises(docker.errors.APIError, match="has already run"):
        client.api.exec_start(made, detach=True)


def test_execs_need_somebody_to_run_in(client: Any, box: Any) -> None:
    with pytest.raises(docker.errors.NotFound):
        client.api.exec_create("nobody", "true")
    with pytest.raises(docker.errors.NotFound):
        client.api.exec_start("nothing")
    box.pause()
    with pytest.raises(docker.errors.APIError, match="is paused, unpause the container before exec"):
        box.exec_run("true")
    box.unpause()
    box.kill()
    with pytest.raises(docker.errors.APIError, match="is not running"):
        box.exec_run("true")


def test_a_terminal_is_resized(client: Any) -> None:
    box = client.containers.run("busybox", "sh", detach=True, tty=True, stdin_open=True)
    box.resize(height=33, width=111)
    made = client.api.exec_create(box.id, "sleep 1000", tty=True)
    client.api.exec_start(made, detach=True, tty=True)
    client.api.exec_resize(made, height=20, width=40)
    socket = box.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    socket._sock.settimeout(30)
    socket._sock.sendall(b"stty size; exit\n")
    said = b""
    while b"33 111" not in said:
        more = socket._sock.recv(1000)
        assert more, said
        said += more
    socket._sock.close()
    socket.close()
    assert box.wait()["StatusCode"] == 0


def test_standard_input_goes_in_by_a_socket_and_its_end_too(client: Any) -> None:
    box = client.containers.create("busybox", "cat", stdin_open=True)
    socket = box.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    box.start()
    socket._sock.sendall(b"one\n")
    assert next(frames(socket)) == (1, b"one\n")
    socket._sock.sendall(b"x" * 200_000 + b"\n")
    got = 0
    for descriptor, data in frames(socket):
        assert descriptor == 1
        got += len(data)
        if got == 200_001:
            break
    socket._sock.close()
    socket.close()
    assert box.attrs["Config"]["StdinOnce"]  # docker-py asks for that
    assert box.wait()["StatusCode"] == 0


def test_both_outputs_come_apart(client: Any) -> None:
    box = client.containers.create("busybox", ["sh", "-c", "echo out; echo err >&2"])
    socket = box.attach_socket(params={"stdout": 1, "stderr": 1, "stream": 1})
    box.start()
    assert sorted(frames(socket)) == [(1, b"out\n"), (2, b"err\n")]
    socket.close()
    box.wait()
    assert client.api.attach(box.id, stdout=True, stderr=False, logs=True) in (b"out\n", b"")  # dockerd hurries


def test_attaching_to_what_runs_gives_its_past_and_its_future(client: Any) -> None:
    box = client.containers.run("busybox", ["sh", "-c", "echo past; sleep 1; echo future"], detach=True)
    until(lambda: box.logs() == b"past\n")
    assert b"".join(client.api.attach(box.id, logs=True, stream=True)) == b"past\nfuture\n"


def test_detach_keys_leave_the_container_running(client: Any) -> None:
    box = client.containers.run("busybox", "cat", detach=True, tty=True, stdin_open=True)
    socket = box.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1, "detachKeys": "ctrl-p"})
    socket._sock.settimeout(30)
    socket._sock.sendall(b"hi\n")
    while b"hi" not in socket._sock.recv(100):
        pass
    socket._sock.sendall(b"\x10")
    while socket._sock.recv(100):
        pass
    socket.close()
    box.reload()
    assert box.status == "running"


def test_events_are_told_while_they_happen_and_afterwards(client: Any) -> None:
    told = client.events(decode=True, filters={"type": "container"})
    box = client.containers.run("busybox", "true", detach=True, name="watched")
    box.wait()
    seen: list[str] = []
    for event in told:
        assert event["Type"] == "container" and event["Actor"]["Attributes"]["name"] == "watched"
        assert event["status"] == event["Action"] and event["id"] == event["Actor"]["ID"] == box.id
        assert event["from"] == "busybox" and event["scope"] == "local" and event["timeNano"] // 10**9 == event["time"]
        seen.append(event["Action"])
        if event["Action"] == "die":
            break
    told.close()
    assert seen == ["create", "start", "die"]
    past = client.events(decode=True, since=0, until=event["time"] + 1, filters={"container": box.id})
    time.sleep(0.1)
    assert next(past)["Action"] == "create"
    past.close()
