"""A docker command among the arguments of a command of ours: everything from `docker` on is its own."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from typer.core import TyperCommand, TyperOption

from simdocker.scenario.commandline import means_docker

MEANT_FOR_US = ("-o", "--output", "--open", "--with", "--seed", "--profile", "--texts", "--trace", "--json", "--speed")
"""Options of ours that docker and what it runs rarely have."""


class TakesDocker(TyperCommand):
    """A subcommand whose argument may be a docker command, in quotes or as it stands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads `-o page.html docker run -d nginx` as `-o page.html 'docker run -d nginx'`."""
        at = self._first_argument(args)
        if at + 1 < len(args) and means_docker(args[at]):
            self._remark(args[at + 1 :][-2:])
            args = [*args[:at], shlex.join(args[at:])]
        return super().parse_args(ctx, args)

    def _remark(self, last: list[str]) -> None:
        """Say that an option of ours, where it is docker's, is not ours."""
        ours = {name for option in self.params if isinstance(option, TyperOption) for name in option.opts}
        late = [word for word in last if word in (ours & {*MEANT_FOR_US})]
        if late:
            print(f"simdocker: {late[0]} is docker's here: options of ours come before docker", file=sys.stderr)

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
