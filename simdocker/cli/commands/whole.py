"""A docker command among the arguments of a command of ours: everything from `docker` on is its own."""

from __future__ import annotations

import shlex
from typing import Any

from typer.core import TyperCommand, TyperOption

from simdocker.scenario.commandline import means_docker


class TakesDocker(TyperCommand):
    """A subcommand whose argument may be a docker command, in quotes or as it stands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads `-o page.html docker run -d nginx` as `-o page.html 'docker run -d nginx'`."""
        at = self._first_argument(args)
        if at + 1 < len(args) and means_docker(args[at]):
            args = [*args[:at], shlex.join(args[at:])]
        return super().parse_args(ctx, args)

    def _first_argument(self, args: list[str]) -> int:
        """Where the first stands that is no option and no option's value."""
        valued = {
            name
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_flag
            for name in option.opts
        }
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "-":
            at += 2 if args[at] in valued else 1
        return at
