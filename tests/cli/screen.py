"""A person at a real pseudo-terminal in front of `simdocker shell` or `learn`, and what they see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pyte

COLUMNS, ROWS = 80, 24
PATIENCE = 120.0  # seconds until a test that waits for something gives up, however busy the machine


class Screen:
    """`type` keys, `see` what is on the screen."""

    def __init__(
        self, directory: Path, *arguments: str, env: dict[str, str] | None = None, command: str = "shell"
    ) -> None:
        self.screen = pyte.HistoryScreen(COLUMNS, ROWS, history=2000)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            state = {"XDG_STATE_HOME": str(directory / "state"), "TERM": "xterm", "PYTHONDONTWRITEBYTECODE": "1"}
            os.execve(
                sys.executable,
                [sys.executable, "-m", "simdocker", command, *arguments],
                {**os.environ, **state, **(env or {})},
            )
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    @property
    def text(self) -> str:
        """Everything that scrolled by and is still on the screen, without the blanks at line ends."""
        past = ["".join(line[x].data for x in range(COLUMNS)) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*past, *self.screen.display]).rstrip()

    def see(self, *texts: str) -> str:
        """Wait until each of `texts` is on the screen, and return what is there."""
        return self.until(lambda: all(text in self.text for text in texts), " and ".join(map(repr, texts)))

    def prompts(self, count: int, prompt: str = "laptop$") -> str:
        """Wait for the `count`th prompt at a line's beginning."""
        return self.until(
            lambda: (
                sum(line.startswith(prompt) for line in self.text.splitlines()) >= count
                and self.text.splitlines()[-1] == prompt
            ),
            f"{count} prompts",
        )

    def until(self, seen, what: str) -> str:  # type: ignore[no-untyped-def]
        end = time.monotonic() + PATIENCE
        while not seen():
            if time.monotonic() > end or not self.read(0.05):
                raise AssertionError(f"{what} did not come:\n{self.text}")
        return self.text

    def read(self, seconds: float) -> bool:
        """Take what is written within so long; False once the other side is gone."""
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            self.raw += data
            self._stream.feed(data)
            if b"\x1b[6n" in data:  # prompt_toolkit asks where the cursor is
                self.type(f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R")
        return True

    def leave(self) -> int:
        """Wait for the end → exit code."""
        end = time.monotonic() + PATIENCE
        while self.read(0.2):
            assert time.monotonic() < end, f"it does not end:\n{self.text}"
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
