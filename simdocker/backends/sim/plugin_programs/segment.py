"""docker-net-segment: networks of a plugin's own, each a Linux bridge without a way out of the host.

A network driver in the words of libnetwork's remote driver protocol: libnetwork gives addresses and
moves interfaces, the plugin makes what they are plugged into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdocker.backends.ports import DriverError, NetworkSpec

if TYPE_CHECKING:
    from simdocker.backends.ports import Process
    from simdocker.backends.sim.plugins import Place

GENERIC = "com.docker.network.generic"


class Segment:
    """The plugin's process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._networks: dict[str, NetworkSpec] = place.state.setdefault("networks", {})

    def answer(self, what: str, body: Mapping[str, Any]) -> Process:
        """Process → dict."""
        method, id = what.removeprefix("NetworkDriver."), body.get("NetworkID", "")
        if method == "GetCapabilities":
            return {"Scope": "local", "ConnectivityScope": "local"}
        if method == "CreateNetwork":
            return (yield from self._create(id, body))
        if id not in self._networks:
            return {"Err": f"network {id} does not exist"}
        if method == "DeleteNetwork":
            yield from self._place.machine.network.delete(self._networks.pop(id))
        elif method == "CreateEndpoint":
            return {"Interface": {}}  # the address that libnetwork proposes is taken
        elif method == "Join":
            names = {"SrcName": f"seg{body['EndpointID'][:7]}", "DstPrefix": "eth"}
            return {"InterfaceName": names, "Gateway": "", "DisableGatewayService": True}
        elif method == "EndpointOperInfo":
            return {"Value": {}}
        return {}

    def _create(self, id: str, body: Mapping[str, Any]) -> Process:
        data = body["IPv4Data"][0]
        options = (body.get("Options") or {}).get(GENERIC) or {}
        for name in options:
            if name != "label":
                return {"Err": f"unknown option {name}"}
        spec = NetworkSpec(id, "", "bridge", data["Pool"], "", internal=True)
        try:
            yield from self._place.machine.network.create(spec)
        except DriverError as error:
            return {"Err": str(error.args[0])}
        self._networks[id] = spec
        return {}
