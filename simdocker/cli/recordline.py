"""One record of the trace as a reader sees it: when, who to whom, what, and why."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from simdocker.narration import LONG_ID, NOT_IN_THE_CATALOGUE, narration
from simdocker.scenario.units import show_duration, show_size
from simdocker.trace import MESSAGE, NOTE, PLAYER, STATE, STEP, Record

COLOURS = {"client": "cyan", "daemon": "magenta", "registry": "yellow", PLAYER: "white"}
TIME_WIDTH = 9
ACTORS_WIDTH = len("daemon → registry")
HUB = "registry@docker.io"  # the one people mean when they say no other
ENOUGH = 3  # times that a packet like others is shown in a step
MANY = 8  # numbers in a row that nobody reads, such as all capabilities
LEAST = 16  # of a step's arguments, however narrow the screen
INDENT = " " * (TIME_WIDTH + 2)


class RecordLines:
    """Draws records. With `many_hosts` actors are called by their host as well.

    What does not fit `width` (0: any does) goes on under its line: the text of a failure always, the
    reason for a message the first time such a message is sent. Of what a stream carries the first piece is
    shown, and at its end how much it was; of packets that are all alike the first few.
    """

    def __init__(self, *, many_hosts: bool, width: int = 0) -> None:
        self.many_hosts = many_hosts
        self.width = width
        self._texts = narration()
        self._told: set[str] = set()  # reasons that were given
        self._said: Counter[tuple[str, str, str, str]] = Counter()  # packets of a step
        self._flowing: set[tuple[str, int]] = set()  # streams that have begun: who sends, in answer to what

    def begin(self) -> None:
        """A command begins: what was said often enough before may be said again."""
        self._said.clear()
        self._flowing.clear()

    def line(self, record: Record, began_ns: int) -> Text | None:
        """What a reader sees of `record`, with the time since `began_ns`; None for what is no news."""
        if record.kind == NOTE and record.what == "command":
            self.begin()
        since = show_duration(record.t_ns - began_ns)
        attrs = record.attrs or {}
        line = Text(f"{since:>{TIME_WIDTH}}  ", style="dim")
        if record.kind == MESSAGE:
            return self._message(line, record, attrs)
        if record.kind == STEP and "args" in attrs:
            return self._measured_step(line, record.what, attrs)
        if record.kind == STEP:
            return line.append(f"    · {record.what}", "blue").append(self._details(attrs), "dim")
        if record.kind == STATE:
            actor = shorten(self._short_actor(record.actor))
            return line.append(f"    ∙ {actor} {record.what}").append(self._details(attrs), "dim")
        if record.kind == NOTE and record.what in ("fault", "fault ends"):
            return line.append(f"⚡ {self._texts.fault(record.what, attrs)}", "red")
        if record.kind == NOTE and "address" in attrs:
            return line.append(
                f"    · {self._short_actor(record.actor)} {record.what}  {self._texts.packet(attrs)}", "red"
            )
        if record.kind == NOTE and record.what == NOT_IN_THE_CATALOGUE:
            return line.append(self._texts.absent(attrs), "yellow")
        if record.kind == NOTE and record.what == "interrupt":
            return line.append(f"⚡ Ctrl-C: after {show_duration(attrs['after_ns'])} it is still at work", "red")
        return None

    def _message(self, line: Text, record: Record, attrs: Mapping[str, Any]) -> Text | None:
        if ("of" in attrs and not self._begins_or_ends(record)) or self._tedious(record, attrs):
            return None
        actors = Text()
        for part in (record.actor, " → ", str(attrs["to"])):
            actors.append(self._short_actor(part), COLOURS.get(part.partition("@")[0], ""))
        actors.pad_right(max(0, ACTORS_WIDTH - actors.cell_len))
        line.append(actors).append("  ")
        if "of" in attrs:
            return line.append(record.what).append(f"  {shorten(self._texts.carried(record.what, attrs))}", "dim")
        if "address" in attrs or "question" in attrs:
            return line.append(record.what).append(f"  {self._texts.packet(attrs)}", "dim")
        if not record.what.isdigit():
            reason = self._texts.why(record.what)
            self._explain(line.append(shorten(record.what)), reason, again=reason in self._told)
            self._told.add(reason)
            return line
        status = int(record.what)
        line.append(record.what, "red bold" if status >= 400 else "green")
        self._explain(line, str(attrs.get("message") or self._texts.answer(status)), again=status < 400)
        return line

    def _begins_or_ends(self, record: Record) -> bool:
        """Whether this is the first piece of what a stream carries, or the last."""
        stream = (record.actor, record.span)
        if record.what != "data":
            self._flowing.discard(stream)
            return True
        begins = stream not in self._flowing
        self._flowing.add(stream)
        return begins

    def _tedious(self, record: Record, attrs: Mapping[str, Any]) -> bool:
        """Whether the same was said between the same two often enough, such as the hundredth echo request."""
        if "address" not in attrs:
            return False
        self._said[said := (record.actor, attrs["to"], record.what, attrs["address"])] += 1
        return self._said[said] > ENOUGH

    def _explain(self, line: Text, text: str, *, again: bool) -> None:
        """Add `text` where there is room for it: in the line, else below it unless it was said before."""
        if not text:
            return
        inline = Text(f"  {text}")
        if not self.width or line.cell_len + inline.cell_len <= self.width:
            line.append(inline.plain, "dim")
        elif not again:
            for number, part in enumerate(textwrap.wrap(text, max(12, self.width - len(INDENT) - 2))):
                line.append(f"\n{INDENT}{'  ' if number else '↳ '}{part}", "dim")

    def _short_actor(self, actor: str) -> str:
        name, at, _host = actor.partition("@")
        if actor == HUB or (at and not self.many_hosts and name != "registry"):
            return name
        return actor

    def _measured_step(self, line: Text, what: str, attrs: Mapping[str, Any]) -> Text:
        """A step that the kernel did: what it was called with, what it took, and whether that was before anybody asked
        for the container. The middle of what does not fit is left out: a path says most at its ends."""
        line.append(f"    · {what}  ", "blue")
        took = f"  {show_duration(attrs['ns'])}" + (", made ahead" if attrs.get("ahead") else "")
        # what is empty, a switch, an environment or said by the name already tells a reader nothing
        named = what.rpartition(" ")[2]
        args = [arg for arg in attrs["args"] if arg not in ("", [], (), named) and not isinstance(arg, bool | dict)]
        told = " ".join(map(_argument, args))
        room = max(self.width - line.cell_len - len(took), LEAST) if self.width else len(told)
        if len(told) > room:
            told = f"{told[: (room - 1) // 2]}…{told[len(told) - room // 2 :]}"
        return line.append(told).append(took if told else took.lstrip(), "dim")

    def _details(self, attrs: Mapping[str, Any]) -> str:
        shown = [
            self._detail(key, attrs[key])
            for key in sorted(attrs, key=lambda key: key != "argv")  # what is executed comes first
            if attrs[key] is not None and (key != "on" or self.many_hosts)
        ]
        return "  " + "  ".join(shown) if shown else ""

    def _detail(self, key: str, value: Any) -> str:
        """One fact, in the form in which people say it."""
        if key == "argv":
            return shlex.join(value)
        if key == "ns":
            return show_duration(value)
        if key in ("bytes", "size"):
            return show_size(value)
        if key == "capset":
            value = f"{value:016x}"  # as /proc/PID/status shows it
        if isinstance(value, bool):
            value = "yes" if value else "no"
        return f"{key}={shorten(str(value))}"


def _argument(arg: Any) -> str:
    """An argument of a system call as strace shows it: flags in hexadecimal, a vector as a command line."""
    if isinstance(arg, int):
        return hex(arg) if arg > 9 else str(arg)
    if isinstance(arg, list | tuple) and len(arg) > MANY and all(isinstance(one, int) for one in arg):
        return f"{len(arg)} of them"
    return shlex.join(map(str, arg)) if isinstance(arg, list | tuple) else str(arg)


def shorten(text: str) -> str:
    """Ids as people see them: twelve digits."""
    return LONG_ID.sub(r"\1", text)
