"""A person at a real terminal, with the real docker client: typing, Ctrl-C, window size, detach keys."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from tests.server.serving import Served

PROMPT = b"/ # "
PATIENCE = 10  # seconds


class Terminal:
    """docker with a pseudo-terminal for its standard streams."""

    def __init__(self, served: Served, *argv: str, rows: int = 24, columns: int = 80) -> None:
        self.keyboard, screen = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            ["docker", "-H", served.url, *argv], stdin=screen, stdout=screen, stderr=screen, start_new_session=True
        )
        os.close(screen)
        self.shown = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode())

    def has_more(self, patience: float) -> bool:
        return bool(select.select([self.keyboard], [], [], patience)[0])

    def read(self) -> bytes:
        if not self.has_more(PATIENCE):
            return b""
        try:
            return os.read(self.keyboard, 4096)
        except OSError:  # nobody holds the other end any more
            return b""

    def until(self, text: bytes) -> bytes:
        """Read on until `text` has been shown → what came up to there."""
        while text not in self.shown:
            part = self.read()
            assert part, f"{text!r} never came: {self.shown!r}"
            self.shown += part
        before, _, self.shown = self.shown.partition(text)
        return before

    def end(self) -> int:
        while self.read():  # the client may be writing still
            pass
        return self.process.wait(20)


@pytest.fixture
def at_terminal(real_client: Served) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*argv: str, **size: int) -> Terminal:
        opened.append(Terminal(real_client, *argv, **size))
        return opened[-1]

    real_client.ok("pull", "busybox")
    yield open_one
    for terminal in opened:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.keyboard)


def test_a_shell_in_a_container_is_typed_at(at_terminal: Callable[..., Terminal]) -> None:
    terminal = at_terminal("run", "-it", "--rm", "busybox", "sh")
    terminal.until(PROMPT)
    terminal.type("echo $((6*7)) > /tmp/x; cat /tmp/x\n")
    terminal.until(b"\r\n42\r\n")
    terminal.until(PROMPT)
    terminal.type("exit 9\n")
    assert terminal.end() == 9


def test_ctrl_c_is_a_key_of_the_containers_terminal(at_terminal: Callable[..., Terminal]) -> None:
    terminal = at_terminal("run", "-it", "--rm", "busybox", "sh")
    terminal.until(PROMPT)
    terminal.type("sleep 1000\n")
    terminal.until(b"sleep 1000")
    time.sleep(0.2)
    terminal.type("\x03")
    terminal.until(PROMPT)
    terminal.type("exit\n")
    assert terminal.end() == 130


def test_the_container_knows_the_size_of_the_window_and_when_it_changes(at_terminal: Callable[..., Terminal]) -> None:
    terminal = at_terminal("run", "-it", "--rm", "busybox", "sh", rows=33, columns=101)
    terminal.until(PROMPT)
    terminal.type("until stty size | grep 101; do sleep 0.1; done\n")  # the client tells it once the shell runs
    terminal.until(b"\r\n33 101\r\n")
    terminal.until(PROMPT)
    terminal.resize(20, 60)
    asked = "until stty size | grep 60; do sleep 0.1; done"
    terminal.type(asked + "\n")
    terminal.until(asked.encode())
    terminal.until(b"\r\n")
    while not terminal.has_more(0.2):  # the client listens for the signal only after it has sent the first size
        os.kill(terminal.process.pid, signal.SIGWINCH)
    terminal.until(b"20 60\r\n")


def test_detach_keys_leave_the_container_running_and_attach_comes_back(
    at_terminal: Callable[..., Terminal], real_client: Served
) -> None:
    terminal = at_terminal("run", "-it", "--name", "box", "busybox", "sh")
    terminal.until(PROMPT)
    terminal.type("\x10\x11")
    terminal.end()
    assert real_client.ok("inspect", "-f", "{{.State.Status}}", "box") == "running\n"
    again = at_terminal("attach", "box")
    again.type("\n")
    again.until(PROMPT)
    again.type("exit 3\n")
    assert again.end() == 3


def test_an_exec_has_a_terminal_of_its_own(at_terminal: Callable[..., Terminal], real_client: Served) -> None:
    real_client.ok("run", "-dit", "--name", "box", "busybox", "sh")
    terminal = at_terminal("exec", "-it", "box", "sh")
    terminal.until(PROMPT)
    terminal.type("tty; exit 4\n")
    terminal.until(b"/dev/pts/")
    assert terminal.end() == 4


def test_a_signal_to_the_client_reaches_the_container(real_client: Served) -> None:
    real_client.ok("pull", "busybox")
    process = subprocess.Popen(
        ["docker", "-H", real_client.url, "run", "-i", "--rm", "busybox", "sh", "-c",
         "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 1; done"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == b"caught\n"
    process.stdin.close()
    process.stdout.close()
    assert process.wait(20) == 5
