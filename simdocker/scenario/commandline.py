"""One docker command where a scenario's file may stand, as in `simdocker view docker run nginx`."""

from __future__ import annotations

import difflib
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from simdocker.scenario.load import ScenarioError, from_lines

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run

DOCKER = "docker"
SEPARATORS = {";", "&", "&&", "|", "||", ">", ">>", "<", "(", ")"}
LONGEST = 60  # letters of a file's name: what a listing shows


def means_docker(word: str) -> bool:
    """Whether somebody who typed this meant docker, and no file of that name."""
    return word == DOCKER or (bool(difflib.get_close_matches(word, [DOCKER], 1, 0.8)) and not Path(word).exists())


def is_command(source: str) -> bool:
    """Whether it is a line as one would type it, and not the name of a file."""
    word, blank, _ = source.partition(" ")
    return bool(blank) and means_docker(word) and not Path(source).exists()


def from_command(line: str) -> Scenario:
    """The scenario of one command. Raises ScenarioError for one that docker does not have."""
    from msgspec.structs import replace

    from simdocker.scenario.misspelt import unknown

    word, _, rest = line.partition(" ")
    if word != DOCKER:
        raise ScenarioError(f"there is no file {line!r}, and no program {word!r}: did you mean {DOCKER} {rest}?")
    for sentence in unknown(line):
        raise ScenarioError(f"{line}: {sentence}")
    return replace(from_lines(line, line), title=line)


def short_name(line: str) -> str:
    """What a file about a command is called: its words and what it is about, without flags and what they are given
    (`docker run -d -p 8080:80 nginx` is `docker-run-nginx`)."""
    from simdocker.actors.client.line import Line, read_line

    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(takewhile(lambda word: word not in SEPARATORS, lexer))
    except ValueError:  # quotes that only a shell can read
        words = line.split()
    read = read_line(tuple(words[1:]))
    named = [DOCKER, *read.words.split(), *read.args[:1]] if isinstance(read, Line) else words[:2]
    return "-".join(re.findall(r"\w[\w.]*", " ".join(named).rpartition("@")[0] or " ".join(named)))[:LONGEST]


def succeeded(source: str, run: Run) -> bool:
    """Whether a play went as it should: what its scenario expects holds; a command alone is expected to succeed."""
    return run.passed and not (is_command(source) and any(step.exit for step in run.steps))
