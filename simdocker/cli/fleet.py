"""What came of a step on one host or on many at once, in a few lines: one host's story stands for all.

The messages of the first host are shown as they happen and those that its command did not cause are
left out; afterwards comes how long it took the others, what they printed, and who differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from simdocker.scenario.units import show_duration
from simdocker.trace import NOTE, Record

if TYPE_CHECKING:
    from simdocker.scenario.result import StepResult

OUTPUTS = 3  # so many different outputs are shown; who printed yet another is only counted
DIFFERING = 5  # so many hosts are named of those on which an expectation failed


def called(hosts: Sequence[str]) -> str:
    """The hosts in a few words: `node-1 … node-100`."""
    return hosts[0] if len(hosts) == 1 else f"{hosts[0]} … {hosts[-1]}"


class Spotlight:
    """Follows one host of a group: whether a record is part of its story, by what caused it."""

    def __init__(self) -> None:
        self._others: set[str] = set()
        self._first_seq = 0
        self._hidden = bytearray()  # of every record since the first: whether it is another host's story

    def on(self, hosts: Sequence[str]) -> None:
        """A step begins on these hosts; the first is the one to follow."""
        self._others = set(hosts[1:])

    def shows(self, record: Record) -> bool:
        """Asked of every record in turn, for whatever a hidden one causes is hidden too."""
        if not self._hidden:
            self._first_seq = record.seq
        starts = record.kind == NOTE and record.what == "command"
        where = record.attrs.get("on") if starts and record.attrs else None  # a client's own note names no host
        cause = record.cause_seq - self._first_seq
        hidden = where in self._others if where else cause >= 0 and bool(self._hidden[cause])
        self._hidden.append(hidden)
        return not hidden


def summary(results: Sequence[StepResult]) -> Iterator[Text]:
    """When the hosts were done, by exit code."""
    by_code: dict[int, list[int]] = {}
    for result in results:
        by_code.setdefault(result.exit, []).append(result.ended_ns - result.started_ns)
    for code, took in sorted(by_code.items()):
        took.sort()
        first, half, last = (show_duration(took[at]) for at in (0, (len(took) - 1) // 2, -1))
        times = f"after {first}" if first == last else f"first after {first}, half {half}, all {last}"
        where = f" on {_hosts(len(took))}:" if len(results) > 1 else ""
        yield Text(f"exit code {code}{where} {times}", style="dim")


def outputs(results: Sequence[StepResult]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """What was printed, and on which hosts: each different output once, those of most hosts first. Of a
    single host nothing is said but what it printed."""
    if len(results) == 1:
        yield "", results[0].printed
        return
    same: dict[tuple[tuple[int, str], ...], list[StepResult]] = {}
    for result in results:
        if result.printed:
            same.setdefault(tuple(result.printed), []).append(result)
    groups = sorted(same.values(), key=len, reverse=True)
    for group in groups[:OUTPUTS]:
        more = f" and {_hosts(len(group) - 1, 'other ')}" if len(group) > 1 else ""
        yield f"{group[0].on}{more}:", group[0].printed
    left = sum(map(len, groups[OUTPUTS:]))
    if left:
        yield f"{_hosts(left, 'more ')} printed something else", []


def verdicts(results: Sequence[StepResult]) -> Iterator[tuple[bool, Text]]:
    """Each expectation once, and whether it held: of many hosts on all of them, or which differ and how."""
    many = len(results) > 1
    for number, first in enumerate(results[0].expectations):
        failed = [(r.on, r.expectations[number].got) for r in results if not r.expectations[number].passed]
        if not failed:
            yield True, Text("  ✓ ", "green") + Text(first.what + (f", on all {len(results)} hosts" if many else ""))
            continue
        named = "; ".join(f"{host} got {got}" for host, got in failed[:DIFFERING])
        rest = f"; and {len(failed) - DIFFERING} more" if len(failed) > DIFFERING else ""
        how = f"not on {len(failed)} of {len(results)} hosts: {named}{rest}" if many else f"got {failed[0][1]}"
        yield False, Text("  ✗ ", "red bold") + Text(f"{first.what}: {how}")


def _hosts(count: int, which: str = "") -> str:
    return f"{count} {which}host{'s' if count != 1 else ''}"
