"""Clients that do not read, or type what nobody reads: the server stays as it was, and loses nothing."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from simdocker.actors.daemon.container import LARGEST_LOG, LONGEST_LINE, Log
from simdocker.api import Stream
from simdocker.api.streams import MANY
from simdocker.des import Environment
from tests.server.rich_world import tarred
from tests.server.serve_command import Serving, serve
from tests.server.wire import Wire

MIB = 1 << 20
ALONE = (
    *("unshare", "--net", "--mount", "--propagation=private", "sh", "-c"),
    'ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"', "sh",
)  # fmt: skip


@pytest.fixture(scope="module", params=["sim", "linux"])
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("serve")
    if request.param == "sim":
        with serve(directory) as serving:
            serving.ask_daemon("POST", "/images/create?fromImage=busybox&tag=latest")
            yield serving
        return
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with serve(directory, "--backend", "linux", "--speed", "1", before=ALONE) as serving:
        made = serving.ask_daemon("POST", "/images/create?fromImage=busybox&tag=latest")
        if made.status != 200:
            pytest.skip("needs busybox")
        yield serving


def anonymous(serving: Serving) -> int:
    """Bytes of the server's memory that are no file's."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{serving.process.pid}/status").read_text())
    if found is None:
        pytest.skip("this kernel does not count anonymous memory")
    return int(found[1]) << 10


def running(serving: Serving, name: str, command: str, **config: object) -> None:
    body = {"Image": "busybox", "Cmd": ["sh", "-c", command], **config}
    assert serving.ask_daemon("POST", f"/containers/create?name={name}", body).status == 201
    assert serving.ask_daemon("POST", f"/containers/{name}/start").status == 204


def hijacked(serving: Serving, path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(serving.socket.removeprefix("unix://"))
    head = f"POST {path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
    connection.sendall(head.encode())
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 101 "), said
    return connection


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_what_nobody_reads_is_not_typed_without_end(serving: Serving) -> None:
    running(serving, "deaf", "sleep 1000", OpenStdin=True)
    before = anonymous(serving)
    with hijacked(serving, "/containers/deaf/attach?stream=1&stdin=1&stdout=1") as typing:
        typing.setblocking(False)
        sent, end = 0, time.monotonic() + 1.5
        while time.monotonic() < end:
            try:
                sent += typing.send(bytes(MIB))
            except BlockingIOError:
                time.sleep(0.01)
        assert sent < 32 * MIB
        assert anonymous(serving) - before < 48 * MIB
    assert serving.ask_daemon("DELETE", "/containers/deaf?force=1").status == 204


def test_much_that_is_typed_comes_back_whole(serving: Serving) -> None:
    running(serving, "echoes", "cat", OpenStdin=True, StdinOnce=True)
    data = b"".join(b"%07d\n" % number for number in range(MIB))  # 8 MiB, more than waits anywhere
    with hijacked(serving, "/containers/echoes/attach?stream=1&stdin=1&stdout=1") as both:
        both.setblocking(False)
        said, rest, heard = bytearray(), memoryview(data), True
        while heard:
            if rest:
                with suppress(BlockingIOError):
                    rest = rest[both.send(rest) :]
                if not rest:
                    both.shutdown(socket.SHUT_WR)
            with suppress(BlockingIOError):
                piece = both.recv(MIB)
                said += piece
                heard = bool(piece)
            time.sleep(0.0001)
    text = bytearray()
    while said:
        size = int.from_bytes(said[4:8], "big")
        text += said[8 : 8 + size]
        del said[: 8 + size]
    assert bytes(text) == data
    assert serving.ask_daemon("DELETE", "/containers/echoes?force=1").status == 204


def test_who_does_not_read_holds_up_a_real_container_and_nobody_else(serving: Serving) -> None:
    body = {"LogConfig": {"Type": "none"}}
    running(serving, "waits", "read x; yes 0123456789abcdef", OpenStdin=True, HostConfig=body)
    before = anonymous(serving)
    with hijacked(serving, "/containers/waits/attach?stream=1&stdin=1&stdout=1") as slow:
        slow.sendall(b"go\n")
        time.sleep(1.5)
        assert serving.ask_daemon("GET", "/_ping").status == 200
        assert anonymous(serving) - before < 64 * MIB
        slow.recv(MIB)  # it goes on where it stood
        assert slow.recv(MIB)
    assert serving.ask_daemon("DELETE", "/containers/waits?force=1").status == 204
    log = (serving.directory / "serve.log").read_text()
    assert "socket.send() raised exception" not in log


def descriptors(serving: Serving) -> int:
    return len(list(Path(f"/proc/{serving.process.pid}/fd").iterdir()))


def test_who_has_left_by_halves_is_noticed_and_who_waits_for_nothing_is_told(serving: Serving) -> None:
    attach = "/containers/waits-on/attach?stream=1&stdin=1&stdout=1"
    body = {"Image": "busybox", "Cmd": ["true"], "OpenStdin": True}
    assert serving.ask_daemon("POST", "/containers/create?name=waits-on", body).status == 201
    time.sleep(0.3)
    before = descriptors(serving) + 2  # spares for whoever comes next are made at any time
    for _ in range(5):
        with hijacked(serving, attach) as leaving:
            leaving.shutdown(socket.SHUT_WR)
            time.sleep(0.05)
    assert soon(lambda: descriptors(serving) <= before), "connections are left"
    with hijacked(serving, attach) as waiting:
        waiting.shutdown(socket.SHUT_WR)
        assert serving.ask_daemon("DELETE", "/containers/waits-on").status == 204
        assert waiting.recv(1) == b""


def test_a_removal_that_meets_a_restart_comes_to_an_end(serving: Serving) -> None:
    for number in range(4):
        running(serving, "twice", "trap exit TERM; while :; do sleep 0.1; done")
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(serving.ask_daemon, "POST", "/containers/twice/restart?t=0") for _ in range(2)]
            time.sleep(number * 0.01)
            removed = pool.submit(serving.ask_daemon, "DELETE", "/containers/twice?force=1").result()
            assert removed.status in (204, 409), removed.body
            assert {answer.result().status for answer in asked} <= {204, 404, 500}
        assert soon(lambda: serving.ask_daemon("DELETE", "/containers/twice?force=1").status == 404)


def test_no_file_has_a_zero_in_its_name(serving: Serving) -> None:
    running(serving, "zero", "sleep 100")
    for method in ("GET", "PUT"):
        answer = serving.ask_daemon(method, "/containers/zero/archive?path=/a%00b", tarred({}))
        assert (answer.status, answer.json["message"][:24]) == (404, "Could not find the file ")
    assert serving.ask_daemon("DELETE", "/containers/zero?force=1").status == 204


def test_no_file_has_so_long_a_name(serving: Serving) -> None:
    answer = serving.ask_daemon("POST", "/volumes/create", {"Name": "a" * 300})
    assert answer.status in (201, 500)
    assert answer.status == 201 or answer.json["message"].endswith(": file name too long")
    serving.ask_daemon("DELETE", f"/volumes/{'a' * 300}")


@pytest.mark.parametrize("header", ["Sec-WebSocket-Version: x", "Sec-WebSocket-Key: x"])
def test_a_websocket_that_begins_wrongly_is_refused(serving: Serving, header: str) -> None:
    running(serving, "sock", "sleep 100")
    right = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    name, _, value = header.partition(": ")
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", **right, name: value}
    answer = Wire(serving.directory / "docker.sock").ask("GET", "/containers/sock/attach/ws?stream=1", None, headers)
    assert (answer.status, answer.json["message"][:22]) == (400, "not websocket protocol")
    assert serving.ask_daemon("DELETE", "/containers/sock?force=1").status == 204


# -- what containers say to nobody -------------------------------------------------------------------------


def test_of_a_very_long_log_the_oldest_lines_are_forgotten() -> None:
    log, line = Log(), b"x" * 999 + b"\n"
    for number in range(3 * LARGEST_LOG // len(line)):
        log.write(number, 1, line)
    kept = list(log.lines(0, 1 << 62, {1}))
    assert LARGEST_LOG // 2 < sum(len(data) for _, _, data in kept) <= LARGEST_LOG
    assert kept[-1][0] == 3 * LARGEST_LOG // len(line) - 1


def test_a_line_without_an_end_is_logged_in_parts() -> None:
    log = Log()
    for _ in range(5):
        log.write(0, 1, b"y" * (LONGEST_LINE - 1))
    log.write(0, 1, b"\n")
    assert b"".join(data for _, _, data in log.lines(0, 1, {1})) == b"y" * 5 * (LONGEST_LINE - 1) + b"\n"
    assert max(len(data) for _, _, data in log.entries) <= LONGEST_LINE
    assert log.partial is None or not any(log.partial.values())


def test_who_writes_into_a_full_stream_waits_for_room() -> None:
    env = Environment()
    stream = Stream(env)
    said: list[int] = []

    def writes():
        for number in range(3 * MANY):
            yield from stream.room()
            stream.write(number)
            said.append(len(stream.chunks))
        stream.close()

    def reads():
        found = []
        while (chunk := (yield from stream.read())) is not None:
            found.append(chunk)
            yield env.timeout(1)
        return found

    env.process(writes())
    env.run(until=1)
    assert len(said) == MANY
    reading = env.process(reads())
    env.run()
    assert reading.value == list(range(3 * MANY))
    assert max(said) == MANY
