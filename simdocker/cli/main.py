"""The `simdocker` command's door: from the arguments to a command and its exit code.

A teacher's first contact is `simdocker --help`, and editors run `simdocker validate` on every save,
so both have to be there at once: nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys

from simdocker.cli.outcome import exit_code


def main() -> None:
    """Entry point."""
    _open_output()
    sys.exit(exit_code(lambda: _dispatch(*sys.argv[1:])))


def _dispatch(command: str = "", *names: str) -> int:
    """The command's exit code; typer exits by itself."""
    if not any(name.startswith("-") and name != "-" for name in names):
        # Bare names need no parser, and typer takes as long to load as these two to do their work.
        if command == "validate" and names and names[0] != "docker":
            from simdocker.cli.validate import validate_files

            return validate_files(names)
        if command == "catalog" and len(names) < 2:
            from simdocker.cli.catalog import show_catalog

            return show_catalog(*names)
    from simdocker.cli.commands import app

    return int(app(prog_name="simdocker") or 0)


def _open_output() -> None:
    """Both output streams take any text, also where they are closed or know no Unicode."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - open until the process ends
        else:
            stream.reconfigure(errors="replace")
