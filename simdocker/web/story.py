"""The story: what a page is told about a run, as plain JSON. A trace states facts for every reader; a story has them
resolved for one who draws: which host a record belongs to, what it changes, which sentence goes with it.

A story only grows: events are appended, and an event never changes an earlier one, so the same document serves a
finished run and one that is being watched. The state of everything at any instant is what the `changes` of all events
up to there add up to, starting with those of `start`.

Objects have a key: `client@HOST` `daemon@HOST` `kernel@HOST` `host@HOST` `registry@NAME`, and `container/NAME@HOST`
likewise for image, layer, network, volume and plugin. What is part of a container, and goes with it, has `of`: the
`endpoint`s in its networks, its `mount`s, published `port`s, and the `entry`s of its writable layer.

Bump `VERSION` when a reader of the old shape would misread the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

FORMAT, VERSION = "simdocker-story", 1

Changes = list[tuple[str, Mapping[str, Any] | None]]
"""Object and what of it is new, in order; None: it is gone, with everything that is part of it."""


class Event(msgspec.Struct, omit_defaults=True):
    """One record. `why` is the sentence for it. `to` is the other end of a message; `reply` says that it answers the
    message `span`, under whose handling it happened. `step` is an index of `Story.steps`, -1 before the first."""

    seq: int
    t: int
    kind: str
    actor: str
    what: str
    to: str = ""
    why: str = ""
    cause: int = -1
    span: int = -1
    step: int = -1
    reply: bool = False
    fails: bool = False
    host: str = ""
    attrs: Mapping[str, Any] = {}
    changes: Changes = []


class Step(msgspec.Struct, omit_defaults=True):
    """A command that was typed (`line`), or a remark (`say`). `first` and `last` are the `seq` of its note and of its
    end, -1 while it runs; `printed` is what it wrote, by descriptor, where that is known."""

    first: int
    t: int
    line: str = ""
    on: str = ""
    say: str = ""
    last: int = -1
    ended: int = -1
    exit: int = -1
    printed: list[tuple[int, str]] = []


class Link(msgspec.Struct, omit_defaults=True):
    """A cable. `latency` in ns, `bandwidth` in bits a second; 0 where it is not known or not limited."""

    between: tuple[str, str]
    latency: int = 0
    bandwidth: int = 0


class Story(msgspec.Struct):
    """A run. `start` is what there is before the first event."""

    title: str = ""
    about: str = ""
    backend: str = ""
    seed: int | None = None
    start: Changes = []
    links: list[Link] = []
    steps: list[Step] = []
    events: list[Event] = []
    format: str = FORMAT
    version: int = VERSION
