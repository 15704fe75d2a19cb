"""`docker network connect`."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.names import checked
from simdocker.actors.client.pairs import STRINGS, check_link
from simdocker.actors.client.values import INT, STRING, repeated


@command(
    "[OPTIONS] NETWORK CONTAINER",
    "Connect a container to a network",
    args=exactly(2),
    flags=[
        Flag("alias", "", STRINGS, "Add network-scoped alias for the container"),
        Flag("driver-opt", "", STRINGS, "driver options for the network"),
        Flag(
            "gw-priority",
            "",
            INT,
            "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
        ),
        Flag("ip", "", STRING, 'IPv4 address (e.g., "172.30.100.104")'),
        Flag("ip6", "", STRING, 'IPv6 address (e.g., "2001:db8::33")'),
        Flag("link", "", repeated("list", check_link), "Add link to another container"),
        Flag("link-local-ip", "", STRINGS, "Add a link-local address for the container"),
    ],
)
def network_connect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request with the endpoint's wishes."""
    network, container = checked("network", args[0]), checked("container", args[1])
    options: dict[str, str] = {}
    for text in flags.many("driver-opt"):
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CommandError("invalid key/value pair format in driver options")
        options[key] = value
    addresses: dict[str, Any] = {"IPv4Address": flags.text("ip"), "IPv6Address": flags.text("ip6")}
    addresses["LinkLocalIPs"] = flags.many("link-local-ip")
    endpoint = {
        "IPAMConfig": {name: value for name, value in addresses.items() if value},
        "Links": flags.many("link") or None,
        "Aliases": flags.many("alias"),
        "MacAddress": "",
        "DriverOpts": options,
        "GwPriority": flags.number("gw-priority"),
        "NetworkID": "",
        "EndpointID": "",
        "Gateway": "",
        "IPAddress": "",
        "IPPrefixLen": 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": None,
    }
    body = {"Container": container, "EndpointConfig": endpoint}
    yield from cli.call("POST", f"/networks/{network}/connect", body=body)
    return 0
