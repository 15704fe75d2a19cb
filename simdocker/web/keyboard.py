"""The keyboard of a page: keys come from the page's connection, and are waited for on its world's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from simdocker.scenario.pace import INTERRUPT

SIGNALS = (INTERRUPT, b"\x1c")  # Ctrl-C and Ctrl-\ arrive also where nobody reads


class Gone(Exception):
    """The page is closed."""


class PageKeyboard:
    """What the page's terminal sends while a line runs. `before` is called before each wait, with whether the line
    waits for all keys or for signals alone."""

    def __init__(self, before: Callable[[bool], None]) -> None:
        self._before = before
        self._typed = b""
        self._gone = False
        self._stirred = threading.Condition()

    def type(self, keys: bytes) -> None:
        """From any thread: keys were pressed."""
        with self._stirred:
            self._typed += keys
            self._stirred.notify()

    def hang_up(self) -> None:
        """From any thread: nobody will type again."""
        with self._stirred:
            self._gone = True
            self._stirred.notify()

    def forget(self) -> None:
        """What nobody read is gone: the next line is not answered by keys that were meant for this one."""
        with self._stirred:
            self._typed = b""

    def present(self) -> None:
        """Raises Gone when nobody is there any more."""
        if self._gone:
            raise Gone

    def pressed(self) -> bytes:
        """The signals' keys. Raises Gone."""
        with self._stirred:
            return self._take(everything=False)

    def wait(self, seconds: float | None, *, everything: bool) -> bytes:
        """As `Keyboard.wait`. Raises Gone."""
        self._before(everything)
        with self._stirred:
            self._stirred.wait_for(
                lambda: self._gone or self._has(everything), None if seconds is None else max(0, seconds)
            )
            return self._take(everything)

    def _has(self, everything: bool) -> bool:
        return bool(self._typed) if everything else any(key in self._typed for key in SIGNALS)

    def _take(self, everything: bool) -> bytes:
        if self._gone:
            raise Gone
        if everything:
            typed, self._typed = self._typed, b""
            return typed
        signals = b"".join(bytes([key]) for key in self._typed if bytes([key]) in SIGNALS)
        for key in SIGNALS:
            self._typed = self._typed.replace(key, b"")
        return signals
