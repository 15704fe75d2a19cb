"""The live page's web site: one page, and for each that is opened a world behind a websocket.

Whoever can reach the port can type into a simulated world, and nothing else: no file is read or written,
and no request leads out. On a loopback address only pages of this site may open the websocket (another
site's script in the same browser is refused by its Origin, and a name that was pointed at the loopback by its
Host). Beyond it, and where a real shell is behind the page, a key in the address keeps out who was not invited.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiohttp import WSMsgType, web

WORLDS = 32  # open at the same time; a class at one teacher's machine
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

    async def _root(self, request: web.Request) -> web.Response:
        self._admit(request)
        return web.Response(text=self._page, content_type="text/html", headers=HEADERS)

    async def _no_icon(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        self._admit(request)
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="only this page may type here\n")
        if len(self._open) >= WORLDS:
            raise web.HTTPServiceUnavailable(text=f"{WORLDS} worlds are open already: close a page\n")
        socket = web.WebSocketResponse(max_msg_size=LONGEST, heartbeat=30)
        await socket.prepare(request)
        self._open.add(socket)
        try:
            await self._talk(socket)
        finally:
            self._open.discard(socket)
        return socket

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        """Carry what is asked to the world's thread and what it says back, until the page is closed."""
        loop = asyncio.get_running_loop()
        said: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

        def say(message: Mapping[str, Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the world did
                loop.call_soon_threadsafe(said.put_nowait, message)

        world = await loop.run_in_executor(None, self._open_world, say)
        speaking = asyncio.create_task(_speak(socket, said))
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    continue
                try:
                    request = json.loads(message.data)
                except ValueError:
                    request = None
                if isinstance(request, dict):
                    world.ask(request)
                else:
                    say({"is": "sorry", "text": "a page asks with JSON objects"})
        finally:
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await speaking
            await loop.run_in_executor(None, world.close)

    def _admit(self, request: web.Request) -> None:
        if self._names and request.host not in self._names:
            raise web.HTTPForbidden(text="this page is served to this machine only\n")
        if self._key and not secrets.compare_digest(request.query.get("key", "").encode(), self._key.encode()):
            raise web.HTTPForbidden(text="the address lacks the key that simdocker ui printed with it\n")


async def _speak(socket: web.WebSocketResponse, said: asyncio.Queue[Mapping[str, Any]]) -> None:
    while True:
        await socket.send_str(json.dumps(await said.get(), separators=(",", ":")))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
