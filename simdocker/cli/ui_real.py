"""`simdocker ui --backend linux`: the page over a real bash, with real containers behind its docker.

The world lives on the main thread, where signals arrive, so that whatever ends it takes its containers away;
the web site has a thread of its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from simdocker.api.times import EPOCH_NS
from simdocker.cli.interrupt import Terminated, stopped_by_ctrl_c
from simdocker.cli.ui import announce, cannot_listen
from simdocker.des.wall import WallClock
from simdocker.scenario.linuxworld import LinuxWorld
from simdocker.scenario.stage import place_files
from simdocker.web.live_real import RealWorld
from simdocker.web.site import Site

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario


def serve_real(
    scenario: Scenario, page: str, host: str, port: int, *, seed: int | None, data_root: str | None, open_browser: bool
) -> int:
    """Serve until Ctrl-C or until the shell ends; returns the exit code. Raises UserError."""
    stage = LinuxWorld(scenario, seed=seed, data_root=data_root, start=time.time_ns() - EPOCH_NS)
    clock = stage.env
    assert isinstance(clock, WallClock)
    with stopped_by_ctrl_c(clock), stage.staged():
        stage.trace.keep = False
        place_files(scenario, stage)
        master, slave = os.openpty()
        bash = stage.seat.sit_down(slave)
        os.close(slave)
        world = RealWorld(scenario, stage.trace, stage.host, master)
        site = _Served(Site(page, world.open, keyed=True), host, port)
        ended = os.pidfd_open(bash.pid)
        try:
            with announce(site.address(), open_browser), suppress(KeyboardInterrupt, Terminated):
                clock.run(until=clock.readable(ended))
        except OSError as error:
            raise cannot_listen(host, port, error) from None
        finally:
            site.end()
            clock.forget(ended)
            os.close(ended)
            if bash.poll() is None:
                bash.kill()
            bash.wait()
            os.close(master)
    print("ended: the containers are gone", flush=True)
    return 0


class _Served:
    """The web site on a thread of its own."""

    def __init__(self, site: Site, host: str, port: int) -> None:
        self._site, self._host, self._port = site, host, port
        self._address: Future[str] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="site", daemon=True)
        self._thread.start()

    def address(self) -> str:
        """Where the page is. Raises OSError."""
        return self._address.result()

    def end(self) -> None:
        """Close all pages."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=5)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            async with self._site.served(self._host, self._port) as address:
                self._address.set_result(address)
                await self._stop.wait()
        except BaseException as error:  # whoever waits for the address is told
            if self._address.done():
                raise
            self._address.set_exception(error)
