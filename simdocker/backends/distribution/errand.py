"""Work on a thread of its own that can be called back: its connection is cut, and it ends.

The threads are daemons: whoever leaves the process waits for none of them.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class CalledBack(Exception):
    """Nobody waits for the answer any more."""


class Errand:
    """One piece of work, which says what connection it waits at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.over = False
        self.carried = 0  # bytes of a blob

    def start(self, job: Callable[[], Any], name: str) -> Future[Any]:
        """Begin; the future is what comes of it."""
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, name=name, daemon=True).start()
        return future

    def at(self, connected: socket.socket) -> None:
        """It waits at this connection from now on. Raises CalledBack."""
        with self._lock:
            self._socket = connected
            if self.over:
                raise CalledBack

    def call_back(self) -> None:
        """It shall end."""
        with self._lock:
            self.over = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
