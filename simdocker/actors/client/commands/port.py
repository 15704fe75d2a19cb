"""`docker port`: where a container's ports are published."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flags, between, command
from simdocker.actors.client.format.containers import host_port
from simdocker.actors.client.format.natural import natural_key
from simdocker.actors.client.names import checked
from simdocker.actors.client.values import parse_uint


@command(
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    "List port mappings or a specific mapping for the container",
    aliases="docker container port, docker port",
    args=between(1, 2),
)
def port(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: inspect the container, print its bindings or those of one port."""
    name, wanted = args[0], args[1] if len(args) > 1 else ""
    response = yield from cli.call("GET", f"/containers/{checked('container', name)}/json")
    ports = response.body["NetworkSettings"]["Ports"] or {}
    if wanted:
        number, _, protocol = wanted.partition("/")
        try:
            parse_uint(number, 16)
        except ValueError as fault:
            raise CommandError(f"Error: invalid port ({number}): {fault}") from None
        bindings = ports.get(f"{number}/{protocol or 'tcp'}")
        if not bindings:
            raise CommandError(f"Error: No public port '{wanted}' published for {name}")
        lines = [host_port(binding["HostIp"], binding["HostPort"]) for binding in bindings]
    else:
        lines = [
            f"{private} -> {host_port(binding['HostIp'], binding['HostPort'])}"
            for private, bindings in ports.items()
            for binding in bindings or ()
        ]
    for line in sorted(lines, key=natural_key):
        cli.out(line + "\n")
    return 0
