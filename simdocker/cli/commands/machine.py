"""This machine, where real containers run: `doctor` before, `cleanup` after."""

from __future__ import annotations

from typing import Annotated

import typer

from simdocker.cli.outcome import exit_code


def doctor(
    data_root: Annotated[
        str | None,
        typer.Option("--data-root", metavar="DIR", help="Where containers' files would lie (default: /tmp)"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as one array")] = False,
) -> None:
    """Try what the Linux backend needs of this machine.

    Says how to mend what is missing. Exit 1: it cannot run here.
    """
    from simdocker.cli.doctor import see_doctor

    raise typer.Exit(exit_code(lambda: see_doctor(data_root, json=json)))


def cleanup() -> None:
    """Remove what killed runs left behind, and only that.

    On this machine, and on Docker Engines.
    """
    from simdocker.cli.cleanup import clean_up

    raise typer.Exit(exit_code(clean_up))
