"""`docker context inspect`."""

from __future__ import annotations

from collections.abc import Generator

from simpy import Event

from simdocker.actors.client import contextmaking
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.contextstore import DEFAULT, DOCKER, IN_MEMORY
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import Found, Inspector, NotInspected, inspect_all
from simdocker.actors.client.values import STRING


@command(
    "[OPTIONS] [CONTEXT] [CONTEXT...]",
    "Display detailed information on one or more contexts",
    args=at_least(0),
    flags=[Flag("format", "f", STRING, INSPECT_FORMAT_HELP)],
    alone=True,
)
def context_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: the contexts by name, without any the one in use."""

    def find(name: str) -> Generator[Event, None, Found]:
        yield from ()
        try:
            found, files = contextmaking.find(cli, name)
        except CommandError as fault:
            raise NotInspected(fault.message) from None
        store = cli.way.contexts
        where = (IN_MEMORY, IN_MEMORY) if name == DEFAULT else (store.file(name).rpartition("/")[0], store.tls(name))
        return "context.contextWithTLSListing", {
            **found,
            "TLSMaterial": {DOCKER: sorted(files)} if files else {},
            "Storage": {"MetadataPath": where[0], "TLSPath": where[1]},
        }

    inspector = Inspector(flags.text("format"), typed_only=True)
    return (yield from inspect_all(cli, args or [cli.way.context], inspector, find))
