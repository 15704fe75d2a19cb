"""Mermaid: a sequence diagram to paste into a README, an issue or slides.

Mermaid draws a few hundred arrows at most (its `maxTextSize` is 50,000 characters), so what a class reads
goes in: requests, answers, changes of state, the kernel's steps. What a stream carries stays out but for its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from simdocker.narration import LONG_ID
from simdocker.trace import MESSAGE, NOTE, PLAYER, STATE, STEP, Record
from simdocker.trace.reading import is_answer, whereabouts

LONG = 90  # characters: longer labels make the arrows of a slide unreadable

WORDS = {"end", "note", "box", "loop", "alt", "else", "opt", "par", "and", "rect", "activate", "deactivate", "create"}


def sequence_diagram(records: Sequence[Record]) -> str:
    """The records as `sequenceDiagram` source. Hosts are boxes, actors their lifelines."""
    places = whereabouts(records)
    lines = list(_lines(records, places))
    lifelines: dict[str, dict[str, None]] = {}  # host → actors, in the order in which they appear
    for record in records:
        for actor in _actors(record, places[record.seq]):
            lifelines.setdefault(actor.partition("@")[2], {})[actor] = None
    head = ["sequenceDiagram"]
    for host, actors in lifelines.items():
        declared = [f"participant {_name(actor)} as {_text(actor.partition('@')[0])}" for actor in actors]
        head += (
            [f"    box transparent {_text(host)}", *(f"        {line}" for line in declared), "    end"]
            if host
            else [f"    {line}" for line in declared]
        )
    return "\n".join([*head, *lines]) + "\n"


def _lines(records: Sequence[Record], places: dict[int, str]) -> Iterator[str]:
    shown = [record for record in records if _is_shown(record)]
    for (is_step, actor, _), group in groupby(
        shown, key=lambda r: (r.kind == STEP, r.actor if r.kind == STEP else "", 0 if r.kind == STEP else r.seq)
    ):
        some = list(group)
        record = some[0]
        attrs = record.attrs or {}
        if is_step:  # those in a row are one note
            yield f"    Note over {_name(actor)}: " + "<br/>".join(_text(step.what) for step in some)
        elif record.kind == MESSAGE:
            arrow = "-->>" if is_answer(record) or "of" in attrs else "->>"
            said = f"{record.what} {attrs.get('message', '')}".rstrip() if is_answer(record) else record.what
            yield f"    {_name(record.actor)}{arrow}{_name(str(attrs['to']))}: {_text(said)}"
        elif record.kind == STATE:
            where = _actors(record, places[record.seq])
            if where:
                yield f"    Note right of {_name(where[0])}: {_text(f'{record.actor} {record.what}')}"
        else:
            yield f"    Note over {_name(_actors(record, '')[0])}: $ {_text(str(attrs['line']))}"


def _is_shown(record: Record) -> bool:
    if record.kind == NOTE:
        return record.actor == PLAYER and record.what == "command"
    return record.what != "data"


def _actors(record: Record, host: str) -> list[str]:
    """On whose lifelines the record is drawn: objects have none of their own, their daemon's stands for them."""
    if not _is_shown(record):
        return []
    if record.kind == NOTE:
        return [f"client@{(record.attrs or {})['on']}"]
    if record.kind == MESSAGE:
        return [record.actor, str((record.attrs or {})["to"])]
    if "@" in record.actor:
        return [record.actor]
    return [f"daemon@{host}"] if host else []


def _name(actor: str) -> str:
    """An identifier: Mermaid's may hold neither blanks nor signs, and be none of its words."""
    if not actor or actor.lower() in WORDS:
        return f"_{actor}"
    return re.sub(r"\W", lambda sign: "__" if sign[0] == "@" else f"_{ord(sign[0]):x}_", actor)


def _text(text: str) -> str:
    """Text for a label: short, and without the signs that Mermaid reads, such as `;`, which ends a statement."""
    text = LONG_ID.sub(r"\1", (text.splitlines() or [""])[0])
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    if len(text) > LONG:
        text = text[: LONG - 1] + "…"
    return re.sub(r"[;#<>%{}\\]", lambda sign: f"#{ord(sign[0])};", text)
