"""`docker context create`: a name for a daemon."""

from __future__ import annotations

from simdocker.actors.client import contextmaking
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.contextmaking import HELP, SETTINGS
from simdocker.actors.client.contextstore import DOCKER
from simdocker.actors.client.values import STRING, go_quote


@command(
    "[OPTIONS] CONTEXT",
    "Create a context",
    args=exactly(1),
    long=HELP.format("Create a context", "create").rstrip("\n"),
    flags=[
        Flag("description", "", STRING, "Description of the context"),
        Flag("docker", "", SETTINGS, "set the docker endpoint", shown="[]"),
        Flag("from", "", STRING, "create context from a named context"),
    ],
    alone=True,
)
def context_create(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: of a named context, of `--docker`'s settings, or else of the context in use."""
    yield from ()
    name, description, settings = args[0], flags.text("description"), flags.get("docker")
    contextmaking.check_new(cli, name)
    if flags.text("from") and settings:
        raise CommandError("cannot use --docker flag when --from is set")
    if settings:
        endpoint, files = contextmaking.endpoint(cli, settings)
    else:
        other, files = contextmaking.find(cli, flags.text("from") or cli.way.context)
        endpoint = other["Endpoints"][DOCKER]
        description = description or other["Metadata"].get("Description", "")
    contextmaking.save(cli, name, contextmaking.document(name, description, endpoint), files)
    cli.out(f"{name}\n")
    cli.err(f"Successfully created context {go_quote(name)}\n")
    return 0
