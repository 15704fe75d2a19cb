"""Progress of pulls as dockerd reports it: JSON messages for whoever watches.

Two clients that pull the same layer watch one download, so a message goes to several streams, and
who joins late first gets the latest one. Texts and number formats are those of dockerd's
`pkg/jsonmessage` and `pkg/progress`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from simdocker.api import Framing, Response, Stream

Message = dict[str, Any]

READ = 32 << 10  # io.Copy reads 32 KiB at a time, so reported amounts are multiples of it
BAR = 50
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def answer(stream: Stream) -> Response:
    """The answer of a call whose progress is told: its messages follow the headers."""
    return Response(200, headers={"Content-Type": "application/json"}, stream=stream, framing=Framing.PROGRESS)


def status(text: str, id: str = "") -> Message:
    """A line of its own: `Pulling from library/busybox`, `Digest: …`."""
    return {"status": text, "id": id} if id else {"status": text}


def error(text: str) -> Message:
    """How a failure after the headers is told."""
    return {"errorDetail": {"message": text}, "error": text}


def first_amount(total: int) -> int:
    """The bytes in a transfer's first report: dockerd reports after each 1 %, at most 512 KiB."""
    step = min(total // 100, 512 << 10)
    return min(total, -(-(step + 1) // READ) * READ)


class Progress:
    """What is known of one layer, and the streams that want to know."""

    __slots__ = ("id", "last", "watchers")

    def __init__(self, id: str) -> None:
        self.id = id
        self.watchers: list[Stream] = []
        self.last: Message | None = None

    def watch(self, stream: Stream) -> None:
        """Send a stream the latest message and all later ones."""
        self.watchers.append(stream)
        if self.last is not None:
            stream.write(self.last)

    def say(self, action: str) -> None:
        """A new phase: `Waiting`, `Download complete`."""
        self._send({"status": action, "progressDetail": {}, "id": self.id})

    def amount(self, action: str, current: int, total: int) -> None:
        """So many of so many bytes."""
        self._send(
            {
                "status": action,
                "progressDetail": {"current": current, "total": total},
                "progress": bar(current, total),
                "id": self.id,
            }
        )

    def _send(self, message: Message) -> None:
        self.last = message
        for stream in self.watchers:
            stream.write(message)


@lru_cache(4096)
def bar(current: int, total: int) -> str:
    """`[=>      ]  36.45kB/1.049MB`, as wide as dockerd draws it (50 cells)."""
    filled = min(int(current / total * 100) // 2, BAR) if total > 0 else 0
    return f"[{'=' * filled}>{' ' * (BAR - filled)}] {human_size(current):>8}/{human_size(total)}"


def human_size(size: int) -> str:
    """go-units' `HumanSize`: four significant digits, powers of 1000."""
    value, unit = float(size), 0
    while value >= 1000.0 and unit < len(UNITS) - 1:
        value /= 1000.0
        unit += 1
    return f"{value:.4g}{UNITS[unit]}"
