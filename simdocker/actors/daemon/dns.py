"""The embedded DNS of user-defined networks, at 127.0.0.11 in every container on one.

It knows the containers that share a network with the one that asks: by name, alias and short id,
each also with the network's name behind a dot. Names it does not know go to the host's servers,
which is the driver's business. The default bridge has none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.actors.daemon.ipam import dotted

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.endpoints import EndpointState
    from simdocker.actors.daemon.network import Network
    from simdocker.backends.ports import Resolver

REVERSE = ".in-addr.arpa"


def resolver_for(container: Container) -> Resolver:
    """The embedded DNS as one container sees it: its networks are asked in the order of their
    names, as libnetwork sorts a sandbox's endpoints, until one knows the name. Asked for an address
    the other way round (`2.0.18.172.in-addr.arpa`), it gives the container's name."""

    def resolve(name: str) -> list[str]:
        asked = name.rstrip(".").lower()
        ask = _names if asked.endswith(REVERSE) else _addresses
        for key in sorted(container.endpoints):
            network = container.endpoints[key].network
            if network is None or network.predefined or container.id not in network.endpoints:
                continue
            found = ask(network, asked) or _linked(container.endpoints[key], asked)
            if found:
                return found
        return []

    return resolve


def _addresses(network: Network, asked: str) -> list[str]:
    """Whoever has that name or alias on a network, also with the network's name behind it."""
    host, _, rest = asked.rpartition(".")
    wanted = (asked, host) if host and rest == network.name.lower() else (asked,)
    return [dotted(state.address) for state in network.endpoints.values() if _answers(state, wanted)]


def _linked(state: EndpointState, asked: str) -> list[str]:
    """Whom a link of this container's alone calls so."""
    assert state.network is not None
    for link in state.settings.Links or ():
        name, _, alias = link.partition(":")
        if asked == (alias or name).lower():
            return _addresses(state.network, name.lower())
    return []


def _names(network: Network, asked: str) -> list[str]:
    """Whose address that is on a network."""
    address = ".".join(reversed(asked.removesuffix(REVERSE).split(".")))
    return [
        f"{state.container.name}.{network.name}"
        for state in network.endpoints.values()
        if dotted(state.address) == address
    ]


def _answers(state: EndpointState, wanted: tuple[str, ...]) -> bool:
    if state.container.name.lower() in wanted:
        return True
    return any(alias.lower() in wanted for alias in state.aliases or ())
