"""A container's streams over a websocket, as a page in a browser attaches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from tests.server.serving import ONE_HOST, Served, served_world
from tests.server.wire import Wire

PATIENCE = 30  # seconds


@pytest.fixture(params=[None, 1.0], ids=["speed max", "speed 1"])
def on_tcp(tmp_path: Path, request: pytest.FixtureRequest, unused_port: int) -> Iterator[Served]:
    with served_world(ONE_HOST, tmp_path, tcp=("127.0.0.1", unused_port), speed=request.param) as served:
        assert Wire(served.path).ask("POST", "/images/create?fromImage=busybox&tag=latest").status == 200
        yield served


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(served: Served, command: list[str], **options: Any) -> str:
    wire = Wire(served.path)
    made = wire.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": command, **options}).json["Id"]
    assert wire.ask("POST", f"/containers/{made}/start").status == 204
    return str(made)


def talk(served: Served, path: str, *typed: str | bytes, until: bytes) -> tuple[bytes, set[WSMsgType]]:
    """What a websocket says up to `until` or its end, and what kinds of message it said it in."""
    assert served.tcp is not None
    url = f"http://{served.tcp[0]}:{served.tcp[1]}{path}"

    async def converse() -> tuple[bytes, set[WSMsgType]]:
        said, kinds = b"", set()
        async with ClientSession() as session, session.ws_connect(url) as socket:
            for words in typed:
                await (socket.send_bytes(words) if isinstance(words, bytes) else socket.send_str(words))
            async for message in socket:
                kinds.add(message.type)
                said += message.data.encode() if isinstance(message.data, str) else message.data
                if until and until in said:
                    break
        return said, kinds

    return asyncio.run(asyncio.wait_for(converse(), PATIENCE))


def test_what_is_typed_goes_in_and_what_is_said_comes_out(on_tcp: Served) -> None:
    box = started(on_tcp, ["cat"], OpenStdin=True)
    said, kinds = talk(on_tcp, f"/containers/{box}/attach/ws?stream=1", b"one\n", "two\n", until=b"two\n")
    assert (said, kinds) == (b"one\ntwo\n", {WSMsgType.BINARY})
    said, kinds = talk(on_tcp, f"/v1.27/containers/{box}/attach/ws?stream=1&stdout=1", "more\n", until=b"more\n")
    assert (said, kinds) == (b"more\n", {WSMsgType.TEXT})


def test_the_past_is_told_and_the_end_closes(on_tcp: Served) -> None:
    box = started(on_tcp, ["sh", "-c", "echo out; echo err >&2; sleep 1; echo later"])
    assert talk(on_tcp, f"/containers/{box}/attach/ws?logs=1&stream=1", until=b"")[0] == b"out\nerr\nlater\n"
    assert talk(on_tcp, f"/containers/{box}/attach/ws?logs=1", until=b"")[0] == b"out\nerr\nlater\n"


def test_detach_keys_close_it_and_leave_the_container_running(on_tcp: Served) -> None:
    box = started(on_tcp, ["cat"], OpenStdin=True, Tty=True)
    talk(on_tcp, f"/containers/{box}/attach/ws?stream=1&detachKeys=ctrl-e", b"\x05", until=b"")
    assert Wire(on_tcp.path).ask("GET", f"/containers/{box}/json").json["State"]["Running"]


def test_what_is_no_websocket_and_no_container_is_refused(on_tcp: Served) -> None:
    box = started(on_tcp, ["sleep", "1000"])
    wire = Wire(on_tcp.path)
    plain = wire.ask("GET", f"/containers/{box}/attach/ws?stream=1")
    assert (plain.status, plain.json) == (400, {"message": "not websocket protocol"})
    assert wire.ask("GET", f"/containers/{box}/other/ws").status == 404
    wrong = f"/containers/{box}/attach/ws?stream=1&detachKeys=zz"
    for path, status in ((wrong, 400), ("/containers/x/attach/ws", 404)):
        with pytest.raises(WSServerHandshakeError) as refused:
            talk(on_tcp, path, until=b"")
        assert refused.value.status == status
