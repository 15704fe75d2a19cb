"""How a record reads: streams by their beginning and end, packets until there were enough of a kind."""

from __future__ import annotations

from typing import Any

from simdocker.cli.recordline import ENOUGH, RecordLines
from simdocker.trace import MESSAGE, NOTE, STEP, Record

ATTACH = "/containers/" + 64 * "a" + "/attach"


def shown(*records: tuple[str, str, str, dict[str, Any]]) -> list[str]:
    lines = RecordLines(many_hosts=False)
    drawn = [lines.line(Record(n, 0, actor, kind, what, -1, 1, attrs), 0) for n, (kind, actor, what, attrs)
             in enumerate(records)]  # fmt: skip
    return [line.plain.strip().removeprefix("0 s").strip() for line in drawn if line is not None]


def piece(what: str, size: int, **more: object) -> tuple[str, str, str, dict[str, Any]]:
    return MESSAGE, "daemon@laptop", what, {"to": "client@laptop", "of": ATTACH, "bytes": size, **more}


def test_a_stream_shows_its_first_piece_and_how_much_it_was_in_all() -> None:
    assert shown(piece("data", 20), piece("data", 30), piece("end of stream", 50)) == [
        "daemon → client    data  20 B, of /containers/aaaaaaaaaaaa/attach",
        "daemon → client    end of stream  50 B in all, of /containers/aaaaaaaaaaaa/attach",
    ]


def test_the_end_of_a_wait_says_the_exit_code() -> None:
    (line,) = shown(piece("end of stream", 30, status=3))
    assert "end of stream  exit code 3, " in line


def test_packets_that_are_alike_are_shown_until_it_is_enough_and_again_in_the_next_command() -> None:
    echo = (MESSAGE, "host@laptop", "echo request", {"to": "container/web", "address": "172.17.0.2"})
    command = (NOTE, "player", "command", {"line": "ping", "on": "laptop"})
    assert len(shown(*[echo] * 10)) == ENOUGH
    assert len(shown(*[echo] * 10, command, echo)) == ENOUGH + 1


def test_a_call_says_where_a_published_port_leads_it() -> None:
    attrs = {"to": "container/web", "address": "10.10.0.11:8080", "dnat": "172.17.0.2:80"}
    assert shown((MESSAGE, "host@laptop", "connect", attrs)) == [
        "host → container/web  connect  10.10.0.11:8080, a DNAT rule makes that 172.17.0.2:80"
    ]


def kernel_step(what: str, width: int, **attrs: object) -> str:
    lines = RecordLines(many_hosts=False, width=width)
    line = lines.line(Record(0, 0, "kernel@laptop", STEP, what, -1, 1, {"container": 64 * "a", **attrs}), 0)
    assert line is not None
    return line.plain


def test_a_step_of_a_real_kernel_shows_what_it_was_called_with_and_what_it_took() -> None:
    mount = kernel_step("mount tmpfs", 0, ns=38_000, args=["tmpfs", "/dev", "tmpfs", 0x1000002, "mode=755", ""])
    assert mount.endswith("· mount tmpfs  /dev 0x1000002 mode=755  38 µs")
    execve = kernel_step("execve", 0, ns=1_500_000, args=[["echo", "hello there"], {"HOME": "/root"}], pid=7)
    assert execve.endswith("· execve  echo 'hello there'  1.5 ms")


def test_what_the_name_of_a_step_says_is_not_said_again_and_numbers_are_counted() -> None:
    assert kernel_step("mask /proc/kcore", 0, ns=8_000, args=["/proc/kcore"]).endswith("· mask /proc/kcore  8 µs")
    bounding = kernel_step("drop bounding set", 80, ns=9_000, args=[[*range(27)]])
    assert bounding.endswith("· drop bounding set  27 of them  9 µs")


def test_a_long_path_of_a_step_is_shown_by_its_ends_and_its_duration_stays() -> None:
    path = "/sys/fs/cgroup/memory/simdocker/0123abcd/" + 12 * "f" + "/memory.limit_in_bytes"
    line = kernel_step("cgroup memory.limit_in_bytes", 90, ns=12_000, args=[path, "67108864"], ahead=True)
    assert len(line) <= 90
    assert line.endswith("67108864  12 µs, made ahead")
    assert "…" in line
