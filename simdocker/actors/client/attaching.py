"""A conversation with a process in a container: what it writes comes to the terminal, what is typed goes to it.

Attach and exec open such a conversation (HTTP's 101 and two streams). What the process writes waits in the
stream until it is read, so the client may attach, start and only then read; typed input is carried by a
process of its own, because it may never come.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from simpy import Interrupt

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.terminal import Process, Terminal
from simdocker.api import Broken, Response, Stream
from simdocker.api.detachkeys import DetachKeys
from simdocker.api.messages import NO_QUERY
from simdocker.api.units import S

UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
STDERR = 2
WAIT_FAILED = 125


def print_output(terminal: Terminal, stream: Stream) -> Process:
    """Process: print a stream of (fd, bytes) until it ends, each part where it belongs."""
    out, err = terminal.out, terminal.err
    while (chunk := (yield from stream.read())) is not None:
        if chunk[0] == STDERR:
            err(chunk[1])
        else:
            out(chunk[1])


class Detached(CommandError):
    """The detach keys were typed: docker attach and exec fail with this, run and start just end."""

    def __init__(self) -> None:
        super().__init__("read escape sequence")


class Conversation:
    """The client's end of an attached container or exec. With `tty` every key goes to the other side's
    terminal as it is typed, except for the detach keys."""

    __slots__ = ("_cli", "_keys", "_output", "_typist", "typed")

    def __init__(self, cli: Cli, stdin: bool, tty: bool, detach_keys: str) -> None:
        self._cli = cli
        self._keys = DetachKeys(detach_keys) if stdin and tty else None
        self.typed = Stream(cli.env) if stdin else None
        self._output: Stream | None = None
        self._typist: Any = None

    def open(self, path: str, query: Mapping[str, str] = NO_QUERY, body: Any = None) -> Process:
        """Process: `POST path`, upgraded to two streams. Raises CommandError."""
        response = yield from self._cli.try_call("POST", path, query, body, UPGRADE, self.typed)
        if response.failed:  # Go's client does not read why an attach was refused
            refused = f"unable to upgrade to tcp, received {response.status}"
            raise CommandError(refused if body is None else error_text(response))
        self._output = response.stream
        if self._keys is not None:
            self._cli.terminal.set_raw(True)
        if self.typed is not None:
            self._typist = self._cli.env.process(self._type(self.typed))

    def listen(self) -> Process:
        """Process: print what comes until the other side has nothing more to say. Raises Detached."""
        if self._output is not None:
            with suppress(Broken):  # whoever asks for the exit code next will find out
                yield from print_output(self._cli.terminal, self._output)
        if self._keys is not None and self._keys.complete:
            raise Detached

    def finish_typing(self) -> Process:
        """Process: wait until standard input has ended."""
        if self._typist is not None and self._typist.is_alive:
            yield self._typist

    def close(self) -> None:
        """Hang up, and leave what has not been typed yet to whoever reads standard input next."""
        self._cli.terminal.on_resize(None)
        if self._keys is not None:
            self._cli.terminal.set_raw(False)
        typist = self._typist
        if typist is not None and typist.is_alive and typist is not self._cli.env.active_process:
            typist.interrupt()
        output = self._output
        if output is not None and not output.closed:
            output.cancel()

    def _type(self, typed: Stream) -> Process:
        terminal = self._cli.terminal
        try:
            while not typed.cancelled and (data := (yield from terminal.read_stdin())):
                if self._keys is not None:
                    data = self._keys.passed(data)
                    if self._keys.complete:  # the other side keeps its input open: someone may come back
                        assert self._output is not None
                        self._output.cancel()
                        return
                typed.write(data)
        except Interrupt:
            pass
        typed.close()


SIGNAL_NAMES = {1: "HUP", 2: "INT", 3: "QUIT", 10: "USR1", 12: "USR2", 15: "TERM"}


def proxy_signals(cli: Cli, id: str) -> None:
    """Signals to the command go to the container's main process instead (`--sig-proxy`), until
    `cli.terminal.on_signal(None)`."""

    def forward(number: int) -> None:
        cli.env.process(_kill(cli, id, SIGNAL_NAMES[number]))

    cli.terminal.on_signal(forward)


def _kill(cli: Cli, id: str, name: str) -> Process:
    yield from cli.try_call("POST", f"/containers/{id}/kill", {"signal": name})


def check_tty(cli: Cli, stdin: bool, tty: bool) -> None:
    """Input for a container's terminal must come from a terminal. Raises CommandError."""
    if stdin and tty and not cli.terminal.stdin_tty:
        raise CommandError("the input device is not a TTY")


def attach_query(stdin: bool, stdout: bool, stderr: bool, detach_keys: str) -> dict[str, str]:
    """The query of `POST /containers/{id}/attach`."""
    query = {"stream": "1"}
    if stdin:
        query["stdin"] = "1"
    if stdout:
        query["stdout"] = "1"
    if stderr:
        query["stderr"] = "1"
    if detach_keys:
        query["detachKeys"] = detach_keys
    return query


def follow_size(cli: Cli, path: str) -> Process:
    """Process: tell the daemon how big the terminal is (`POST path`, ending in /resize), and from then on how big it
    has become, until the conversation ends."""

    def tell() -> None:
        cli.env.process(_tell_size(cli, path))

    cli.terminal.on_resize(tell)
    yield from _tell_size(cli, path)


def _tell_size(cli: Cli, path: str) -> Process:
    size = {"h": str(cli.terminal.height), "w": str(cli.terminal.width)}
    yield from cli.try_call("POST", path, size)


def await_end(cli: Cli, id: str, auto_remove: bool) -> Process:
    """Process → Response: ask to be told when the container ends, or with --rm when it is gone. The
    answer's headers come at once: from then on no end can be missed."""
    condition = "removed" if auto_remove else "next-exit"
    return (yield from cli.call("POST", f"/containers/{id}/wait", {"condition": condition}))


def exit_status(cli: Cli, waiting: Response) -> Exit:
    """Process → the exit code that `await_end`'s answer brings, 125 when waiting failed."""
    stream = waiting.stream
    try:
        result = waiting.body if stream is None else (yield from stream.read())
    except Broken:
        from datetime import UTC, datetime

        stamp = datetime.fromtimestamp(now_ns(cli) // S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        cli.err(f'time="{stamp}" level=error msg="error waiting for container: unexpected EOF"\n')
        return WAIT_FAILED
    if result is None:
        return WAIT_FAILED
    if result.get("Error"):
        cli.err(f"Error waiting for container: {result['Error']['Message']}\n")
        return WAIT_FAILED
    return int(result["StatusCode"])
