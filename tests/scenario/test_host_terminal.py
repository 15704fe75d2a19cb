"""A person's session on a host: a terminal with a line discipline, and docker taking it raw.

What docker prints at the detach keys and at Ctrl-C was seen with docker 28.2 and busybox 1.35 on a
real pseudo-terminal.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simdocker.des.clock import S
from simdocker.scenario.load import from_lines
from simdocker.scenario.world import World

Keys = tuple[int, bytes]


class Seat:
    """Someone at the laptop's terminal."""

    def __init__(self) -> None:
        self.world = World.build(from_lines("true", "nothing"))
        self.screen = b""
        self.session = self.world.session("laptop", self._show, terminal=True)

    def _show(self, fd: int, data: bytes) -> None:
        self.screen += data

    def type(self, line: str, keys: Sequence[Keys] = ()) -> tuple[int, str]:
        """Type a line, then each of `keys` so many ns after the one before → exit code, what the screen shows."""
        self.screen = b""
        env, terminal = self.world.env, self.session.terminal
        assert terminal is not None
        running = self.session.start(line)
        for wait, typed in keys:
            env.run(until=env.now + wait)
            terminal.typed(typed)
        env.run(until=running.done)
        return running.exit_code, self.screen.decode()


@pytest.fixture
def seat() -> Seat:
    seat = Seat()
    seat.type("docker pull -q busybox")
    return seat


def test_ctrl_c_ends_the_whole_line(seat: Seat) -> None:
    assert seat.type("sleep 100; echo after", [(S, b"\x03")]) == (130, "^C\r\n")
    assert seat.world.env.now < 60 * S


def test_ctrl_c_ends_a_loop_that_starts_no_process(seat: Seat) -> None:
    assert seat.type("while :; do :; done", [(S, b"\x03")]) == (130, "^C\r\n")


def test_a_line_is_echoed_edited_and_handed_over_whole(seat: Seat) -> None:
    keys = [(S, b"hx\x7fi"), (S, b"\n"), (S, b"\x04")]
    assert seat.type("cat", keys) == (0, "hx\b \bi\r\nhi\r\n")


def test_a_multibyte_character_is_rubbed_out_whole(seat: Seat) -> None:
    assert seat.type("cat", [(S, "é".encode()), (S, b"\x7f\x15\n"), (S, b"\x04")])[1].endswith("\b \b\r\n\r\n")


def test_a_command_that_is_not_there_is_reported_as_at_a_prompt(seat: Seat) -> None:
    assert seat.type("frobnicate") == (127, "bash: frobnicate: command not found\r\n")


def test_run_it_hands_every_key_to_the_container(seat: Seat) -> None:
    keys = [(S, b"echo hi; sleep 100; echo after\n"), (S, b"\x03"), (S, b"echo $?\n"), (S, b"\x04")]
    code, screen = seat.type("docker run -it busybox sh", keys)
    echoed = "/ # echo hi; sleep 100; echo after\r\nhi\r\n^C\r\n/ # echo $?\r\n130\r\n/ # \r\n"
    assert (code, screen.endswith(echoed)) == (0, True), screen
    terminal = seat.session.terminal
    assert terminal is not None and not terminal.raw


def test_the_detach_keys_leave_the_container_running(seat: Seat) -> None:
    code, screen = seat.type("docker run -it --name web busybox sh", [(S, b"\x10x\x15"), (S, b"\x10"), (S, b"\x11")])
    assert code == 0 and "read escape" not in screen
    assert seat.type("docker inspect -f '{{.State.Running}}' web") == (0, "true\r\n")
    assert seat.type("docker attach web", [(S, b"\x10\x11")]) == (1, "read escape sequence\r\n")
    assert seat.type("docker exec -it web cat", [(S, b"\x10\x11")]) == (1, "read escape sequence\r\n")
    assert seat.type("docker attach --detach-keys x web", [(S, b"echo $((6*7))\n"), (S, b"x")])[1].count("42") == 1


def test_detach_keys_that_are_none_are_refused(seat: Seat) -> None:
    refused = (1, "unable to upgrade to tcp, received 400\r\n")
    assert seat.type("docker run -it --detach-keys ctrl-1 --name web busybox sh") == refused
    seat.type("docker start web")
    refused = (1, "Error response from daemon: Invalid escape keys (ctrl-1) provided\r\n")
    assert seat.type("docker exec -it --detach-keys ctrl-1 web sh") == refused


def test_ctrl_c_follows_a_log_no_longer(seat: Seat) -> None:
    seat.type("docker run -d --name web busybox sh -c 'while sleep 1; do echo tick; done'")
    assert seat.type("docker logs -f web", [(4 * S, b"\x03")]) == (130, "tick\r\n" * 4 + "^C\r\n")


def test_the_third_ctrl_c_ends_a_client_whose_container_ignores_it(seat: Seat) -> None:
    code, screen = seat.type("docker run --name deaf busybox sleep 100", [(S, b"\x03")] * 3)
    assert (code, screen) == (1, "^C^C^C\r\ngot 3 SIGTERM/SIGINTs, forcefully exiting\r\n")
    assert seat.type("docker inspect -f '{{.State.Running}}' deaf") == (0, "true\r\n")


def test_input_without_a_terminal_in_the_container_goes_by_lines(seat: Seat) -> None:
    assert seat.type("docker run --rm -i busybox cat", [(S, b"hello\n"), (S, b"\x04")]) == (0, "hello\r\nhello\r\n")


def test_a_here_document_in_a_containers_shell_is_read_to_its_end(seat: Seat) -> None:
    keys = [(S, b"cat <<E\n"), (S, b"in\n"), (S, b"E\n"), (S, b"echo a \\\n"), (S, b"b\n"), (S, b"\x04")]
    screen = seat.type("docker run -it busybox sh", keys)[1]
    assert "> in\r\n> E\r\nin\r\n" in screen and "a b\r\n" in screen
