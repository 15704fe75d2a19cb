"""The subcommands and their options, by what one wants to do. Each body is imported when it is called.

typer reads the arguments; what a command does is in a module of its own.
"""

from __future__ import annotations

from typing import Annotated

import typer

from simdocker.cli.commands import machine, playing, seeing, teaching, worlds
from simdocker.cli.commands.whole import TakesDocker

app = typer.Typer(
    name="simdocker",
    help="""See what happens behind `docker run`: a simulator of Docker's architecture.

\b
See it:    simdocker view --open docker run nginx
Type it:   simdocker shell
Learn it:  simdocker learn
""",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from simdocker import __version__

        typer.echo(f"simdocker {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which one it is")
    ] = False,
) -> None:
    """What comes before the command's name."""


app.command(cls=TakesDocker)(playing.run)
app.command(cls=TakesDocker)(seeing.view)
app.command()(seeing.ui)
app.command()(worlds.shell)
app.command()(teaching.learn)
app.command()(teaching.grade)
app.command(cls=TakesDocker)(seeing.export)
app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(seeing.explain)
app.command(cls=TakesDocker)(playing.compare)
app.command()(playing.calibrate)
app.command()(worlds.serve)
app.command(cls=TakesDocker)(teaching.validate)
app.command()(teaching.schema)
app.command()(teaching.catalog)
app.command()(machine.doctor)
app.command()(machine.cleanup)
