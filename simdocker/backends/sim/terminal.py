"""The ends of a container's standard streams, and its pseudo-terminal (tty_ioctl(4)).

Without a terminal, what a process writes goes straight to the engine's output callback, and what
the client sends is pumped into a pipe. With one, a line discipline stands between: input is echoed
and delivered by lines, Ctrl-C and Ctrl-\\ are signals, Ctrl-D at the start of a line is the end,
and a newline written comes out as carriage return and newline. A program that wants every byte as
it is typed and none of this, such as `docker run -it`, makes it raw.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.api.streams import Stream
from simdocker.backends.sim import signals
from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.pipe import CAPACITY, Pipe
from simdocker.backends.sim.program import Blocking

if TYPE_CHECKING:
    from simdocker.backends.ports import Output
    from simdocker.backends.sim.kernel import Container, Kernel
    from simdocker.des import Environment

LINE_NS, BYTE_NS = 3_600, 40
"""What dockerd takes for a line of output, and for each byte of it, until json-file and the client have it
(measured: a million lines of three bytes in 3.7 s, 20 MB in lines of a hundred bytes in 1.6 s)."""

INTERRUPT, END, BACKSPACE, TAB, QUIT, KILL_LINE, DELETE = 3, 4, 8, 9, 28, 21, 127


class Sink(OpenFile):
    """A standard output or error that leads to the engine."""

    __slots__ = ("fd", "output")

    def __init__(self, path: str, fd: int, output: Output) -> None:
        super().__init__(path)
        self.fd = fd
        self.output = output

    def put(self, data: bytes) -> None:
        if data:
            self.output(self.fd, bytes(data))


class EnginePipe(Sink):
    """The pipe to the engine, which takes the lines out of it at its own pace: who writes faster than
    that waits as soon as the pipe is full."""

    __slots__ = ("_empty_at", "_env")

    def __init__(self, path: str, fd: int, output: Output, env: Environment) -> None:
        self.path = path  # without two calls of super(): every container has two of these
        self.references = 1
        self.fd = fd
        self.output = output
        self._env = env
        self._empty_at = 0

    def write(self, data: bytes) -> Blocking:
        self.put(data)
        now = int(self._env.now)
        cost = len(data) * BYTE_NS + data.count(b"\n") * LINE_NS
        self._empty_at = max(self._empty_at, now) + cost
        room = CAPACITY * cost // (len(data) or 1)  # how long it takes to empty a pipe full of the like
        if self._empty_at - now > room:
            yield self._env.timeout(self._empty_at - now - room)
        return len(data)


class Source(OpenFile):
    """A standard input fed by the client. Pumping starts with the first read: most never read."""

    __slots__ = ("_pipe", "stream")

    def __init__(self, kernel: Kernel, stream: Stream) -> None:
        self._pipe = Pipe(kernel.env, kernel.next_pipe(), kernel.broken_pipe)
        super().__init__(f"pipe:[{self._pipe.number}]")
        self.stream: Stream | None = stream

    def ready(self) -> bool:
        self._start_pumping()
        return bool(self._pipe.buffer) or not self._pipe.writers

    def changed(self) -> Event:
        return self._pipe.changed()

    def read(self, size: int = -1) -> Blocking:
        self._start_pumping()
        data = yield from _take(self._pipe, size)
        return data

    def _start_pumping(self) -> None:
        stream, self.stream = self.stream, None
        if stream is not None:
            self._pipe.writers = 1
            self._pipe.env.process(_pump(stream, self._arrived))

    def _arrived(self, chunk: bytes | None) -> None:
        if chunk is None:
            self._pipe.writers = 0
        else:
            self._pipe.buffer += chunk
        self._pipe.wake()


class Terminal(OpenFile):
    """A pseudo-terminal: the slave side that a container's processes read and write.

    `interrupt(number)` sends a signal to the foreground processes.
    """

    __slots__ = ("_ends", "_line", "_pipe", "columns", "interrupt", "output", "raw", "rows")

    def __init__(self, kernel: Kernel, path: str, output: Output, interrupt: Callable[[int], None]) -> None:
        super().__init__(path)
        self.output = output
        self.interrupt = interrupt
        self.rows = self.columns = 0
        self.raw = False
        self._pipe = Pipe(kernel.env, kernel.next_pipe(), kernel.broken_pipe)
        self._pipe.writers = 1
        self._line = bytearray()
        self._ends = 0  # ends of file typed and not yet read

    def listen(self, stream: Stream) -> None:
        """Take what the client types from `stream`."""
        self._pipe.env.process(_pump(stream, self.typed))

    def isatty(self) -> bool:
        return True

    def ready(self) -> bool:
        return bool(self._pipe.buffer or self._ends) or not self._pipe.writers

    def changed(self) -> Event:
        return self._pipe.changed()

    def read(self, size: int = -1) -> Blocking:
        pipe = self._pipe
        while not pipe.buffer:
            if self._ends:
                self._ends -= 1
                return b""
            if not pipe.writers:
                return b""
            yield pipe.changed()
        newline = 0 if self.raw else pipe.buffer.find(b"\n") + 1
        newline = newline or len(pipe.buffer)
        data = yield from _take(pipe, newline if size < 0 else min(size, newline))
        return data

    def put(self, data: bytes) -> None:
        if data:
            self.output(1, bytes(data) if self.raw else bytes(data).replace(b"\n", b"\r\n"))

    @property
    def awaited(self) -> bool:
        """Whether a process waits for something to be typed."""
        return self._pipe.awaited

    def forget(self) -> None:
        """Drop what was typed and nobody has read (tcflush(3))."""
        self._line.clear()
        self._pipe.buffer.clear()
        self._ends = 0

    def typed(self, chunk: bytes | None) -> None:
        """Keys arrive; None: the line was hung up. In canonical mode, the line discipline."""
        if chunk is None:
            self._pipe.writers = 0
            self._pipe.wake()
            return
        if self.raw:
            self._pipe.buffer += chunk
            self._pipe.wake()
            return
        echo = bytearray()
        line = self._line
        for byte in chunk:
            if byte in (INTERRUPT, QUIT):
                line.clear()
                self.output(1, bytes(echo) + (b"^C" if byte == INTERRUPT else b"^\\"))
                echo.clear()
                self.interrupt(signals.INT if byte == INTERRUPT else signals.QUIT)
            elif byte in (BACKSPACE, DELETE):
                echo += _rub_out(line)
            elif byte == KILL_LINE:
                while line:
                    echo += _rub_out(line)
            elif byte == END:
                if not line:
                    self._ends += 1
                self._flush()
            elif byte in b"\r\n":
                echo += b"\r\n"
                line += b"\n"
                self._flush()
            else:
                line.append(byte)
                echo += b"^%c" % (byte ^ 64) if byte < 32 and byte != TAB else b"%c" % byte  # ECHOCTL
        if echo:
            self.output(1, bytes(echo))

    def _flush(self) -> None:
        self._pipe.buffer += self._line
        self._line.clear()
        self._pipe.wake()


def _rub_out(line: bytearray) -> bytes:
    """Take the last character off a line (IUTF8: of one or more bytes) → what takes it off the screen."""
    if not line:
        return b""
    while line[-1] & 0xC0 == 0x80 and len(line) > 1:
        line.pop()
    byte = line.pop()
    return b"\b \b" * (2 if byte < 32 and byte != TAB else 1)


def signal_users(container: Container, terminal: Terminal, number: int) -> None:
    """A signal typed at a terminal, to every process that has it open."""
    for process in [container.pids.processes[pid] for pid in sorted(container.pids.processes)]:
        if terminal in process.fds.values():
            process.deliver(number)


def _take(pipe: Pipe, size: int) -> Generator[Event, Any, bytes]:
    """Process → bytes: wait for some and take at most `size`."""
    while not pipe.buffer:
        if not pipe.writers or size == 0:
            return b""
        yield pipe.changed()
    count = len(pipe.buffer) if size < 0 else min(size, len(pipe.buffer))
    data = bytes(pipe.buffer[:count])
    del pipe.buffer[:count]
    return data


def _pump(stream: Stream, arrived: Callable[[bytes | None], None]) -> Generator[Event, Any, None]:
    """Process: hand on each chunk of the stream, then None at its end."""
    while True:
        chunk = yield from stream.read()
        arrived(chunk)
        if chunk is None:
            return
