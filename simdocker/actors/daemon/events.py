"""The daemon's event log (`docker events`): what happened to which object, and who is listening.

dockerd keeps the last 256 events and hands each new one to the listeners. Here an event is a small
record; its JSON is made when somebody asks, because every `docker run` emits seven of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event as SimEvent

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.query import Filters
from simdocker.api import BadRequest, InternalError, Request, Response, Stream
from simdocker.api.times import EPOCH_S, S, parse_unix, unix_nano

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

KEPT = 256
"""How many past events dockerd remembers (`eventsLimit`)."""

_OBJECTS = ("daemon", "plugin", "volume", "network", "node", "service", "secret", "config")


class Happened(msgspec.Struct, gc=False):
    """One event. `attributes` was given away by whoever emitted it."""

    t_ns: int
    type: str
    action: str
    id: str
    attributes: Mapping[str, str]


class Listener:
    """One `GET /events` that is still open."""

    __slots__ = ("filters", "stream")

    def __init__(self, stream: Stream, filters: Filters) -> None:
        self.stream = stream
        self.filters = filters


class Events:
    """The log of one daemon and its listeners."""

    __slots__ = ("_history", "_listeners", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._history: deque[Happened] = deque(maxlen=KEPT)
        self._listeners: list[Listener] | None = None

    def routes(self) -> list[Route]:
        return [Route("GET", "/events", self.follow)]

    @property
    def listeners(self) -> int:
        """How many are listening (`NEventsListener` of `docker info`)."""
        return len(self._listeners) if self._listeners else 0

    def emit(self, type: str, action: str, id: str, attributes: Mapping[str, str]) -> None:
        """Log one event; `attributes` must not be changed afterwards."""
        happened = Happened(self.daemon.env._now, type, action, id, attributes)
        self._history.append(happened)
        if self._listeners:
            for listener in list(self._listeners):
                if included(happened, listener.filters):
                    listener.stream.write(as_json(happened))

    def forget(self) -> None:
        """dockerd has ended: events are kept in its memory alone."""
        self._history.clear()

    def past(self, since: int, until: int, filters: Filters) -> list[Happened]:
        """The remembered events of that time (ns), oldest first."""
        return [
            happened for happened in self._history if since <= happened.t_ns <= until and included(happened, filters)
        ]

    def follow(self, request: Request) -> Reply:
        """Process: `GET /events`: past events when `since` or a past `until` is given, then, unless
        `until` has passed, a stream that stays open until then or until the client hangs up."""
        yield from ()
        env = self.daemon.env
        query = request.query
        since, until = self._time(query.get("since")), self._time(query.get("until"))
        if since is not None and until is not None and since > until:
            raise BadRequest(f"`since` time ({query['since']}) cannot be after `until` time ({query['until']})")
        filters = Filters.parse(query.get("filters"))
        stream = Stream(env)
        if since is not None or (until is not None and until <= env.now):
            for happened in self.past(since or 0, env.now if until is None else until, filters):
                stream.write(as_json(happened))
        if until is not None and until <= env.now:
            stream.close()
        else:
            self._listen(stream, filters, until)
        return Response(200, stream=stream, headers={"Content-Type": "application/json"})

    def _listen(self, stream: Stream, filters: Filters, until: int | None) -> None:
        listener = Listener(stream, filters)
        if self._listeners is None:
            self._listeners = []
        listeners = self._listeners
        listeners.append(listener)

        def leave() -> None:
            if listener in listeners:
                listeners.remove(listener)

        stream.on_cancel = leave
        if until is not None:

            def end(_: SimEvent) -> None:
                leave()
                stream.close()

            self.daemon.env.timeout(until - self.daemon.env.now).callbacks.append(end)

    @staticmethod
    def _time(text: str | None) -> int | None:
        if not text:
            return None
        try:
            return parse_unix(text)
        except ValueError as error:
            raise InternalError(str(error)) from None


def as_json(happened: Happened) -> dict[str, Any]:
    """An event as the API shows it. Containers' and images' also carry the fields of API < 1.22."""
    shown: dict[str, Any] = {}
    if happened.type in ("container", "image"):
        shown["status"] = happened.action
        if happened.id:
            shown["id"] = happened.id
        if happened.type == "container" and happened.attributes.get("image"):
            shown["from"] = happened.attributes["image"]
    shown["Type"] = happened.type
    shown["Action"] = happened.action
    shown["Actor"] = {"ID": happened.id, "Attributes": dict(sorted(happened.attributes.items()))}
    shown["scope"] = "local"
    shown["time"] = EPOCH_S + happened.t_ns // S
    shown["timeNano"] = unix_nano(happened.t_ns)
    return shown


def included(happened: Happened, filters: Filters) -> bool:
    """Whether an event passes the filters of `docker events --filter` (dockerd's `events.Filter`)."""
    if not filters:
        return True
    action = happened.action
    return (
        (filters.exact("event", action) or (": " in action and filters.exact("event", action.partition(":")[0])))
        and filters.exact("type", happened.type)
        and filters.exact("scope", "local")
        and _is_object(happened, filters, "container")
        and all(_is_object(happened, filters, key) for key in _OBJECTS)
        and _is_image(happened, filters)
        and filters.labels(happened.attributes)
    )


def _is_object(happened: Happened, filters: Filters, key: str) -> bool:
    """An object filter means events of that type whose id or name starts with a value."""
    if key not in filters:
        return True
    return happened.type == key and (
        filters.prefix(key, happened.id) or filters.prefix(key, happened.attributes.get("name", ""))
    )


def _is_image(happened: Happened, filters: Filters) -> bool:
    """`image=busybox` means the image's own events and those of containers made from it."""
    if "image" not in filters:
        return True
    name = happened.attributes.get("name" if happened.type == "image" else "image", "")
    return any(filters.exact("image", value) for value in (happened.id, name, _untagged(name)))


def _untagged(name: str) -> str:
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name
