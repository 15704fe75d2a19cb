"""The record every actor writes to: one append-only list of small slotted facts.

A record names the record that made it happen (`cause_seq`), so a sequence chart has real arrows.
The cause travels with the simulated process the way a trace id travels in a context variable: what a
process does next, its last record made happen; a new process inherits it; who waits for another, for
an answer or for an end takes it over from there (`Environment.cause`).
Nothing here formats text for people; readers do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import IO, Any, Protocol

import msgspec

from simdocker.des import Environment

MESSAGE, STATE, STEP, NOTE = "message", "state", "step", "note"
PLAYER = "player"
"""Who types: the scenario's player, or a person at a prompt; readers need not tell them apart."""
ROOT = -1  # the cause of a record that nothing in the trace made happen


class Record(msgspec.Struct, gc=False):
    """One fact. `kind` is `message` (who → `attrs["to"]`), `state` (an object changed), `step`
    (what the kernel did or would do) or `note`. `span` is the `seq` of the message under whose
    handling the record was written, or `ROOT`."""

    seq: int
    t_ns: int
    actor: str
    kind: str
    what: str
    cause_seq: int
    span: int
    attrs: Mapping[str, Any] | None = None


Listener = Callable[[Record], None]


class Emit(Protocol):
    """Writes a record of one kind: `Trace.emit` without its first parameter."""

    def __call__(
        self, actor: str, what: str, attrs: Mapping[str, Any] | None = None, cause: int | None = None
    ) -> int: ...


class Trace:
    """Append-only; every reader (console, chart, comparison, export) reads `records`, or listens.

    With `keep` False nothing is kept: in a large world the records of a run are most of its memory, and
    who only wants them in a file or on a screen can do without.
    """

    __slots__ = ("_count", "_keep", "_listener", "_write", "env", "note", "records", "state", "step")

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.records: list[Record] = []
        self._keep = True
        self._listener: Listener | None = None
        self._count = 0
        self._write: Listener = self.records.append  # where a record goes: settled when that changes, not each time
        # `emit` of each kind, without a Python function between:
        self.state: Emit = partial(self.emit, STATE)  # an object changed: `container/web` became `running`
        self.step: Emit = partial(self.emit, STEP)  # what the kernel did or would do: `mount overlay`
        self.note: Emit = partial(self.emit, NOTE)  # a remark for readers: a command, a fault

    @property
    def keep(self) -> bool:
        """Whether records are kept in `records`."""
        return self._keep

    @keep.setter
    def keep(self, keep: bool) -> None:
        self._keep = keep
        self._settle()

    @property
    def is_read(self) -> bool:
        """Whether records are kept or listened to: what is only found out for them is not worth it otherwise."""
        return self._keep or self._listener is not None

    @property
    def listener(self) -> Listener | None:
        """What is called with each record as it is written, for live output."""
        return self._listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._listener = listener
        self._settle()

    def _settle(self) -> None:
        append, listener = self.records.append, self._listener

        def both(record: Record) -> None:
            append(record)
            listener(record)  # type: ignore[misc]

        if self._keep:
            self._write = append if listener is None else both
        else:
            self._write = _drop if listener is None else listener

    def listen(self, listener: Listener) -> None:
        """Call `listener` with each record from now on, after who listens already."""
        before = self.listener

        def both(record: Record) -> None:
            before(record)  # type: ignore[misc]
            listener(record)

        self.listener = listener if before is None else both

    def emit(
        self,
        kind: str,
        actor: str,
        what: str,
        attrs: Mapping[str, Any] | None = None,
        cause: int | None = None,
        span: int | None = None,
    ) -> int:
        """Write one record and return its `seq`. `attrs` is given away (never changed later).

        Its cause is the running process's, whose cause it becomes; one that is given (`cause`: something
        outside the running process made it happen) leaves the process's as it is. So it is with the span.
        """
        env = self.env
        seq = self._count
        self._count = seq + 1
        process: Any = env._active_proc  # `env.cause` and `env.now` without two property calls: every fact passes here
        if span is None:
            span = env.span if process is None else process.span
        if cause is None:
            if process is None:
                cause = env._cause
            else:
                cause = process.cause
                process.cause = seq
        self._write(Record(seq, env._now, actor, kind, what, cause, span, attrs))
        return seq

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def dump(self, file: IO[bytes]) -> None:
        """Write the trace as JSON lines, one record a line, keys in the order of the fields."""
        write = writer(file)
        for record in self.records:
            write(record)


def _drop(record: Record) -> None:
    """Nobody keeps the record and nobody listens."""


def writer(file: IO[bytes]) -> Listener:
    """What writes a record to the file as one line."""
    encode, write = msgspec.json.Encoder(order="deterministic", enc_hook=_plain).encode, file.write

    def line(record: Record) -> None:
        write(encode(record) + b"\n")

    return line


def _plain(value: object) -> object:
    """A text that is also something else, such as a repeated parameter, is written as the text it is."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"a record holds a {type(value).__name__}")


def load(file: IO[bytes]) -> list[Record]:
    """Read the records that `Trace.dump` wrote."""
    decode = msgspec.json.Decoder(Record).decode
    return [decode(line) for line in file if line.strip()]
