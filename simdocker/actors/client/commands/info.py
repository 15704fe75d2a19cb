"""`docker info`: what the daemon says of itself and its host."""

from __future__ import annotations

import re
from typing import Any

from simdocker.actors.client.build import BUILD
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.info import client_text, server_text
from simdocker.actors.client.format.inspector import BAD_TEMPLATE
from simdocker.actors.client.gotemplate import Template, TemplateError, Value
from simdocker.actors.client.gotemplate.schema import go_type
from simdocker.actors.client.values import STRING

_FIELD = re.compile(r"\.[a-zA-Z]")


@command(
    "[OPTIONS]",
    "Display system-wide information",
    aliases="docker system info, docker info",
    args=no_args,
    flags=[Flag("format", "f", STRING, INSPECT_FORMAT_HELP)],
)
def info(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request, unless the template only asks about the client."""
    layout = flags.text("format")
    server: dict[str, Any] | None = {}
    complaint = ""
    if _needs_server(cli, layout):
        try:
            response = yield from cli.call("GET", "/info")
            server = response.body
        except CommandError as fault:
            server, complaint = None, fault.message
    if not layout:
        return _show(cli, server, complaint)
    if complaint:
        cli.err(complaint + "\n")
    return _apply(cli, layout, {**(server or {}), "ClientInfo": _client(cli)}, complaint)


def _show(cli: Cli, server: dict[str, Any] | None, complaint: str) -> int:
    cli.out(client_text(_client(cli)))
    if server is None:
        raise CommandError(complaint)
    cli.out(server_text(server))
    for warning in server.get("Warnings") or ():
        cli.err(warning + "\n")
    return 0


def _apply(cli: Cli, layout: str, document: dict[str, Any], complaint: str) -> int:
    if complaint:
        document["ServerErrors"] = [complaint]
    try:
        template = Template.parse("{{json .}}" if layout == "json" else layout)
    except TemplateError as fault:
        raise CommandError(f"template parsing error: {fault}", BAD_TEMPLATE) from None
    try:
        text = template.execute(Value(go_type("system.dockerInfo"), document))
    except TemplateError as fault:
        cli.out("\n")
        raise CommandError(str(fault)) from None
    cli.out(text + "\n")
    return 0


def _needs_server(cli: Cli, layout: str) -> bool:
    if not _FIELD.search(layout):
        return True
    try:
        Template.parse(layout).execute(Value(go_type("system.sparseInfo"), {"ClientInfo": _client(cli)}))
    except TemplateError:
        return True
    return False


def _client(cli: Cli) -> dict[str, Any]:
    """What the client says of itself."""
    client = {"Debug": False, **BUILD, "Arch": cli.arch, "Context": cli.way.context}
    return {**client, "Plugins": [], "Warnings": None}
