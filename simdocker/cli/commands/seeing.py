"""Looking at a play: as a page that moves, live, in another tool, or as the system calls of one container."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simdocker.cli import options
from simdocker.cli.outcome import exit_code


def view(
    source: options.Telling,
    other: Annotated[
        str | None,
        typer.Option("--with", metavar="linux|engine|FILE", help="Beside it: the same for real, or another file"),
    ] = None,
    backend: options.Backend = "sim",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page; by default called after the scenario"),
    ] = None,
    texts: options.Texts = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    host: options.Host = None,
    open_browser: options.Open = False,
) -> None:
    """Write a run as one web page that moves.

    It shows who talks to whom, in which order, and why. Exit 0 and 1 as `simdocker run`.
    """
    from simdocker.cli.view import run_view

    raise typer.Exit(
        exit_code(
            lambda: run_view(
                source,
                other=other,
                backend=backend,
                output=output,
                texts=texts,
                seed=seed,
                profile=profile,
                host=host,
                open_browser=open_browser,
            )
        )
    )


def ui(
    world: Annotated[
        str | None,
        typer.Argument(metavar="[WORLD|LESSON]", help="A scenario file whose world to open, or a lesson such as 3"),
    ] = None,
    backend: Annotated[str, typer.Option(help="What is typed into: sim, or linux for real containers")] = "sim",
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST:]PORT",
            help="Where to serve it (8080, or another if taken); beyond this machine the address has a key",
        ),
    ] = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    texts: options.Texts = None,
    data_root: options.DataRoot = None,
    open_browser: options.Open = False,
) -> None:
    """Type docker commands in a web page and watch it move.

    Undo, fork and share what you did.
    """
    from simdocker.cli.ui import run_ui

    raise typer.Exit(
        exit_code(
            lambda: run_ui(
                world,
                backend=backend,
                listen=listen,
                seed=seed,
                profile=profile,
                texts=texts,
                data_root=data_root,
                open_browser=open_browser,
            )
        )
    )


def export(
    source: options.Telling,
    format: Annotated[
        str, typer.Option("--format", "-f", help="perfetto, mermaid, dot, graphml, csv, otlp or asciicast")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here; standard output by default")
    ] = None,
    step: Annotated[int | None, typer.Option(help="Only what this command made happen, counted from 1")] = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
) -> None:
    """Write a trace for another tool.

    For Perfetto, Mermaid, Graphviz, yEd, a spreadsheet, Jaeger or asciinema.
    """
    from simdocker.cli.export import run_export

    raise typer.Exit(
        exit_code(lambda: run_export(source, format=format, output=output, step=step, seed=seed, profile=profile))
    )


def explain(
    command: Annotated[
        list[str], typer.Argument(metavar="docker run …", help="A docker command that starts a container")
    ],
    bundle: Annotated[bool, typer.Option("--bundle", help="The same as an OCI bundle's config.json.")] = False,
) -> None:
    """List the system calls that make a container, with reasons.

    \b
    Such as:  simdocker explain docker run -m 64m busybox true
              simdocker explain --bundle docker run --read-only nginx
    Nothing of this machine is touched.
    """
    from simdocker.cli.explain import explain as explain_start

    raise typer.Exit(exit_code(lambda: explain_start(command, bundle=bundle)))
