"""Which request of one run is which of another: the same shape in the same order. What differs from run to run anyway,
the ids, is no part of a shape.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

_ID = re.compile(r"(?<![0-9a-z])[0-9a-f]{12,64}(?![0-9a-z])")


def shape(what: str) -> str:
    """A request without the ids in it."""
    return _ID.sub("{id}", what)


def asks_daemon(actor: str, what: str) -> bool:
    """Whether a message of this actor's is a request that a client sends: a method and a path."""
    return actor.startswith("client@") and " /" in what


def paired(ones: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int | None, int | None]]:
    """Places in the two lists of shapes that belong together; None where the other has none."""
    matcher = difflib.SequenceMatcher(None, ones, others, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(range(i1, i2), range(j1, j2), strict=True)
            continue
        yield from ((i, None) for i in range(i1, i2))
        yield from ((None, j) for j in range(j1, j2))
