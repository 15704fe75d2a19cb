"""What clients do to a world, and what the world does about it.

Everything that comes in from outside is one of five `Act`s. They are plain data, and nothing else enters:
a world is a function of its description, its seed and its acts, each at its instant. So a served world can be
lived through again (`ledger`). A request that only looks is none of them: the world goes on as if nobody had asked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from multidict import CIMultiDict
from simpy import Event

from simdocker.actors.wire import Unreachable
from simdocker.api import Broken, Request, Response, Stream
from simdocker.api.messages import Repeated
from simdocker.des.wall import WallClock

Call = Callable[[Request], Generator[Event, Any, Response]]
"""A process that carries a request to whoever answers it. Raises Unreachable when nobody does."""

END = object()


class Act(msgspec.Struct, tag=True, gc=False):
    """Something a client does. `visit` numbers its requests."""

    visit: int


class Ask(Act):
    """A request. A query's names may come several times; a POST, a CONNECT, or a GET that asks for a websocket, may be
    followed by what is typed."""

    method: str
    path: str
    query: dict[str, list[str]] = {}
    headers: list[tuple[str, str]] = []
    body: Any = None  # bytes; a Blob of many
    version: str = ""
    to: str = ""  # which of those who can be visited


class Read(Act):
    """Listen to the answer's stream."""


class Type(Act):
    """Bytes for the process at the other end."""

    data: bytes


class End(Act):
    """No more will be typed."""


class Leave(Act):
    """Hang up, before or in the middle of the answer."""


class Reached(Act):
    """Nobody's doing: the world has come so far when it told the client of the visit an answer or its end, and
    may not fall behind that again. Lived through again, it does so at the same instant."""


class Slept(msgspec.Struct, tag=True, gc=False):
    """Nobody's doing either: for `ns` nobody served the world, and then its clock was set to the time outside."""

    ns: int


Acts = Ask | Read | Type | End | Leave


class Caller(Protocol):
    """The client of a visit, as the world sees it."""

    def answered(self, response: Response) -> None:
        """The answer, or its head."""

    def unanswered(self, reason: str) -> None:
        """There is nobody to answer."""

    def told(self, chunk: Any) -> None:
        """A chunk of the answer's stream; END after the last."""


class Visit:
    """A request that has not ended: its caller (None: nobody is there to be told), what is typed, and from
    the answer on its stream. Whoever only `looks` is of no consequence."""

    __slots__ = ("answered", "caller", "gone", "looks", "stream", "typed")

    def __init__(self, caller: Caller | None, typed: Stream | None, looks: bool) -> None:
        self.caller = caller
        self.typed = typed
        self.looks = looks
        self.stream: Stream | None = None
        self.answered = self.gone = False


class Visits:
    """The visits to the actors of a world on `clock`, `ways` being the way to each. `reached(number, looks)` is called
    before a client is told an answer, or its end; what it raises (OSError) the client is told instead."""

    def __init__(self, clock: WallClock, ways: Mapping[str, Call], reached: Callable[[int, bool], None]) -> None:
        self.clock = clock
        self._ways = ways
        self._reached = reached
        self._open: dict[int, Visit] = {}

    @property
    def open(self) -> list[int]:
        """The visits that have not ended, the oldest first."""
        return list(self._open)

    def full(self, number: int) -> bool:
        """Whether much of what a visit has typed is not read yet."""
        visit = self._open.get(number)
        return visit is not None and visit.typed is not None and visit.typed.full

    def happen(self, act: Acts, caller: Caller | None = None, *, looks: bool = False) -> None:
        """Let a client act at this moment. What it does to a visit that has ended changes nothing."""
        if isinstance(act, Ask):
            typed = Stream(self.clock) if _talks(act) else None
            new = self._open[act.visit] = Visit(caller, typed, looks)
            self.clock.process(self._answer(act, new))
            return
        visit = self._open.get(act.visit)
        if visit is None:
            return
        if isinstance(act, Read):
            self.clock.process(self._carry(act.visit, visit))
        elif isinstance(act, Leave):
            self._leave(act.visit, visit)
        elif visit.typed is not None:
            if isinstance(act, Type):
                visit.typed.write(act.data)
            else:
                visit.typed.close()

    def _answer(self, ask: Ask, visit: Visit) -> Generator[Event, Any, None]:
        self.clock.working += 1
        try:
            response = yield from self._ways[ask.to](_request(ask, visit))
        except Unreachable as gone:
            del self._open[ask.visit]
            if visit.caller is not None:
                visit.caller.unanswered(gone.reason)
            return
        except Exception as fault:
            report(fault)
            response = Response(500, {"message": f"a fault of simdocker: {fault!r}"})
        finally:
            self.clock.working -= 1
            self.clock.stir()
        visit.answered = True
        visit.stream = response.stream
        try:
            self._reached(ask.visit, visit.looks)
        except OSError as error:
            response = not_kept(error)
        if visit.caller is not None:
            visit.caller.answered(response)
        if visit.gone or visit.stream is None:
            self._end(ask.visit, visit)

    def _carry(self, number: int, visit: Visit) -> Generator[Event, Any, None]:
        assert visit.stream is not None
        with suppress(Broken):  # to a client of the network this end looks like any other
            while (chunk := (yield from visit.stream.read())) is not None:
                if visit.caller is not None:
                    visit.caller.told(chunk)
        self._open.pop(number, None)
        with suppress(OSError):  # it was told an answer, and the rest cannot be taken back
            self._reached(number, visit.looks)
        if visit.caller is not None:
            visit.caller.told(END)

    def _leave(self, number: int, visit: Visit) -> None:
        """Whoever leaves unanswered is remembered until the answer comes: it may open a stream."""
        visit.gone = True
        if visit.answered:
            self._end(number, visit)

    def _end(self, number: int, visit: Visit) -> None:
        if visit.stream is not None:
            visit.stream.cancel()
        self._open.pop(number, None)


def _talks(ask: Ask) -> bool:
    """Whether it may become a conversation: a call of a port, a POST to the daemon, a GET that asks for a websocket."""
    if ask.method == "CONNECT":
        return True
    websocket = any(name.lower() == "upgrade" and value.lower() == "websocket" for name, value in ask.headers)
    return not ask.to and (ask.method == "POST" or websocket)


def _request(ask: Ask, visit: Visit) -> Request:
    query = {name: values[0] if len(values) == 1 else Repeated(values) for name, values in ask.query.items()}
    body = ask.body or None
    headers = CIMultiDict(ask.headers)
    size = len(body or b"")
    version, looks = ask.version, visit.looks
    return Request(ask.method, ask.path, query, body, headers, visit.typed, size, version=version, looks=looks)


def not_kept(error: OSError) -> Response:
    """What a client is told whose act, or whose answer, could not be kept."""
    return Response(500, {"message": f"simdocker cannot write to its data root: {error.strerror}"})


def report(fault: Exception) -> None:
    """Tell whoever runs the server, in a line."""
    print(f"simdocker: this is a fault of simdocker: {fault!r}", file=sys.stderr)
