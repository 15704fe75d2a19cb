"""From a trace to a story, one record at a time, so that a run can be watched while it happens.

A record says who and what; on which host a container is, which call a kernel's step belongs to, which image's layers a
container stands on is known from the records before it. The `Teller` remembers as much of them as it needs.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simdocker.narration import LONG_ID, NOT_IN_THE_CATALOGUE, Narration, narration
from simdocker.trace import MESSAGE, NOTE, PLAYER, ROOT, STATE, STEP, Record
from simdocker.trace.reading import begins_command, is_answer, stated_host
from simdocker.web.objects import Objects
from simdocker.web.story import Changes, Event, Link, Step, Story

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run

WHOLE_NETWORK = 400  # links that are worth telling one by one; of larger worlds only what messages take shows


class Teller:
    """Tells one story. `story` grows with every `add`; `stale` are the steps that have changed since last asked."""

    def __init__(self, story: Story | None = None, texts: Narration | None = None) -> None:
        self.story = story or Story()
        self.texts = texts or narration()
        self._objects = Objects()
        self._hosts: list[str] = []  # of each record, by seq
        self._steps: list[int] = []
        self._changed: set[int] = set()
        for key, what in self.story.start:
            self._objects.known.add(key)
            if what is not None and what.get("kind") == "host":
                self._objects.hosts.append(str(what["name"]))

    def add(self, record: Record) -> Event:
        """Tell one more record."""
        attrs = record.attrs or {}
        host = self._host(record, attrs)
        step = self._step(record, attrs)
        changes: Changes = []
        actor = self._objects.actor(record.actor, host, changes)
        to = self._objects.actor(str(attrs["to"]), host, changes) if record.kind == MESSAGE else ""
        if record.kind in (STATE, STEP):
            cause = self.story.events[record.cause_seq] if record.cause_seq >= 0 else None
            self._objects.change(record, host, cause, changes)
        event = Event(
            seq=record.seq,
            t=record.t_ns,
            kind=record.kind,
            actor=actor,
            to=to,
            what=shorten(record.what),
            why=shorten(self.texts.sentence(record)),
            cause=record.cause_seq,
            span=record.span,
            step=step,
            reply=is_answer(record),
            fails=_fails(record, attrs),
            host=host,
            attrs={key: _plain(value) for key, value in attrs.items() if key not in ("to", "on") and value is not None},
            changes=changes,
        )
        self._hosts.append(host)
        self._steps.append(step)
        self.story.events.append(event)
        return event

    def stale(self) -> list[int]:
        """The numbers of the steps that began or ended since this was asked before."""
        changed, self._changed = sorted(self._changed), set()
        return changed

    def _host(self, record: Record, attrs: Mapping[str, Any]) -> str:
        """The host that a record belongs to, "" for none: its actor's, else that of the call, else of its cause."""
        if not record.actor.startswith("registry@") and (stated := stated_host(record)):
            return stated
        if record.actor.startswith("container/") and (there := self._objects.host_of(record.actor)):
            return there
        for seq in (record.span, record.cause_seq):
            if seq >= 0:
                earlier = self.story.events[seq]
                name, at, host = earlier.to.rpartition("@")
                if seq == record.span and at and name == "daemon":
                    return host
                if self._hosts[seq]:
                    return self._hosts[seq]
        return ""

    def _step(self, record: Record, attrs: Mapping[str, Any]) -> int:
        """The step that a record belongs to: its cause's, else the latest. What a client begins of itself is one as
        well: a person typed it in a shell that is not ours."""
        steps = self.story.steps
        if begins_command(record):
            return self._begin(
                Step(first=record.seq, t=record.t_ns, line=str(attrs["line"]).rstrip(), on=str(attrs["on"]))
            )
        by_itself = record.cause_seq == ROOT and record.actor.startswith("client@")
        if by_itself and record.kind == NOTE and record.what == "command":
            line, on = shlex.join(["docker", *attrs["argv"]]), record.actor.partition("@")[2]
            return self._begin(Step(first=record.seq, t=record.t_ns, line=line, on=on))
        if record.actor == PLAYER and record.kind == NOTE and record.what == "say":
            said = Step(first=record.seq, t=record.t_ns, say=str(attrs["text"]), last=record.seq, ended=record.t_ns)
            return self._begin(said)
        number = self._steps[record.cause_seq] if record.cause_seq != ROOT else len(steps) - 1
        if record.kind == NOTE and record.what == "exit" and number >= 0 and self._ends(record, steps[number]):
            step = steps[number]
            step.last, step.ended, step.exit = record.seq, record.t_ns, int(attrs["code"])
            self._changed.add(number)
        return number

    def _begin(self, step: Step) -> int:
        self.story.steps.append(step)
        self._changed.add(len(self.story.steps) - 1)
        return len(self.story.steps) - 1

    def _ends(self, record: Record, step: Step) -> bool:
        """Whether who says `exit` is who began the step: a line of the player's may hold several commands."""
        return record.actor == self.story.events[step.first].actor


def of_records(records: Iterable[Record], *, title: str, texts: Narration | None = None) -> Story:
    """The story of a trace alone. Its hosts and registries are those that appear in it."""
    listed = list(records)
    hosts, registries = dict[str, bool](), dict[str, None]()
    for record in listed:
        for actor in (record.actor, str((record.attrs or {}).get("to", ""))):
            name, at, place = actor.partition("@")
            if at and name == "registry":
                registries[place] = None
            elif at:
                hosts[place] = hosts.get(place, False) or name == "daemon"
    story = Story(title=title, start=_start(hosts, registries))
    return _told(Teller(story, texts), listed)


def opening(scenario: Scenario, *, backend: str = "sim", seed: int | None = None, title: str = "") -> Story:
    """The story of a scenario before its first event."""
    world = scenario.world
    daemons = set(world.daemons())
    cables = world.cables()
    return Story(
        title=title or scenario.title,
        about=scenario.about or "",
        backend=backend,
        seed=scenario.seed if seed is None else seed,
        start=_start({name: name in daemons for name in world.machines}, world.registries, world.machines.get),
        links=[Link(link.between, link.latency, link.bandwidth or 0) for link in cables]
        if len(cables) <= WHOLE_NETWORK
        else [],
    )


def of_run(run: Run, *, texts: Narration | None = None) -> Story:
    """The story of a run, with what its commands printed."""
    story = _told(Teller(opening(run.scenario, backend=run.backend, seed=run.seed), texts), run.trace.records)
    commands = [step for step in story.steps if step.line]
    for result in run.steps:  # in the order in which they began, as the commands are
        for step in commands:
            if step.on == result.on and step.line == result.command.rstrip() and not step.printed:
                step.printed = result.printed
                commands.remove(step)
                break
    return story


def _told(teller: Teller, records: Iterable[Record]) -> Story:
    for record in records:
        teller.add(record)
    return teller.story


def _start(
    hosts: Mapping[str, bool], registries: Iterable[str], about: Callable[[str], Any] = lambda name: None
) -> Changes:
    """What there is before anything happens: hosts, with a client and perhaps a daemon, and registries."""
    changes: Changes = []
    for name, daemon in hosts.items():
        host = about(name)
        facts = {"cpus": host.cpus, "memory": int(host.memory), "arch": host.arch} if host is not None else {}
        changes.append((f"host/{name}", {"kind": "host", "name": name, "host": name, **facts}))
        changes.append((f"client@{name}", {"kind": "client", "name": "client", "host": name}))
        if daemon:
            changes.append((f"daemon@{name}", {"kind": "daemon", "name": "daemon", "host": name, "state": "running"}))
    changes += [(f"registry@{name}", {"kind": "registry", "name": name, "state": "available"}) for name in registries]
    return changes


def shorten(text: str) -> str:
    """Ids as people see them: twelve digits."""
    return LONG_ID.sub(r"\1", text)


def _plain(value: Any) -> Any:
    """An attribute with ids as people see them."""
    if isinstance(value, str):
        return shorten(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _fails(record: Record, attrs: Mapping[str, Any]) -> bool:
    """Whether this is what went wrong. Docker Hub's first 401 asks for a token, and nothing is wrong."""
    if record.kind == MESSAGE:
        if is_answer(record):
            return int(record.what) >= 400 and record.what != "401"
        return record.what in ("refused", "timed out", "NXDOMAIN") or bool(attrs.get("broken"))
    if record.kind == NOTE and record.what == "exit":
        return bool(attrs.get("code"))
    return record.what in ("start failed", "fault", "unreachable", "oom kill", NOT_IN_THE_CATALOGUE)
