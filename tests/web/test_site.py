"""Who may open the live page, and what the web site does with everybody else."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from simdocker.cli.ui import address_of
from simdocker.errors import UserError
from simdocker.web import site as module
from simdocker.web.site import Site


class Echo:
    """A world that says what it is asked."""

    def __init__(self, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._say = say
        self.closed = False
        WORLDS.append(self)

    def ask(self, request: Mapping[str, Any]) -> None:
        self._say({"is": "echo", "of": request})

    def close(self) -> None:
        self.closed = True


WORLDS: list[Echo] = []


@asynccontextmanager
async def browser(*, keyed: bool = False) -> AsyncIterator[tuple[ClientSession, str]]:
    WORLDS.clear()
    async with (
        Site("<!doctype html><p>page", Echo, keyed=keyed).served("127.0.0.1", 0) as address,
        ClientSession() as web,
    ):
        yield web, address


async def status(web: ClientSession, address: str, **options: Any) -> int:
    async with web.get(address, **options) as answer:
        return answer.status


def played(act: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(act(), 60))


def test_the_page_and_its_world_are_served() -> None:
    async def act() -> None:
        async with browser() as (web, address):
            async with web.get(address) as answer:
                assert answer.status == 200 and "<p>page" in await answer.text()
                assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
            async with web.ws_connect(f"{address}live") as socket:
                await socket.send_json({"do": "x"})
                assert await socket.receive_json() == {"is": "echo", "of": {"do": "x"}}
            while not WORLDS[0].closed:
                await asyncio.sleep(0.01)

    played(act)


@pytest.mark.parametrize(
    "sent",
    ["", "text", "[1]", "{", "null", json.dumps("x" * 1000), '{"do":"keys","keys":"\\ud800"}', "[" * 200_000],
    ids=range(8),
)
def test_what_is_no_object_is_refused_in_a_sentence(sent: str) -> None:
    async def act() -> None:
        async with browser() as (web, address), web.ws_connect(f"{address}live") as socket:
            await socket.send_str(sent)
            assert (await socket.receive_json())["is"] == "sorry"
            await socket.send_json({"do": "y"})
            assert (await socket.receive_json())["is"] == "echo"

    played(act)


def test_a_message_beyond_all_reason_ends_the_connection_and_the_world() -> None:
    async def act() -> None:
        async with browser() as (web, address), web.ws_connect(f"{address}live") as socket:
            await socket.send_str("x" * (module.LONGEST + 1))
            assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
            while not WORLDS[0].closed:
                await asyncio.sleep(0.01)

    played(act)


class Talker(Echo):
    """A world that talks for as long as somebody listens."""

    said = 0

    def ask(self, request: Mapping[str, Any]) -> None:
        threading.Thread(target=self._talk, daemon=True).start()

    def _talk(self) -> None:
        while not self.closed:
            self._say({"is": "output", "data": "x" * 10_000})
            self.said += 1


@pytest.mark.parametrize("keyed", [False, True])
def test_a_page_that_does_not_read_fills_no_memory(keyed: bool) -> None:
    async def act() -> None:
        WORLDS.clear()
        async with Site("page", Talker, keyed=keyed).served("127.0.0.1", 0) as address, ClientSession() as web:
            bare, _, key = address.partition("?")
            async with web.ws_connect(f"{bare}live?{key}", max_msg_size=0) as socket:
                await socket.send_json({})
                world, before = WORLDS[0], -1
                while not world.closed and (keyed or world.said != before):
                    before = world.said
                    await asyncio.sleep(2 if not keyed else 0.1)
                assert keyed or world.said < 20 * module.BACKLOG  # what stands in the sockets is the most of it

    played(act)


def test_another_sites_script_and_a_foreign_name_are_kept_out() -> None:
    async def act() -> None:
        async with browser() as (web, address):
            for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
                with pytest.raises(WSServerHandshakeError) as refused:
                    await web.ws_connect(f"{address}live", headers=headers)
                assert refused.value.status == 403
            assert await status(web, address, headers={"Host": "evil.example:80"}) == 403
            port = address.rpartition(":")[2].strip("/")
            same = {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}"}
            async with web.ws_connect(f"{address}live", headers=same):
                pass

    played(act)


def test_a_keyed_page_opens_with_its_key_only() -> None:
    async def act() -> None:
        async with browser(keyed=True) as (web, address):
            assert "?key=" in address
            bare = address.partition("?")[0]
            assert await status(web, bare) == 200  # the page alone, as when it is loaded again, without its key
            assert await status(web, f"{bare}?key=guess") == 403
            assert await status(web, f"{bare}?key=%C3%A9") == 403
            assert await status(web, address) == 200
            with pytest.raises(WSServerHandshakeError):
                await web.ws_connect(f"{bare}live")
            with pytest.raises(WSServerHandshakeError):
                await web.ws_connect(f"{bare}live?key=guess")
            async with web.ws_connect(f"{bare}live?{address.partition('?')[2]}"):
                pass

    played(act)


def test_there_is_an_end_to_the_worlds_that_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORLDS", 2)

    async def act() -> None:
        async with browser() as (web, address):
            one, two = [await web.ws_connect(f"{address}live") for _ in range(2)]
            with pytest.raises(WSServerHandshakeError) as refused:
                await web.ws_connect(f"{address}live")
            assert refused.value.status == 503
            await one.close()
            while not WORLDS[0].closed:
                await asyncio.sleep(0.01)
            async with web.ws_connect(f"{address}live"):
                pass
            await two.close()

    played(act)


def test_the_end_of_the_server_closes_every_page() -> None:
    async def act() -> None:
        async with ClientSession() as web:
            async with Site("page", Echo).served("127.0.0.1", 0) as address:
                socket = await web.ws_connect(f"{address}live")
            message = await socket.receive()
            await socket.close()
            assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)

    played(act)


@pytest.mark.parametrize(
    ("listen", "meant"),
    [("8080", ("127.0.0.1", 8080)), ("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:0", ("::1", 0)), ("lab:81", ("lab", 81))],
)
def test_an_address_to_listen_at(listen: str, meant: tuple[str, int]) -> None:
    assert address_of(listen) == meant


@pytest.mark.parametrize("listen", ["", ":80", "x", "1.2.3.4", "99999", "-1", "host:"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(UserError, match="an address is a port, or HOST:PORT"):
        address_of(listen)
