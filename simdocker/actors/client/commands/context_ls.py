"""`docker context ls`."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client import contextmaking
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.contextstore import DEFAULT, host_of
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.listing import Column, View, write
from simdocker.actors.client.format.natural import natural_key
from simdocker.actors.client.gotemplate.gotypes import BOOL as TRUTH
from simdocker.actors.client.values import BOOL, STRING

ERROR_WIDTH = 45
OVERRIDDEN = (
    "Warning: DOCKER_HOST environment variable overrides the active context. To use {}, either set the global "
    "--context flag, or unset DOCKER_HOST environment variable.\n"
)
CONTEXTS = View(
    "*formatter.clientContextContext",
    {
        "Current": Column("", lambda row: row["Current"], (), TRUTH),
        "Description": Column("DESCRIPTION", lambda row: row["Description"]),
        "DockerEndpoint": Column("DOCKER ENDPOINT", lambda row: row["DockerEndpoint"]),
        "Error": Column("ERROR", lambda row: row["Error"]),
        "Name": Column("NAME", lambda row: row["Name"]),
    },
)
_TABLE = "table {{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}"


@command(
    "[OPTIONS]",
    "List contexts",
    args=no_args,
    aliases="docker context ls, docker context list",
    flags=[
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("quiet", "q", BOOL, "Only show context names"),
    ],
    alone=True,
)
def context_ls(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: every context, the one in use with a star, even when there is none of that name."""
    yield from ()
    contexts = cli.way.contexts
    rows = [_row(cli, contextmaking.default_document(cli))]
    rows[0]["Description"] = "Current DOCKER_HOST based configuration"
    rows += [_row(cli, contexts.read(name)) for name in contexts.names()]
    if all(row["Name"] != cli.way.context for row in rows):
        rows.append(_missing(cli))
    rows.sort(key=lambda row: natural_key(row["Name"]))
    layout = flags.text("format")
    if flags.on("quiet"):
        layout = "{{.Name}}"
    cli.out(write(CONTEXTS, _TABLE if layout in ("", "table") else layout, rows))
    if cli.terminal.env.get("DOCKER_HOST"):
        cli.err(OVERRIDDEN.format("a context"))
    return 0


def _row(cli: Cli, document: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": document["Name"],
        "Current": document["Name"] == cli.way.context,
        "Description": document["Metadata"].get("Description", ""),
        "DockerEndpoint": host_of(document),
        "Error": "",
    }


def _missing(cli: Cli) -> dict[str, Any]:
    """The context in use, of which there is nothing."""
    name = cli.way.context
    try:
        cli.way.contexts.read(name)
        complaint = ""
    except CommandError as fault:
        complaint = fault.message
    short = complaint if len(complaint) <= ERROR_WIDTH else complaint[: ERROR_WIDTH - 1] + "…"
    return {"Name": name, "Current": name != DEFAULT, "Description": "", "DockerEndpoint": "", "Error": short}
