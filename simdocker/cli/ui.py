"""`simdocker ui`: the page, live, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from simdocker.cli.browser import show
from simdocker.errors import UserError
from simdocker.narration import from_file
from simdocker.scenario.desk_world import open_world
from simdocker.web.page import live_page
from simdocker.web.site import Site

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.model import Scenario

PORT = 8080


def run_ui(
    world: str | None,
    *,
    backend: str,
    listen: str | None,
    seed: int | None,
    profile: str | None,
    texts: str | None,
    data_root: str | None,
    open_browser: bool,
) -> int:
    """Serve the page until Ctrl-C; returns the exit code. Raises UserError."""
    if backend not in ("sim", "linux"):
        raise UserError(f"--backend {backend}: there is no page for it; there is one for sim and for linux")
    host, port = address_of(listen) if listen is not None else ("127.0.0.1", free_port(PORT))
    scenario, taken = _opened(world)
    page = live_page(scenario.title, from_file(texts) if texts else None)
    if backend == "linux":
        if profile is not None:
            raise UserError("--profile: on a real machine everything takes as long as it takes")
        from simdocker.cli.ui_real import serve_real

        return serve_real(scenario, page, host, port, seed=seed, data_root=data_root, open_browser=open_browser)
    if data_root is not None:
        raise UserError("--data-root says where the files of real containers lie: it goes with --backend linux")
    from simdocker.web.live import Live

    site = Site(page, partial(Live, scenario, seed=seed, profile=profile, lesson=taken))
    check(scenario, seed, profile)
    try:
        asyncio.run(_serve(site, host, port, open_browser))
    except OSError as error:
        raise cannot_listen(host, port, error) from None
    return 0


def _opened(asked: str | None) -> tuple[Scenario, Lesson | None]:
    """The world of a file; a lesson's, by its number or name or the file itself, with the lesson. Raises UserError."""
    from simdocker.lessons import catalogue

    if asked is not None and (asked.isdecimal() or asked in catalogue.names()):
        lesson = catalogue.find(asked)
        return lesson.scenario, lesson
    scenario, _ = open_world(asked)
    if asked is not None and scenario.lesson is not None:
        return scenario, catalogue.read(Path(asked))
    return scenario, None


def check(scenario: Scenario, seed: int | None, profile: str | None) -> None:
    """What would be wrong with every page's world is said before the first is opened. Raises UserError."""
    from simdocker.scenario.world import World

    World.build(scenario, seed=seed, profile=profile)


def address_of(listen: str) -> tuple[str, int]:
    """`8080`, `HOST:PORT`, `[::1]:8080`; port 0 is any that is free. Raises UserError."""
    host, colon, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or (colon and not host):
        raise UserError(f"--listen {listen}: an address is a port, or HOST:PORT, such as 127.0.0.1:{PORT}")
    return host.strip("[]") or "127.0.0.1", int(port)


def free_port(wanted: int) -> int:
    """The port, or another where somebody else has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            print(f"Port {wanted} is taken: another one is used (--listen names one).", flush=True)
            return 0
    return wanted


def cannot_listen(host: str, port: int, error: OSError) -> UserError:
    """The sentence for a place that cannot be had."""
    why = os.strerror(error.errno) if error.errno else str(error)  # asyncio's own words repeat the address
    return UserError(f"--listen {host}:{port}: cannot listen there: {why}; name another port")


def announce(address: str, open_browser: bool) -> AbstractContextManager[None]:
    """Say where the page is; while inside, a browser may still be on its way to it."""
    print(f"Open {address} in a browser; Ctrl-C ends it.", flush=True)
    return show(address) if open_browser else nullcontext()


async def _serve(site: Site, host: str, port: int, open_browser: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with site.served(host, port) as address:
        with announce(address, open_browser):
            await stop.wait()
    print("ended: the pages' worlds are gone; a page's link holds its commands", flush=True)
