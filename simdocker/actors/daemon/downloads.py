"""Layer downloads: at most three at a time per daemon, each watched by every pull that wants it.

A download has a life of its own: it waits for a slot, fetches the blob (trying again when that
fails), gives the slot back, waits until the layer below is extracted, and extracts. A second pull of
a layer under way joins it; when the last pull that wants it goes away, it is cancelled. This is
dockerd's `distribution/xfer`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event, Interrupt

from simdocker.actors.daemon.layers import StoredLayer
from simdocker.actors.daemon.progress import Progress, first_amount
from simdocker.actors.distribution.directory import ConnectionFailed
from simdocker.actors.distribution.repository import Repository
from simdocker.actors.distribution.session import Refused
from simdocker.backends.ports import DriverError, Process
from simdocker.content.digest import chain_id, short
from simdocker.des.network import Meter

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.api import Stream
    from simdocker.content.image import Layer

RETRY_STEP_S = 5  # the wait grows by this much with each failure
SECOND = 1_000_000_000
REPORT_NS = 100_000_000  # dockerd reports progress at most ten times a second …
REAL_REPORT_NS = 500_000_000  # of a real download nobody knows how long it takes
REPORTS = 10  # … and here about ten times in a long download, as every report is an event


Key = tuple[Any, str]
"""(the key of the layer below or None, the blob's digest)"""


class Failed(Exception):
    """Why a download came to nothing. The argument is dockerd's sentence."""


class Download:
    """One layer on its way: over `parent` (a download, or the layer below that is here already, or
    None at the bottom). `key` spells the blobs of the whole chain, so that the same blob over another
    base is another download. `done` happens when it is over; then `layer` or `error` is set."""

    __slots__ = (
        "digest", "done", "error", "key", "layer", "meter", "parent", "process", "progress", "repository", "size",
    )  # fmt: skip

    def __init__(
        self, key: Key, size: int, parent: Download | StoredLayer | None,
        repository: Repository, done: Event,
    ) -> None:  # fmt: skip
        self.key = key
        self.digest = key[1]
        self.size = size
        self.parent = parent
        self.repository = repository
        self.done = done
        self.layer: StoredLayer | None = None
        self.error: Refused | Failed | None = None
        self.progress = Progress(short(key[1]))
        self.meter: Meter | None = None  # of the attempt under way
        self.process: Any = None


class Downloads:
    """The downloads of one daemon."""

    __slots__ = ("_active", "_again", "_current", "_most", "_waiting", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        settings = daemon.settings
        self._most, self._again = settings.max_concurrent_downloads, settings.max_download_attempts
        self._active = 0
        self._waiting: deque[Event] = deque()
        self._current: dict[Key, Download] = {}

    def join(
        self, key: Key, size: int, parent: Download | StoredLayer | None, repository: Repository, stream: Stream
    ) -> Download:
        """The download of the last blob of `key` over `parent`, started unless it is under way.
        `stream` watches it until `leave`."""
        download = self._current.get(key)
        if download is None:
            env = self.daemon.env
            download = self._current[key] = Download(key, size, parent, repository, env.event())
            download.process = env.process(self._run(download))
        download.progress.watch(stream)
        return download

    def leave(self, download: Download, stream: Stream) -> Process:
        """Process: a pull no longer watches. Without watchers a download is cancelled, and a finished
        one no longer holds its layer."""
        download.progress.watchers.remove(stream)
        if download.progress.watchers:
            return
        self._current.pop(download.key, None)
        if not download.done.triggered:
            download.process.interrupt()
        elif download.layer is not None:
            yield from self.daemon.images.layers.release(download.layer)

    def _run(self, download: Download) -> Process:
        """Process: the whole way of one layer.

        1. Wait for one of the slots.
        2. Download, up to six times.
        3. Give the slot back; wait for the layer below.
        4. Extract.
        """
        try:
            layer = yield from self._fetch_in_turn(download)
            below = yield from self._parent(download.parent)
            yield from self._extract(download, layer, below)
        except (Refused, Failed) as error:
            download.error = error
        except Interrupt:
            download.error = Failed("context canceled")
        download.done.succeed()

    def _fetch_in_turn(self, download: Download) -> Generator[Event, Any, Layer]:
        if self._active >= self._most:
            turn = self.daemon.env.event()
            self._waiting.append(turn)
            download.progress.say("Waiting")
            try:
                self.daemon.env.follow((yield turn))
            except Interrupt:
                if turn.triggered:
                    self._pass_on()
                else:
                    self._waiting.remove(turn)
                raise
        else:
            self._active += 1
        try:
            return (yield from self._fetch(download))
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        """Give the slot to the download that has waited longest."""
        if self._waiting:
            self._waiting.popleft().succeed(self.daemon.env.cause)
        else:
            self._active -= 1

    def _fetch(self, download: Download) -> Generator[Event, Any, Layer]:
        """Process → Layer. Raises Refused or Failed once trying again is of no use."""
        progress, trace, failures = download.progress, self.daemon.trace, 0
        layer_name, where = f"layer/{progress.id}", {"on": self.daemon.host}
        while True:
            trace.state(layer_name, "downloading", {**where, "size": download.size})
            progress.amount("Downloading", first_amount(download.size), download.size)
            meter = Meter()
            self._report(download, meter, REPORT_NS, self.daemon.env.awake)
            try:
                layer = yield from download.repository.blob(download.digest, meter)
            except (Refused, ConnectionFailed) as error:
                download.meter = None
                failures += 1
                if isinstance(error, Refused) and (failures > self._again or not error.retry):
                    raise
                if failures > self._again:
                    raise Failed(error.args[0]) from None
                yield from self._pause(progress, failures * RETRY_STEP_S)
                continue
            download.meter = None
            progress.say("Verifying Checksum")
            progress.say("Download complete")
            trace.state(layer_name, "downloaded", where)
            return layer

    def _report(self, download: Download, meter: Meter, after: int, started: int) -> None:
        """Tell how far it has come after a while, and again later, until it has all come.

        A bare callback: a process for each report would cost more than the download itself."""

        def report(event: Event) -> None:
            total = download.size
            sent = meter.sent
            # Anything else said since: it is complete, failed, or started again with another meter.
            if download.done.triggered or sent >= total or download.meter is not meter:
                return
            if sent > first_amount(total):
                download.progress.amount("Downloading", sent, total)
            expected = (self.daemon.env.awake - started) * total // max(sent, 1)
            after = REAL_REPORT_NS if meter.real else max(REPORT_NS, expected // REPORTS)
            self._report(download, meter, after, started)

        download.meter = meter
        callbacks = self.daemon.env.timeout(after).callbacks
        assert callbacks is not None
        callbacks.append(report)

    def _pause(self, progress: Progress, seconds: int) -> Process:
        """Process: wait before the next attempt, counting down."""
        for left in range(seconds, 0, -1):
            progress.say(f"Retrying in {left} second{'s' if left != 1 else ''}")
            yield self.daemon.env.timeout(SECOND)

    def _parent(self, parent: Download | StoredLayer | None) -> Generator[Event, Any, str]:
        """Process → the chain id below, once it is extracted. Raises what stopped it."""
        if not isinstance(parent, Download):
            return parent.chain_id if parent is not None else ""
        if parent.layer is None and parent.error is None:
            yield parent.done
        self.daemon.env.follow(parent.process.cause)
        if parent.error is not None:
            raise parent.error
        assert parent.layer is not None
        return parent.layer.chain_id

    def _extract(self, download: Download, layer: Layer, below: str) -> Process:
        """Process: unpack over the layer below. Raises Failed."""
        progress, size = download.progress, download.size
        progress.amount("Extracting", first_amount(size), size)
        try:
            download.layer = yield from self.daemon.images.layers.register(chain_id(below, layer.diff_id), below, layer)
        except DriverError as error:
            raise Failed(f"failed to register layer: {error.args[0]}") from None
        progress.amount("Extracting", size, size)
        progress.say("Pull complete")
