"""How the chunks of a stream travel: at once on one host, over links as TCP takes them.

What was written at the same instant travels together and is one record of the trace, written when
it comes. Over links it goes as TCP has it (`Network.carry`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event

from simdocker.api import Framing
from simdocker.des.network import BULK
from simdocker.trace import MESSAGE

if TYPE_CHECKING:
    from simdocker.api import Stream
    from simdocker.api.streams import Chunk
    from simdocker.des.network import Network
    from simdocker.trace import Trace

FRAME = 8  # bytes before each chunk of a multiplexed stream
MULTIPLEXED = Framing.MULTIPLEXED
SPOKEN = (None, MULTIPLEXED, Framing.RAW)  # what people and processes say; other streams are an answer in instalments

encoded = msgspec.json.Encoder().encode

Process = Generator[Event, Any, None]


class Carriage(msgspec.Struct, eq=False):
    """Carries one stream from `sender` on host `here` to `receiver` on host `there`. `call` is the request
    that opened it, `sent` its record; `framing` None is for what a client types."""

    trace: Trace
    network: Network
    sender: str
    here: str
    receiver: str
    there: str
    call: str
    sent: int
    framing: Framing | None
    bytes: int = 0  # that have come
    arrived_ns: int = 0  # when the last piece came
    last: Any = None  # the last chunk, of an answer in instalments
    over: bool = False

    def bring(self, stream: Stream) -> Generator[Event, Any, int]:
        """Process → how many chunks have come."""
        chunks = stream.chunks
        count, size = len(chunks), 0
        for _, chunk, _ in chunks:
            size += self._size(chunk)
        if self.here != self.there:
            if size < BULK:
                count, size = self._together(chunks)
            yield from self._travel(chunks[0][0], size)
            if not chunks:
                return 0
        self.bytes += size
        written_at, self.last, cause = chunks[count - 1]
        if stream.closed and count == len(chunks) and stream.closed_at == written_at and not stream.broken:
            self._end(stream)
        elif self.framing in SPOKEN:
            self._tell("data", {"bytes": size}, cause)
        else:
            self.trace.env.follow(cause)
        return count

    def finish(self, stream: Stream) -> Process:
        """Process: the end comes."""
        if not self.over:
            if self.here != self.there:
                yield from self._travel(stream.closed_at, 0)
            self._end(stream)

    def hang_up(self) -> None:
        """The receiver closes the connection."""
        if not self.over:
            self.over = True
            what = {"to": self.sender, "of": self.call, "bytes": self.bytes}
            self.trace.env.follow(self.sent)  # who reads from outside the world has no other reason
            self.trace.emit(MESSAGE, self.receiver, "hang up", what, span=self.sent)

    def _together(self, chunks: deque[Chunk]) -> tuple[int, int]:
        """How many chunks were written at the same instant as the first, and their bytes."""
        written_at = chunks[0][0]
        sizes = [self._size(chunk) for _, chunk, _ in takewhile(lambda chunk: chunk[0] == written_at, chunks)]
        return len(sizes), sum(sizes)

    def _travel(self, written_at: int, size: int) -> Process:
        yield from self.network.carry(self.here, self.there, size, written_at, self.arrived_ns)
        self.arrived_ns = self.trace.env.now

    def _end(self, stream: Stream) -> None:
        self.over = True
        what: dict[str, Any] = {"bytes": self.bytes}
        if stream.broken:
            what["broken"] = True
        if isinstance(self.last, dict) and "StatusCode" in self.last:  # of /wait: what it was all about
            what["status"] = self.last["StatusCode"]
        self._tell("end of stream", what, stream.end_cause)

    def _tell(self, what: str, attrs: dict[str, Any], cause: int) -> None:
        """Write that it has come, which makes the reader go on. What a timer did (no cause) the request asked for."""
        trace, sent = self.trace, self.sent
        attrs["to"], attrs["of"] = self.receiver, self.call
        trace.env.follow(trace.emit(MESSAGE, self.sender, what, attrs, cause if cause >= 0 else sent, sent))

    def _size(self, chunk: Any) -> int:
        """Bytes on the wire."""
        if isinstance(chunk, bytes):
            return len(chunk)
        if isinstance(chunk, tuple):
            return len(chunk[1]) + (FRAME if self.framing is MULTIPLEXED else 0)
        return len(encoded(chunk)) + 1
