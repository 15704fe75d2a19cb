"""The live page's web site: one page, and for each that is opened a world behind a websocket.

Whoever can reach the port can type into a simulated world, and nothing else: no file is read or written,
and no request leads out. On a loopback address only pages of this site may open the websocket (another
site's script in the same browser is refused by its Origin, and a name that was pointed at the loopback by its
Host). Beyond it, and where a real shell is behind the page, a key in the address keeps out who was not invited. The
page, which holds nothing but its own words, is anybody's; the world behind it asks for the key. The page keeps it for
its origin and takes it out of the address: so an address bar on a projector and a link that is shared do not hand it
out, and who was invited once may follow such a link. (A cookie would go to every port of this machine.)
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiohttp import WSMsgType, web

WORLDS = 32  # open at the same time; a class at one teacher's machine
BACKLOG = 200  # messages that wait for a page to take them
LONGEST = 1 << 20  # bytes of a page's message: a link with all its commands
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # what a page cannot say of itself; the rest is in it
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class World(Protocol):
    """What is behind a page. Both methods are called from any thread."""

    def ask(self, request: Mapping[str, Any]) -> None:
        """The page wants something."""

    def close(self) -> None:
        """The page is closed."""


Open = Callable[[Callable[[Mapping[str, Any]], None]], World]
"""Opens the world behind one page; what it is given says something to the page, from any thread."""


class Site:
    """Serves `page`. `keyed`: the address has a key also where only this machine can reach it."""

    def __init__(self, page: str, open: Open, *, keyed: bool = False) -> None:
        self._page = page
        self._open_world = open
        self._keyed = keyed
        self._key = ""
        self._names: set[str] = set()
        self._open: set[web.WebSocketResponse] = set()
        self._taken = 0  # of WORLDS
        self._threads = ThreadPoolExecutor(WORLDS, "opening")

    @property
    def keyed(self) -> bool:
        """Whether the address has a key."""
        return bool(self._key)

    @asynccontextmanager
    async def served(self, host: str, port: int) -> AsyncIterator[str]:
        """While inside, the page is served; gives its address. Raises OSError."""
        loopback = _is_loopback(host)
        self._key = secrets.token_urlsafe(12) if self._keyed or not loopback else ""
        app = web.Application()
        app.router.add_get("/", self._root)
        app.router.add_get("/live", self._live)
        app.router.add_get("/favicon.ico", self._no_icon)  # browsers ask for one
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            server = web.TCPSite(runner, host, port)
            await server.start()
            number = runner.addresses[0][1]
            shown = f"[{host}]" if ":" in host else host
            self._names = (
                {f"{name}:{number}" for name in (shown, "localhost", "127.0.0.1", "[::1]")} if loopback else set()
            )
            yield f"http://{shown}:{number}/" + (f"?key={self._key}" if self._key else "")
        finally:
            for socket in list(self._open):
                await socket.close(code=1001, message=b"the server ends")
            await runner.cleanup()
            self._threads.shutdown(wait=False)

    async def _root(self, request: web.Request) -> web.Response:
        self._admit(request, key=request.query.get("key", self._key))  # one that is wrong is told at once
        return web.Response(text=self._page, content_type="text/html", headers=HEADERS)

    async def _no_icon(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        self._admit(request, key=request.query.get("key", ""))
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="only this page may type here\n")
        if self._taken >= WORLDS:
            raise web.HTTPServiceUnavailable(text=f"{WORLDS} worlds are open already: close a page\n")
        socket = web.WebSocketResponse(max_msg_size=LONGEST, heartbeat=30)
        self._taken += 1
        try:
            await socket.prepare(request)
            self._open.add(socket)
            await self._talk(socket, request.transport)
        finally:
            self._open.discard(socket)
            self._taken -= 1
        return socket

    async def _talk(self, socket: web.WebSocketResponse, wire: asyncio.Transport | None) -> None:
        """Carry what is asked to the world's thread and what it says back, until the page is closed. A world of the
        page's own waits for a page that does not keep up; one that all share does not, and the page is closed."""
        loop = asyncio.get_running_loop()
        said: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        room = threading.Semaphore(10 * BACKLOG if self._keyed else BACKLOG)
        left = threading.Event()

        def say(message: Mapping[str, Any]) -> None:
            while not left.is_set():
                if room.acquire(timeout=0 if self._keyed else 1):
                    with contextlib.suppress(RuntimeError):  # the loop has ended before the world did
                        loop.call_soon_threadsafe(said.put_nowait, message)
                    return
                if self._keyed and wire is not None:
                    left.set()
                    loop.call_soon_threadsafe(wire.abort)  # it would not read a farewell either

        speaking = asyncio.create_task(_speak(socket, said, room))
        world = await loop.run_in_executor(self._threads, self._open_world, say)
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    continue
                if (request := _asked(message.data)) is not None:
                    world.ask(request)
                else:
                    said.put_nowait({"is": "sorry", "text": "a page asks with JSON objects"})
        finally:
            left.set()  # whoever waits to say something says nothing any more
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await speaking
            await loop.run_in_executor(self._threads, world.close)

    def _admit(self, request: web.Request, *, key: str) -> None:
        if self._names and request.host not in self._names:
            raise web.HTTPForbidden(text="this page is served to this machine only\n")
        if self._key and not secrets.compare_digest(key.encode("utf-8", "replace"), self._key.encode()):
            raise web.HTTPForbidden(text="the address lacks the key that simdocker ui printed with it\n")


async def _speak(
    socket: web.WebSocketResponse, said: asyncio.Queue[Mapping[str, Any]], room: threading.Semaphore
) -> None:
    while True:
        message = await said.get()
        room.release()
        await socket.send_str(json.dumps(message, separators=(",", ":")))


def _asked(text: str) -> dict[str, Any] | None:
    """What a page asks for: a JSON object of texts that can be written down; None for anything else."""
    try:
        request = json.loads(text)
        json.dumps(request, ensure_ascii=False).encode()  # half a surrogate pair is a letter for JSON alone
    except (ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
