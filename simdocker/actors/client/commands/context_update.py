"""`docker context update`: another description or daemon for a context."""

from __future__ import annotations

from simdocker.actors.client import contextmaking
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.contextmaking import HELP, SETTINGS
from simdocker.actors.client.contextstore import DOCKER, check_name
from simdocker.actors.client.values import STRING, go_quote


@command(
    "[OPTIONS] CONTEXT",
    "Update a context",
    args=exactly(1),
    long=HELP.format("Update a context", "update").rstrip("\n"),
    flags=[
        Flag("description", "", STRING, "Description of the context"),
        Flag("docker", "", SETTINGS, "set the docker endpoint", shown="[]"),
    ],
    alone=True,
)
def context_update(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: what is not said stays."""
    yield from ()
    name = args[0]
    check_name(name)
    found, files = contextmaking.find(cli, name)
    description = flags.text("description") or found["Metadata"].get("Description", "")
    endpoint = found["Endpoints"][DOCKER]
    if flags.get("docker"):
        endpoint, files = contextmaking.endpoint(cli, flags.get("docker"))
    contextmaking.save(cli, name, contextmaking.document(name, description, endpoint), files)
    cli.out(f"{name}\n")
    cli.err(f"Successfully updated context {go_quote(name)}\n")
    return 0
