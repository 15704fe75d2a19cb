"""`docker network rm`."""

from __future__ import annotations

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.names import checked
from simdocker.actors.client.values import BOOL

INGRESS = (
    "WARNING! Before removing the routing-mesh network, make sure all the nodes in your swarm run the same"
    " docker engine version. Otherwise, removal may not be effective and functionality of newly create ingress"
    " networks will be impaired."
)


@command(
    "NETWORK [NETWORK...]",
    "Remove one or more networks",
    aliases="docker network rm, docker network remove",
    args=at_least(1),
    flags=[Flag("force", "f", BOOL, "Do not error if the network does not exist")],
)
def network_rm(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: look at each network (the routing mesh needs a yes), then remove it."""
    failed = False
    for name in args:
        try:
            network = checked("network", name)
        except CommandError as fault:
            cli.err(fault.message + "\n")
            failed = True
            continue
        response = yield from cli.try_call("GET", f"/networks/{network}")
        is_mesh = not response.failed and response.body.get("Ingress")
        if is_mesh and not (yield from confirmed(cli, INGRESS)):
            continue
        response = yield from cli.try_call("DELETE", f"/networks/{network}")
        if not response.failed:
            cli.out(name + "\n")
        elif not (flags.on("force") and response.status == 404):
            cli.err(error_text(response) + "\n")
            failed = True
    if failed:
        raise CommandError("exit status 1")
    return 0
