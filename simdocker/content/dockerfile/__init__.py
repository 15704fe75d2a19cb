"""Dockerfiles: from text to build stages, as the classic builder of Docker 20.10 reads them.

`lines.py` finds instructions in lines, `instructions.py` checks each and says what it means, and
`expansion.py` puts variables in. The parsers on PyPI (dockerfile-parse, dockerfile) hand out lines and
words but refuse nothing, and what a student needs to see of a bad Dockerfile is Docker's sentence with
Docker's line number; so these three modules follow BuildKit's `frontend/dockerfile` of that release.
"""

from __future__ import annotations

from simdocker.content.dockerfile.expansion import Expander, ExpansionError
from simdocker.content.dockerfile.instructions import (
    BadInstruction,
    Instruction,
    Stage,
    instruction,
    stages,
)
from simdocker.content.dockerfile.lines import DockerfileError, Parsed, parse

__all__ = [
    "BadInstruction", "DockerfileError", "Expander", "ExpansionError", "Instruction", "Parsed", "Stage", "instruction",
    "parse", "stages",
]  # fmt: skip
