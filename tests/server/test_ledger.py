"""A served world is there again after a restart: what clients did to it is kept, and lived through again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from simdocker.api.times import EPOCH_NS, S
from simdocker.errors import UserError
from simdocker.scenario.world import World
from simdocker.server.ledger import BESIDE, FILE, Description, Ledger
from simdocker.trace import Record
from tests.server.serving import ONE_HOST, Served, served_world

docker = pytest.importorskip("docker")

Told = list[tuple[int, int, str, str]]
PATIENCE = 120  # seconds until something that must happen is given up, however busy the machine


@contextmanager
def kept_world(
    directory: Path, world: dict[str, Any] = ONE_HOST, later: int = 0
) -> Iterator[tuple[Served, docker.DockerClient, Told]]:
    """The world that is kept in a directory, a client at it, and the trace of all that has happened in it, but for the
    requests that only look. It is served `later`, in ns from now."""
    told: Told = []

    def listen(world: World) -> None:
        looks: set[int] = set()
        numbers: dict[int, int] = {}  # with those requests it is another

        def note(record: Record) -> None:
            method, _, path = record.what.partition(" ")
            if record.actor == "client@laptop" and world.only_looks("laptop", method, path):
                looks.add(record.seq)
            if not {record.seq, record.span} & looks:
                numbers[record.seq] = len(told)
                told.append((record.t_ns, numbers.get(record.cause_seq, -1), record.actor, record.what))

        world.trace.listen(note)

    def today() -> int:
        return time.time_ns() - EPOCH_NS + later

    ledger = Ledger(directory / "kept")
    try:
        with served_world(world, directory, prepare=listen, ledger=ledger, today=today) as served:
            client = docker.DockerClient(base_url=served.url)
            yield served, client, told
            client.close()
    finally:
        ledger.close()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def test_the_world_that_is_lived_through_again_is_the_same_to_the_last_record(tmp_path: Path) -> None:
    with kept_world(tmp_path) as (_, client, told):
        client.images.pull("busybox", tag="latest")
        assert client.containers.run("busybox", "echo hi", remove=True) == b"hi\n"
        box = client.containers.run(
            "busybox", "sh", detach=True, tty=True, stdin_open=True, name="box", ports={80: 8080}
        )
        typing = box.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
        typing._sock.sendall(b"echo kept > /note\n")
        until(lambda: box.exec_run("cat /note").exit_code == 0)
        typing._sock.close()
        typing.close()
        client.networks.create("lab").connect(box)
        client.volumes.create("data", labels={"a": "b"})
        with pytest.raises(docker.errors.NotFound):
            client.containers.get("nobody")
        before = list(told)
    with kept_world(tmp_path) as (_, client, told):
        assert told[: len(before)] == before
        box = client.containers.get("box")
        assert box.status == "running" and "lab" in box.attrs["NetworkSettings"]["Networks"]
        assert box.exec_run("cat /note").output == b"kept\n"
        assert client.volumes.get("data").attrs["Labels"] == {"a": "b"}


def test_while_nobody_serves_a_world_it_sleeps_and_then_its_clock_is_set(tmp_path: Path) -> None:
    """Nothing happens in it meanwhile: a process that sleeps for an hour, or computes for one, is as far as before.
    Lived through again, it has slept at the same moment for the same time."""
    days = 150
    hour = {"command": ["sleep", "3600"], "detach": True}
    work = {"command": ["sh", "-c", "while true; do :; done"], "detach": True}
    with kept_world(tmp_path) as (_, client, told):
        client.images.pull("busybox", tag="latest")
        client.containers.run("busybox", name="sleeper", **hour)
        client.containers.run("busybox", name="worker", **work)
        used = client.containers.get("worker").stats(stream=False)["cpu_stats"]["cpu_usage"]["total_usage"]
        before = list(told)
    with kept_world(tmp_path, later=days * 86_400 * S) as (_, client, told):
        assert told[: len(before)] == before
        assert client.containers.get("sleeper").status == "running"
        now = client.containers.get("worker").stats(stream=False)["cpu_stats"]["cpu_usage"]["total_usage"]
        assert used <= now < used + 3600 * S
        client.containers.get("worker").remove(force=True)
        before = list(told)
    with kept_world(tmp_path, later=2 * days * 86_400 * S) as (_, client, told):
        assert told[: len(before)] == before
        sleeper = client.containers.get("sleeper")
        assert sleeper.wait()["StatusCode"] == 0
        sleeper.reload()
        began, ended = (datetime.fromisoformat(sleeper.attrs["State"][name]) for name in ("StartedAt", "FinishedAt"))
        lasted = (ended - began).total_seconds()
        assert 2 * days * 86_400 + 3000 < lasted < 2 * days * 86_400 + 4200  # the hour, and what it slept through


def test_a_world_that_was_ended_comes_back_as_it_was_at_that_moment(tmp_path: Path) -> None:
    """Not only as it was when somebody was last told something."""
    with kept_world(tmp_path) as (served, client, told):
        client.images.pull("busybox", tag="latest")
        client.containers.run("busybox", ["sh", "-c", "while sleep 0.01; do date; done"], name="clock", detach=True)
        last = served.world.env.now
        until(lambda: served.world.env.now > last + S // 2)
        before, left = list(told), served.world.env.now
    with kept_world(tmp_path, later=-86_400 * S) as (served, client, told):
        assert served.world.env.now >= left
        assert told[: len(before)] == before


def test_whoever_only_looks_leaves_no_trace(tmp_path: Path) -> None:
    """Nothing is kept of it, and the world goes on as if nobody had asked; but it does not come back as it was before
    somebody saw how it is now."""
    checked = {"test": ["CMD", "true"], "interval": S, "timeout": S, "retries": 1}
    kept = tmp_path / "kept" / FILE
    with kept_world(tmp_path) as (served, client, told):
        client.images.pull("busybox", tag="latest")
        client.containers.run("busybox", ["sleep", "9000"], name="well", detach=True, healthcheck=checked)
        for number in range(5):
            client.containers.run("busybox", ["sh", "-c", "echo > f; sleep 0.01"], name=f"c{number}", detach=True)
            size = kept.stat().st_size
            client.ping()
            client.version()
            client.info()
            client.networks.list()
            client.volumes.list()
            client.images.list()
            client.api.containers(all=True, size=True)
            client.api.inspect_container(f"c{number}")
            client.api.inspect_image("busybox")
            assert kept.stat().st_size == size
            assert client.containers.run("busybox", "echo hi", remove=True) == b"hi\n"
        until(lambda: client.containers.get("c4").status == "exited")
        seen, before = served.world.env.now, list(told)
    (tmp_path / "kept" / BESIDE).write_bytes(b"half")
    with kept_world(tmp_path, later=-86_400 * S) as (served, client, told):
        client.api.inspect_container("well")
        assert len(told) > len(before) // 2 and told[: len(before)] == before[: len(told)]
    with kept_world(tmp_path, later=-86_400 * S) as (served, client, told):
        until(lambda: served.world.env.now > seen)
        assert told[: len(before)] == before


def created(server: Path, name: str) -> bool:
    """Whether the server says that it made a volume. Over a bare socket: docker-py leaves those of lost
    connections to the collector. Raises OSError."""
    body = json.dumps({"Name": name}).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(server))
        head = b"POST /volumes/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
        head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)
        answer = connection.makefile("rb").read()
    if not answer:
        raise ConnectionError
    return answer.startswith(b"HTTP/1.1 201 ")


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    path, root = tmp_path / "docker.sock", tmp_path / "kept"
    command = [sys.executable, "-m", "simdocker", "serve", "-q", "--speed", "max"]

    @contextmanager
    def started() -> Iterator[subprocess.Popen[bytes]]:
        places = ["--socket", str(path), "--data-root", str(root)]
        with subprocess.Popen([*command, *places], stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None and b"listens" in server.stdout.readline()
                yield server
            finally:
                server.kill()

    acknowledged: list[str] = []

    def work(worker: int) -> None:
        with suppress(OSError):  # the server was killed
            while True:
                name = f"v{worker}-{len(acknowledged)}"
                if not created(path, name):
                    return
                acknowledged.append(name)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    with started():  # killed at the end
        for worker in workers:
            worker.start()
        until(lambda: len(acknowledged) > 30 or not any(worker.is_alive() for worker in workers))
    for worker in workers:
        worker.join(PATIENCE)
    assert len(acknowledged) > 30
    with started() as server:
        client = docker.DockerClient(base_url=f"unix://{path}", timeout=PATIENCE)
        there = {volume.name for volume in client.volumes.list()}
        client.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0
    assert set(acknowledged) <= there
    assert len(there) <= len(acknowledged) + len(workers)


def test_half_a_record_is_cut_off_and_a_damaged_one_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with kept_world(tmp_path) as (_, client, _told):
        client.volumes.create("v1")
    file = tmp_path / "kept" / FILE
    whole = file.read_bytes()
    file.write_bytes(whole + whole[-20:-10])
    with kept_world(tmp_path) as (_, client, _told):
        assert [volume.name for volume in client.volumes.list()] == ["v1"]
    assert "was kept by half when serve was killed" in capsys.readouterr().err
    damaged = bytearray(whole)
    damaged[-5] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(UserError, match=r"the file ledger in it is damaged at byte \d+"), kept_world(tmp_path):
        pass


def test_what_cannot_be_kept_does_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept_world(tmp_path) as (_, client, _told):
        client.volumes.create("v1")
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "write", lambda self, entry: os.write(-1, b""))
            with pytest.raises(docker.errors.APIError, match="cannot write to its data root: Bad file descriptor"):
                client.volumes.create("v2")
        assert [volume.name for volume in client.volumes.list()] == ["v1"]


def test_a_directory_holds_one_world_for_one_process(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    with pytest.raises(UserError, match="another simdocker serves the world in it"):
        Ledger(tmp_path)
    made = Description(0, "1", seed=5)
    first.begin(first.described(made))
    first.close()
    again = Ledger(tmp_path)
    assert again.described(Description(99, "2")) == made
    assert again.described(Description(99, "2", seed=5)) == made
    for other in ({"seed": 6}, {"scenario": "x.yaml", "text": "other"}, {"host": "mars"}, {"profile": "slow"}):
        with pytest.raises(UserError, match="was made with another --"):
            again.described(Description(99, "2", **other))
    again.close()


def test_what_is_no_ledger_and_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("some notes of somebody, longer than a head")
    with pytest.raises(UserError):
        Ledger(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="File exists"):
        Ledger(tmp_path / "file")
    assert (tmp_path / FILE).read_text() == "some notes of somebody, longer than a head"


def test_a_ledger_of_another_world_is_refused(tmp_path: Path) -> None:
    """With another seed everything takes another time."""
    with kept_world(tmp_path) as (_, client, _told):
        client.images.pull("busybox", tag="latest")
    refused = r"cannot be lived through again from act \d+ on \(visit .*\): use the simdocker that made it, test"
    with pytest.raises(UserError, match=refused), kept_world(tmp_path, {**ONE_HOST, "seed": 77}):
        pass
