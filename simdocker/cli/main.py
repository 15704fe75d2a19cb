"""The `simdocker` command's door: from the arguments to a command and its exit code.

A teacher's first contact is `simdocker --help`, and editors run `simdocker validate` on every save,
so both have to be there at once: nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys

from simdocker.cli.outcome import exit_code


def main() -> None:
    """Entry point."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # None: closed by whoever started us
            stream.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal without Unicode shows ?
    command, *names = sys.argv[1:] or [""]
    if not any(name.startswith("-") and name != "-" for name in names):
        # Bare names need no parser, and typer takes as long to load as these two to do their work.
        if command == "validate" and names:
            from simdocker.cli.validate import validate_files

            sys.exit(exit_code(lambda: validate_files(names)))
        if command == "catalog" and len(names) < 2:
            from simdocker.cli.catalog import show_catalog

            sys.exit(exit_code(lambda: show_catalog(*names)))
    from simdocker.cli.commands import app

    app(prog_name="simdocker")
