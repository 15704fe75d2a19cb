"""What clients did to a served world, on disk, so that the world is there again after a restart.

The ledger of a world is not its state. A SimPy process is a suspended Python generator and cannot be stored;
but the world is deterministic, so it is enough to keep its description and each act of a client with its
instant. Living through them again, without anybody waiting, gives the same world, running containers included.
An act is written before it happens, and how far the world had come before a client is told of it: what was
answered is never lost when the process is killed (a loss of power may cost the last moments: the disk is not asked
to flush). A request that only looks is not recorded, so whoever asks `docker ps` every second for days does not make
the next start slow; how far the world had come for it, or when it was ended on purpose, is a number in a file beside.
While nobody serves the world, it sleeps as a laptop does whose lid is closed: nothing happens in it, its running
processes are afterwards as far from everything they wait for as before, and its clock is set.

A record is its length and its CRC-32 (4 bytes each, big-endian) and a MessagePack value: the `Description`
first, then `Entry`s. Half a record at the end is what a killed process was writing; it is cut off. The file
beside is an instant (8 bytes) and its CRC-32.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from simdocker.des.wall import Astray, WallClock
from simdocker.errors import UserError
from simdocker.server.visits import Acts, Reached, Slept

FILE, BESIDE = "ledger", "reached"
OF_A_REAL_ONE = "world.json"  # backends.linux.dataroot.WORLD
OPTIONS = (
    ("--world", "scenario"), ("--on", "host"), ("--seed", "seed"), ("--profile", "profile"),
    ("--registry", "registry"),  # the world has one more registry, which is called after its port
)  # fmt: skip
HEAD = 8
QUICK_S = 1.0  # living through a ledger that takes longer says how far it is
OFTEN = 1_000  # records, after which the time is looked at
_encode = msgspec.msgpack.Encoder(enc_hook=bytes).encode  # a Blob is what it says


class Description(msgspec.Struct):
    """Which world it is: the scenario's text and where it came from (None: the default world), the host whose
    daemon is visited, seed, profile, the name of the registry that is added for real clients, the clock's first instant
    (ns since the simulated epoch), and the version of simdocker in which it lives."""

    start_ns: int
    version: str
    scenario: str | None = None
    text: str = ""
    host: str | None = None
    seed: int | None = None
    profile: str | None = None
    registry: str | None = None  # the door to the registries


class Entry(msgspec.Struct, array_like=True, gc=False):
    """An act that came at the instant `at_ns` of the world."""

    at_ns: int
    act: Acts | Reached | Slept


_read_description = msgspec.msgpack.Decoder(Description).decode
_read_entry = msgspec.msgpack.Decoder(Entry).decode


class Ledger:
    """The file of one world in a directory, held by one process. `description` is None until there is a world."""

    def __init__(self, directory: Path) -> None:
        """Raises UserError where there cannot be one, or where another process holds it."""
        self.directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (directory / OF_A_REAL_ONE).exists():
                raise UserError(f"--data-root {directory}: the world in it has real containers; add --backend linux")
            file = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)  # passwords are in it
            self._file = os.fdopen(file, "a+b", buffering=0)
            self._beside = os.open(directory / BESIDE, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                raise UserError(f"--data-root {directory}: another simdocker serves the world in it") from None
        except OSError as error:
            raise UserError(f"--data-root {directory}: {error.strerror}") from None
        self._records = self._read()
        head = next(self._records, b"")
        self.description: Description | None = None
        self._new = False  # its world has never been served
        if os.fstat(self._file.fileno()).st_size:
            try:
                self.description = _read_description(head)
            except msgspec.MsgspecError:
                self.close()
                raise UserError(f"--data-root {directory}: the file {FILE} in it is not a ledger") from None

    def described(self, asked: Description) -> Description:
        """The world to serve: the recorded one, or when there is none the one that is asked for. Raises
        UserError for what is asked of a recorded one and is not so."""
        kept = self.description
        if kept is None:
            return asked
        for option, name in OPTIONS:
            value, there = getattr(asked, name), getattr(kept, name)
            differs = asked.text != kept.text if name == "scenario" else value != there
            if value is not None and differs:
                raise UserError(
                    f"--data-root {self.directory}: the world in it was made with another {option}; "
                    f"leave {option} out, or name an empty directory"
                )
        return kept

    def begin(self, description: Description) -> None:
        """It is the ledger of this world. Raises UserError."""
        if self.description is None:
            try:
                self.reached(0)  # and so there is room for it
                self._write(description)
            except OSError as error:
                raise UserError(f"--data-root {self.directory}: {error.strerror}") from None
            self.description = description
            self._new = True

    def relive(self, clock: WallClock, happen: Callable[[Acts], None], told: Mapping[int, int]) -> None:
        """Let everything that is recorded happen again, at once. `told` is when each visit has been told something
        in the meantime. Raises UserError when the world goes another way than it did: what was recorded was done to
        another."""
        size, patience = os.fstat(self._file.fileno()).st_size, time.monotonic() + QUICK_S
        for number, record in enumerate(self._records, 1):
            if number % OFTEN == 0 and time.monotonic() > patience:
                patience = time.monotonic() + QUICK_S
                done = 100 * self._file.tell() // size
                print(f"simdocker: living through what was done to the world… {done} %", file=sys.stderr, flush=True)
            try:
                entry = _read_entry(record)
                match entry.act:
                    case Reached(visit):
                        clock.live_until(entry.at_ns)
                        if told.get(visit) != entry.at_ns:
                            raise Astray(f"visit {visit} is answered at {told.get(visit)} ns and not at {entry.at_ns}")
                    case Slept(ns):
                        clock.live_until(entry.at_ns)
                        clock.sleep(ns)
                    case act:
                        clock.live_through(entry.at_ns, happen, act)
            except (msgspec.MsgspecError, Astray) as reason:
                raise UserError(
                    f"--data-root {self.directory}: its world cannot be lived through again from act {number} on "
                    f"({reason}): use the simdocker that made it, {self.description and self.description.version}, "
                    "or another directory"
                ) from None
        clock.live_until(self._reached())
        whole = self._file.tell()
        if os.fstat(self._file.fileno()).st_size > whole:
            print(
                f"simdocker: --data-root {self.directory}: the last act in it was kept by half when serve was killed; "
                "it had not been answered, and is cut off",
                file=sys.stderr,
            )
        self._file.truncate(whole)

    def wake(self, clock: WallClock, today: int) -> int:
        """Set the clock of a world that has been lived through again to the time outside, unless it is ahead of that;
        returns the ns it slept. Raises UserError."""
        slept = today - clock.now
        if self._new or slept <= 0:
            return 0
        try:
            self._write(Entry(clock.now, Slept(slept)))
        except OSError as error:
            raise UserError(f"--data-root {self.directory}: {error.strerror}") from None
        clock.sleep(slept)
        return slept

    def end(self, clock: WallClock) -> None:
        """The world ends for now: keep how far it has come. Raises UserError."""
        try:
            self.reached(int(min(clock.now, clock.peek())))
        except OSError as error:
            raise UserError(
                f"--data-root {self.directory}: {error.strerror}; its world comes back as it was at the last answer"
            ) from None

    def write(self, entry: Entry) -> None:
        """Keep an act. Raises OSError."""
        self._write(entry)

    def reached(self, at_ns: int) -> None:
        """Keep how far the world has come. Raises OSError."""
        instant = at_ns.to_bytes(8, "big")
        os.pwrite(self._beside, instant + zlib.crc32(instant).to_bytes(4, "big"), 0)

    def close(self) -> None:
        self._file.close()
        os.close(self._beside)

    def _write(self, value: Description | Entry) -> None:
        data = _encode(value)
        record = b"".join((len(data).to_bytes(4, "big"), zlib.crc32(data).to_bytes(4, "big"), data))
        begin = self._file.seek(0, os.SEEK_END)
        rest = memoryview(record)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(begin)
            raise

    def _reached(self) -> int:
        data = os.pread(self._beside, 12, 0)
        return int.from_bytes(data[:8], "big") if zlib.crc32(data[:8]).to_bytes(4, "big") == data[8:] else 0

    def _read(self) -> Iterator[bytes]:
        """The records up to the end, or to half a record, where the file then stands. Raises UserError."""
        file = self._file
        size = file.seek(0, os.SEEK_END)
        begin = file.seek(0)
        while size - begin >= HEAD:
            head = file.read(HEAD)
            length, checksum = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
            if size - begin - HEAD < length:
                break
            data = file.read(length)
            if zlib.crc32(data) != checksum:
                raise UserError(f"--data-root {self.directory}: the file {FILE} in it is damaged at byte {begin}")
            begin += HEAD + length
            yield data
        file.seek(begin)
