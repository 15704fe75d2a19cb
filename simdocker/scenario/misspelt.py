"""Docker commands that there are none of, in the lines of a scenario: found without playing it.

A line whose failure is expected may well be a mistake on purpose, and what a variable or a loop makes of a line only a
shell knows: so only plain words count.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simdocker.actors.client import absent, catalogue

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario, Step

ON_PURPOSE = "if it is meant to fail: expect: {exit: 1}"
BEFORE = {"", ";", "&", "&&", "|", "||", "(", "{", "!", "then", "do", "else", "time", "sudo", "if", "while", "until"}
"""What a shell's command may come after."""
OTHERS = ("help", "compose", "buildx")
"""Words that the client has an answer to, which are no commands of its catalogue."""


def misspelt(scenario: Scenario) -> Iterator[str]:
    """A sentence for each docker command of a step that does not exist, in order."""
    for step in scenario.flat_steps():
        if step.run is None or _shall_fail(step):
            continue
        for sentence in unknown(step.run):
            yield f"step {step.run.strip().splitlines()[0]!r}: {sentence} ({ON_PURPOSE})"


def unknown(line: str) -> Iterator[str]:
    """A sentence for each docker command of a line that does not exist."""
    for word, known in _unknown(line):
        near = difflib.get_close_matches(word.split()[-1], {other.split()[-1] for other in known}, 1)
        yield f"docker has no command {word!r}" + (f": did you mean {near[0]!r}?" if near else "")


def _shall_fail(step: Step) -> bool:
    if step.expect is None:
        return False
    said = step.expect.stderr
    return step.expect.exit not in (None, 0) or (
        said is not None and bool(said.equals or said.contains or said.matches)
    )


def _unknown(line: str) -> Iterator[tuple[str, set[str]]]:
    """The words after docker that are none of its commands, each with those that could stand there."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # quotes or a here-document that only a shell can read
        return
    firsts = {words.split()[0] for words in catalogue.COMMANDS} | {*catalogue.GROUPS, *absent.COMMANDS, *OTHERS}
    for at, word in enumerate(words[:-1]):
        if word != "docker" or (words[at - 1] if at else "") not in BEFORE:
            continue
        first, rest = words[at + 1], words[at + 2 : at + 3]
        if not first.isidentifier():  # a flag, a variable, a redirection
            continue
        if first not in firsts:
            yield first, firsts
        elif first in catalogue.GROUPS and rest and rest[0].isidentifier():
            seconds = {text.split()[1] for text in catalogue.COMMANDS if text.startswith(f"{first} ")}
            seconds |= {text.split()[1] for text in catalogue.SYNONYMS if text.startswith(f"{first} ")}
            if rest[0] not in seconds:
                yield f"{first} {rest[0]}", {f"{first} {second}" for second in seconds}
