"""A network as the daemon keeps it, and as `docker network inspect` shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon.endpoints import in_network
from simdocker.api.times import rfc3339
from simdocker.backends.ports import NetworkSpec

if TYPE_CHECKING:
    from simdocker.actors.daemon.endpoints import EndpointState
    from simdocker.actors.daemon.ipam import AddressPool
    from simdocker.api.models import NetworkCreateBody

PREDEFINED = {"bridge": "bridge", "host": "host", "none": "null"}
"""Name → driver."""

DOCKER0 = {
    "com.docker.network.bridge.default_bridge": "true",
    "com.docker.network.bridge.enable_icc": "true",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
    "com.docker.network.bridge.name": "docker0",
    "com.docker.network.driver.mtu": "1500",
}
ON_THE_WIRE = ("macvlan", "ipvlan")
"""Drivers that put containers on the host's own network: no bridge, no published ports."""

NOWHERE: Mapping[str, Any] = {}


class Network:
    """One network. `pools` are its subnets, none for `host` and `none`, which give no addresses; `endpoints` holds
    the connected containers' endpoints by container id; `body` is what was asked at its creation."""

    __slots__ = (
        "body",
        "created_ns",
        "driver",
        "endpoints",
        "gateway",
        "id",
        "ipam",
        "name",
        "pools",
        "predefined",
        "spec",
    )

    def __init__(
        self,
        id: str,
        name: str,
        driver: str,
        body: NetworkCreateBody | None = None,
        *,
        created_ns: int = 0,
        pools: Sequence[AddressPool] = (),
        ipam: list[dict[str, Any]] | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.driver = driver
        self.body = body
        self.predefined = body is None  # one of Docker's own three
        self.created_ns = created_ns
        self.pools = pools
        self.gateway = pools[0].gateway if pools else ""
        self.ipam = ipam or []  # IPAM.Config as inspect shows it
        self.endpoints: dict[str, EndpointState] = {}
        self.spec = NetworkSpec(
            id, name, driver, pools[0].cidr if pools else "", self.gateway, self.internal, self.options
        )

    @property
    def internal(self) -> bool:
        """Whether it leads nowhere outside."""
        return self.body is not None and self.body.Internal

    @property
    def publishes(self) -> bool:
        """Whether its containers' ports can be published on the host."""
        return not self.internal and self.driver not in ON_THE_WIRE

    def way_out(self, pool: AddressPool) -> str:
        """The gateway that containers get in one of its subnets. The drivers without a bridge give none on an internal
        network, on one without a parent, and in ipvlan's l3 mode, where the host routes."""
        options = self.options
        if self.driver in ON_THE_WIRE and (
            self.internal or not options.get("parent") or (self.driver, options.get("ipvlan_mode")) == ("ipvlan", "l3")
        ):
            return ""
        return pool.gateway

    @property
    def user_subnet(self) -> bool:
        """Whether the user chose the subnet; only then may containers choose addresses."""
        return self.body is not None and self.body.IPAM is not None and bool(self.body.IPAM.Config)

    @property
    def options(self) -> Mapping[str, str]:
        if self.body is None:
            return DOCKER0 if self.driver == "bridge" else NOWHERE
        return self.body.Options or NOWHERE

    @property
    def labels(self) -> Mapping[str, str]:
        return (self.body.Labels if self.body else None) or NOWHERE

    def view(self, *, containers: bool = True) -> dict[str, Any]:
        """The network as `GET /networks/{id}` shows it; lists leave the containers out."""
        body = self.body
        options = body.IPAM.Options if body and body.IPAM else None
        members = sorted(self.endpoints.items()) if containers else ()
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": rfc3339(self.created_ns),
            "Scope": "local",
            "Driver": self.driver,
            "EnableIPv6": bool(body and body.EnableIPv6),
            "IPAM": {
                "Driver": "default",
                "Options": dict(options) if options is not None else None,
                "Config": [dict(config) for config in self.ipam],
            },
            "Internal": self.internal,
            "Attachable": bool(body and body.Attachable),
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": bool(body and body.ConfigOnly),
            "Containers": {container_id: in_network(state) for container_id, state in members},
            "Options": dict(sorted(self.options.items())),
            "Labels": dict(sorted(self.labels.items())),
        }
