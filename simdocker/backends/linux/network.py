"""Bridges, sandboxes and endpoints of the real machine: libnetwork's bridge, macvlan and ipvlan drivers.

A sandbox is a network namespace; joining an endpoint is a veth pair with one end in the sandbox and
the other in the network's bridge, or a device of its own beside a parent of the host. The twin of this
file models the same. The kernel's part, about 2 ms,
is done by one worker thread, in order; the loop goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from simdocker.backends import ports
from simdocker.backends.linux import dns, links, macvlan
from simdocker.backends.linux.dns import EmbeddedDns
from simdocker.backends.linux.links import Bridge, Interface
from simdocker.backends.linux.netns import NetworkNamespace, Spares
from simdocker.backends.linux.nft import Rules
from simdocker.backends.linux.publishing import reserve
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.macvlan import KINDS
from simdocker.backends.ports import DriverError, Endpoint, NetworkSpec, Process, PublishedPort, Resolver

if TYPE_CHECKING:
    import socket

    from simdocker.backends.linux.journal import Journal
    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace

PRIVATE, HOST = "private", "host"
NO_INTERFACE = ("null", "host")


class Sandbox:
    """A network namespace as the daemon holds it. `users` counts the containers that share it."""

    def __init__(self, driver: NetworkDriver, container_id: str, made: Future[NetworkNamespace] | None) -> None:
        self.container_id = container_id
        self.users = 1
        self.interfaces: dict[str, Interface] = {}  # by endpoint
        self._names = count()
        self._driver = driver
        self._made = made
        self.dns: EmbeddedDns | None = None
        self._resolver: Resolver | None = None

    @property
    def namespace(self) -> str | None:
        """The file that a process opens to join it, None for the host's own network."""
        return str(self.network_namespace.path) if self._made is not None else None

    @property
    def network_namespace(self) -> NetworkNamespace:
        """The namespace, when it has been made: waits for the worker thread if that is still at it."""
        assert self._made is not None, "the host's network is not ours to change"
        try:
            return self._made.result()
        except OSError as error:
            raise DriverError(f"cannot make a network namespace: {error}") from None

    @property
    def resolver(self) -> Resolver | None:
        """The embedded DNS in this namespace, None where there is none."""
        return self._resolver

    @resolver.setter
    def resolver(self, resolver: Resolver | None) -> None:
        if resolver is not None and self._resolver is None:
            self._driver.serve_names(self)
        self._resolver = resolver

    def resolve(self, name: str) -> list[str]:
        """What the resolver of the moment says."""
        return self._resolver(name) if self._resolver is not None else []

    @property
    def way_out(self) -> Interface | None:
        """The interface of the default gateway: of those that lead outside, else of the internal ones, that
        whose network's name comes first (libnetwork's endpoint.Less)."""
        return min(
            (interface for interface in self.interfaces.values() if interface.endpoint.gateway),
            key=lambda it: (it.endpoint.network.internal, it.endpoint.network.name),
            default=None,
        )

    def next_name(self) -> str:
        """eth0, eth1 …: a name is given once, also when its device is gone."""
        return f"eth{next(self._names)}"

    def close(self) -> None:
        """Let go of the namespace; its interfaces end with it. In the worker thread, after all its other work."""
        if self._made is not None:
            self._made.result().close()


class NetworkDriver:
    """One host's networks. The namespaces' files are beside the journal."""

    def __init__(self, host: str, env: WallClock, trace: Trace, random: Random, journal: Journal) -> None:
        self.kernel = f"kernel@{host}"
        self.env = env
        self.trace = trace
        self._random = random
        self._journal = journal
        paths = (journal.path.parent / f"{journal.instance}-{number}.netns" for number in count(1))
        self._namespaces = Spares(paths, journal)
        self._host = RtNetlink()
        self._rules: Rules | None = None
        self._making_rules = Lock()
        self._bridges: dict[str, Bridge] = {}  # by network
        self._sandboxes: dict[str, Sandbox] = {}
        self._published: dict[PublishedPort, socket.socket | None] = {}
        self._worker = ThreadPoolExecutor(1, "network")

    # -- networks --------------------------------------------------------------------------------

    def create(self, network: NetworkSpec) -> Process:
        """Process: make a bridge and give the host the gateway's address on it; for a macvlan the device that it
        stands on, unless that is there. Raises DriverError."""
        bridge: Bridge = yield from self._in_kernel(self._bridge, network)
        parent = bridge.parent
        if parent is None:
            self.trace.step(self.kernel, "bridge add", {"bridge": bridge.name, "subnet": network.subnet})
        elif parent.made:
            what = {"device": bridge.name, **({"parent": parent.lower} if parent.vlan else {})}
            self.trace.step(self.kernel, "vlan add" if parent.vlan else "dummy add", what)

    def delete(self, network: NetworkSpec) -> Process:
        """Process: remove the bridge, or what was made for a macvlan to stand on."""
        bridge = self._bridges.pop(network.id, None)
        if bridge is None:
            return
        yield from self._in_kernel(self._remove, bridge)
        if bridge.parent is None:
            self.trace.step(self.kernel, "bridge delete", {"bridge": bridge.name})
        elif bridge.ours:
            self.trace.step(
                self.kernel, "vlan delete" if bridge.parent.vlan else "dummy delete", {"device": bridge.name}
            )

    def _bridge(self, network: NetworkSpec) -> Bridge:
        """What the network's endpoints are plugged into. A bridge is made when it is asked for first: nobody creates
        the default one."""
        bridge = self._bridges.get(network.id)
        if bridge is None:
            if network.driver in KINDS:
                others = [other.network for other in self._bridges.values()]
                bridge = macvlan.make_parent(self._host, self._journal, network, others)
            else:
                bridge = links.make_bridge(self._host, self._journal, network)
            self._bridges[network.id] = bridge
            if bridge.routed:
                self._firewall().add_bridge(bridge.name, network.subnet, internal=network.internal)
        return bridge

    def _remove(self, bridge: Bridge) -> None:
        network = bridge.network
        if bridge.routed:
            self._firewall().delete_bridge(bridge.name, network.subnet, internal=network.internal)
        links.remove_bridge(self._host, self._journal, bridge)

    def _firewall(self) -> Rules:
        with self._making_rules:
            if self._rules is None:
                self._rules = Rules(self._journal)
            return self._rules

    # -- sandboxes and endpoints -----------------------------------------------------------------

    def sandbox(self, container_id: str, mode: str, resolver: Resolver | None, actor: str = "") -> Sandbox:
        """A namespace of the container's own, the host's, or another container's."""
        if mode == HOST:
            return Sandbox(self, container_id, None)
        if mode != PRIVATE:
            shared = self._sandboxes.get(mode.partition(":")[2])
            if shared is None:
                raise DriverError(f"cannot join network of a non running container: {mode.partition(':')[2]}")
            shared.users += 1
            return shared
        made = self._namespaces.take() or self._worker.submit(self._namespaces.make)
        sandbox = self._sandboxes[container_id] = Sandbox(self, container_id, made)
        sandbox.resolver = resolver
        return sandbox

    def serve_names(self, sandbox: Sandbox) -> None:
        """Open an embedded DNS in a sandbox. The worker does it before it plugs the sandbox in anywhere: a container
        may ask as soon as it runs."""
        self.env.process(self._serve_names(sandbox, self._worker.submit(lambda: dns.listen(sandbox.network_namespace))))

    def _serve_names(self, sandbox: Sandbox, listening: Future[Any]) -> Process:
        try:
            udp, tcp = yield self.env.future(listening)
        except (OSError, DriverError) as error:
            self.trace.note(self.kernel, "no embedded DNS", {"why": error.args[0]})
            return
        sandbox.dns = EmbeddedDns(self.env, self._random, sandbox.resolve, udp, tcp)
        if sandbox.users == 0:  # it has ended meanwhile
            sandbox.dns.close()

    def join(self, endpoint: Endpoint, sandbox: ports.Sandbox) -> Process:
        """Process: a veth pair between bridge and sandbox, with the endpoint's address and gateway, or a device
        beside the network's parent. Raises DriverError."""
        network = endpoint.network
        if network.driver in NO_INTERFACE:
            return
        bridge = yield from self._in_kernel(self._join, endpoint, cast(Sandbox, sandbox))
        where = {"bridge" if bridge.parent is None else "parent": bridge.name}
        self.trace.step(
            self.kernel,
            f"{_kind(network)} into netns",
            {**where, "address": endpoint.address, "container": cast(Sandbox, sandbox).container_id},
        )

    def _join(self, endpoint: Endpoint, sandbox: Sandbox) -> Bridge:
        bridge, namespace, before = self._bridge(endpoint.network), sandbox.network_namespace, sandbox.way_out
        connect = links.connect if bridge.parent is None else macvlan.connect
        interface = connect(self._host, bridge, endpoint, namespace, sandbox.next_name())
        sandbox.interfaces[endpoint.id] = interface
        links.lead_outside(namespace, before, sandbox.way_out)
        return bridge

    def leave(self, endpoint: Endpoint, sandbox: ports.Sandbox, *, ending: bool = False) -> Process:
        """Process: delete the veth pair, or the device beside the parent. When the sandbox ends, it goes with the
        namespace: to delete it costs 32 ms, most of it waiting for other processors."""
        sandbox = cast(Sandbox, sandbox)
        if endpoint.id not in sandbox.interfaces:
            return
        if ending and sandbox.users == 1:
            del sandbox.interfaces[endpoint.id]
        else:
            yield from self._in_kernel(self._leave, endpoint, sandbox)
        self.trace.step(self.kernel, f"{_kind(endpoint.network)} delete", {"address": endpoint.address})

    def _leave(self, endpoint: Endpoint, sandbox: Sandbox) -> None:
        before = sandbox.way_out
        interface = sandbox.interfaces.pop(endpoint.id)
        links.disconnect(sandbox.network_namespace, interface)
        links.lead_outside(sandbox.network_namespace, None if before == interface else before, sandbox.way_out)

    def release(self, sandbox: ports.Sandbox) -> None:
        """The last container that used a namespace has ended."""
        sandbox = cast(Sandbox, sandbox)
        sandbox.users -= 1
        if sandbox.users == 0:
            self._sandboxes.pop(sandbox.container_id, None)
            self._close(sandbox)
            self._worker.submit(self._namespaces.refill)

    def _close(self, sandbox: Sandbox) -> None:
        if sandbox.dns is not None:
            sandbox.dns.close()
        self._worker.submit(sandbox.close)

    # -- ports -----------------------------------------------------------------------------------

    def publish(self, sandbox: ports.Sandbox, endpoint: Endpoint, port: PublishedPort) -> None:
        """A DNAT rule and a socket for one host port."""
        taken = reserve(port)
        if ":" not in port.host_ip:  # containers have no IPv6 address to lead to
            try:
                self._firewall().publish(port, endpoint.address)
            except OSError as error:
                if taken is not None:
                    taken.close()
                raise DriverError(f"cannot publish port {port.host_port}/{port.proto}: {error}") from None
        self._published[port] = taken
        to = f"{endpoint.address}:{port.container_port}"
        self.trace.step(self.kernel, "dnat", {"port": f"{port.host_port}/{port.proto}", "to": to})

    def unpublish(self, sandbox: ports.Sandbox, port: PublishedPort) -> None:
        """Take the rule and the socket away."""
        if port not in self._published:
            return
        taken = self._published.pop(port)
        if taken is not None:
            taken.close()
        if ":" not in port.host_ip:
            self._firewall().unpublish(port)

    # -- the worker ------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop serving. Bridges and rules are left to the journal."""
        for sandbox in self._sandboxes.values():
            self._close(sandbox)
        for taken in self._published.values():
            if taken is not None:
                taken.close()
        self._worker.submit(self._namespaces.close)
        self._worker.shutdown()
        self._host.close()

    def _in_kernel(self, work: Callable[..., Any], *args: Any) -> Process:
        """Process: have the worker thread do something → its result. Raises DriverError."""
        try:
            return (yield self.env.future(self._worker.submit(work, *args)))
        except OSError as error:
            raise DriverError(error.strerror or str(error)) from None


def _kind(network: NetworkSpec) -> str:
    """The kind of device that its endpoints are."""
    return network.driver if network.driver in KINDS else "veth"
