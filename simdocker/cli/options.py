"""The options and arguments that several subcommands have, each said once.

An option that one command alone has stands there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Backend: TypeAlias = Annotated[
    str, typer.Option(help="Where it plays: sim, linux for real containers, engine for Docker's")
]
DataRoot: TypeAlias = Annotated[
    str | None,
    typer.Option("--data-root", metavar="DIR", help="With linux: where containers' files lie (default: /tmp)"),
]
Host: TypeAlias = Annotated[
    str | None, typer.Option(help="The engine's address; DOCKER_HOST or the docker context by default")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object instead")]
Open: TypeAlias = Annotated[bool, typer.Option("--open", help="Open it in the browser")]
Profile: TypeAlias = Annotated[str | None, typer.Option(help="Cost profile: a name or a file")]
Scenario: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO", help="A scenario file (.yaml), a list of docker commands (.sh), -, or one command: docker …"
    ),
]
Seat: TypeAlias = Annotated[str | None, typer.Option("--on", help="The host to be at; the first by default")]
Seed: TypeAlias = Annotated[int | None, typer.Option(help="Random seed; the file's own by default")]
Speed: TypeAlias = Annotated[
    float | None, typer.Option(help="Simulated seconds a second; at once by default, 1 is real time")
]
Telling: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO|TRACE|COMMAND", help="A scenario, a trace that run --trace wrote, or: docker run nginx"
    ),
]
Texts: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Your own words for the page, such as a translation")
]
Trace: TypeAlias = Annotated[Path | None, typer.Option(metavar="FILE", help="Write every record here, as JSON lines")]
WorldFile: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="[WORLD]", help="A scenario file whose world to use; by default one host and Docker Hub"),
]
