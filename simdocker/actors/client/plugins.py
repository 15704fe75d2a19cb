"""What the commands of `docker plugin` share: names, the question about privileges, installing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.asking import yes
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.credentials import registry_auth
from simdocker.actors.client.pulling import show_progress
from simdocker.actors.client.terminal import Process
from simdocker.content.reference import InvalidReference, Reference, parse_as_cli


def reference(text: str) -> Reference:
    """The plugin a user means. Raises CommandError."""
    try:
        return parse_as_cli(text).or_latest()
    except InvalidReference as fault:
        raise CommandError(fault.message) from None


def fetch(cli: Cli, given: str, path: str, query: Mapping[str, str], *, granted: bool) -> Process:
    """Process: ask what the plugin wants to be allowed, have it granted, have the daemon pull it. Raises
    CommandError."""
    remote = reference(given)
    headers = registry_auth(cli.terminal, remote.domain)
    response = yield from cli.call("GET", "/plugins/privileges", {"remote": remote.familiar}, None, headers)
    privileges: list[dict[str, Any]] = response.body
    if privileges and not granted and not (yield from _agreed(cli, given, privileges)):
        raise CommandError(f"permission denied while installing plugin {given}")
    response = yield from cli.call("POST", path, {**query, "remote": remote.familiar}, privileges, headers)
    if response.stream is not None:
        yield from show_progress(response.stream, cli.out, cli.terminal.width if cli.terminal.stdout_tty else 0)


def _agreed(cli: Cli, name: str, privileges: list[dict[str, Any]]) -> Process:
    """Process → bool: only `y` means yes."""
    cli.out(f'Plugin "{name}" is requesting the following privileges:\n')
    for privilege in privileges:
        cli.out(f" - {privilege['Name']}: [{' '.join(privilege['Value'])}]\n")
    return (yield from yes(cli, "Do you grant the above permissions?"))
