"""The event log: what is remembered, who hears it."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from part_daemon import PartDaemon

from simdocker.actors.daemon.events import KEPT, Happened, as_json
from simdocker.api.times import EPOCH_NS, EPOCH_S

STEPS = json.loads((Path(__file__).parents[1] / "reference" / "engine-events.json").read_text())["steps"]


def read(daemon: PartDaemon, stream: Any) -> list[Any]:
    """What has been written to a stream so far."""
    chunks: list[Any] = []

    def reading() -> Generator[Any, Any, None]:
        while True:
            chunk = yield from stream.read()
            if chunk is None:
                return
            chunks.append(chunk)

    daemon.env.process(reading())
    daemon.env.run(until=daemon.env.now + 1)
    return chunks


def test_every_recorded_event_is_shown_byte_for_byte() -> None:
    shown = 0
    for step in STEPS:
        for event in step["events"]:
            actor = event["Actor"]
            scrambled = dict(reversed(actor["Attributes"].items()))
            happened = Happened(event["timeNano"] - EPOCH_NS, event["Type"], event["Action"], actor["ID"], scrambled)
            assert json.dumps(as_json(happened)) == json.dumps(event)
            shown += 1
    assert shown > 150


def test_the_last_256_events_are_remembered() -> None:
    daemon = PartDaemon()
    for number in range(3 * KEPT):
        daemon.events.emit("volume", "create", str(number), {})
    stream = daemon.call("GET", "/events", since="1", until=str(EPOCH_S)).stream
    assert [event["Actor"]["ID"] for event in read(daemon, stream)] == [str(n) for n in range(2 * KEPT, 3 * KEPT)]


def test_without_since_only_what_happens_from_now_on_is_heard() -> None:
    daemon = PartDaemon()
    daemon.events.emit("volume", "create", "old", {})
    stream = daemon.call("GET", "/events").stream
    assert stream is not None
    daemon.events.emit("volume", "create", "new", {})
    assert [event["Actor"]["ID"] for event in read(daemon, stream)] == ["new"]
    assert daemon.events.listeners == 1
    stream.cancel()
    assert daemon.events.listeners == 0


def test_until_in_the_future_ends_the_stream_then() -> None:
    daemon = PartDaemon()
    stream = daemon.call("GET", "/events", since="0", until=f"{EPOCH_S + 5}").stream
    assert stream is not None
    daemon.env.run(until=4_999_999_999)
    assert not stream.closed
    daemon.env.run(until=5_000_000_001)
    assert stream.closed
    assert daemon.events.listeners == 0


def test_filters_choose_by_type_object_event_and_label() -> None:
    daemon = PartDaemon()
    emit = daemon.events.emit
    emit("container", "create", "aaa1", {"image": "busybox:latest", "name": "web", "team": "x"})
    emit("container", "exec_start: sh", "aaa1", {"image": "busybox:latest", "name": "web"})
    emit("network", "connect", "nnn1", {"container": "aaa1", "name": "bridge", "type": "bridge"})
    emit("image", "pull", "busybox:latest", {"name": "busybox"})

    def actions(filters: dict[str, list[str]]) -> list[str]:
        stream = daemon.call("GET", "/events", since="0", until=str(EPOCH_S), filters=json.dumps(filters)).stream
        return [event["Action"] for event in read(daemon, stream)]

    daemon.env.run(until=1)
    assert actions({"type": ["network"]}) == ["connect"]
    assert actions({"container": ["web"]}) == ["create", "exec_start: sh"]
    assert actions({"container": ["aaa"]}) == ["create", "exec_start: sh"]
    assert actions({"event": ["exec_start"]}) == ["exec_start: sh"]
    assert actions({"label": ["team=x"]}) == ["create"]
    assert actions({"image": ["busybox"]}) == ["create", "exec_start: sh", "pull"]


def test_times_that_are_none_are_refused_in_the_engines_words() -> None:
    daemon = PartDaemon()
    assert daemon.call("GET", "/events", since="zz").message == 'strconv.ParseInt: parsing "zz": invalid syntax'
    response = daemon.call("GET", "/events", since="5", until="1")
    assert (response.status, response.message) == (400, "`since` time (5) cannot be after `until` time (1)")
