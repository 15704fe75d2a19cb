"""Bridges, sandboxes and endpoints of one simulated host: libnetwork's bridge, macvlan and ipvlan drivers.

A sandbox is a network namespace; joining an endpoint is a veth pair with one end in the sandbox and
the other in the network's bridge, or a device of its own beside a parent of the host. The twin of this
file does the same with rtnetlink.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING
from zlib import crc32

from simdocker.backends import macvlan
from simdocker.backends.ports import DriverError, Endpoint, NetworkSpec, Process, PublishedPort, Resolver
from simdocker.backends.sim.interfaces import Bridge, Interface, number
from simdocker.backends.sim.macvlan import Parent
from simdocker.backends.sim.netstack import EMBEDDED_DNS, NetStack
from simdocker.backends.sim.program import fail
from simdocker.backends.sim.sockets import Bound, Datagrams, Forward, Listener

if TYPE_CHECKING:
    from simdocker.backends.sim.lan import Lan
    from simdocker.des import CostProfile, Environment
    from simdocker.trace import Trace

PRIVATE, HOST = "private", "host"
BRIDGE_NAME, ENABLE_ICC = "com.docker.network.bridge.name", "com.docker.network.bridge.enable_icc"
DRIVER_MTU = "com.docker.network.driver.mtu"
DOCKER0 = ("172.17.0.0/16", "172.17.0.1")
Step = tuple[str, dict[str, str]]
"""What the kernel does, and its facts."""


class Sandbox:
    """A network namespace as the daemon holds it. `users` counts the containers that share it. `devices` are
    those that wait for runc to make the namespace, as steps of the trace; None once it has."""

    __slots__ = ("_named", "container_id", "devices", "fresh", "mode", "stack", "users")

    def __init__(self, container_id: str, mode: str, stack: NetStack) -> None:
        self.container_id = container_id
        self.mode = mode
        self.stack = stack
        self.fresh = mode == PRIVATE  # its making has not been paid for yet
        self.users = 1
        self._named = 0  # devices so far
        self.devices: list[Step] | None = [] if mode == PRIVATE else None

    def entered(self) -> list[Step]:
        """runc has made the namespace and calls its prestart hook (`libnetwork-setkey`): what to move into it."""
        devices, self.devices = self.devices, None
        return devices or []

    def next_name(self) -> str:
        """eth0, eth1 …: a name is given once, also when its device is gone."""
        self._named += 1
        return f"eth{self._named - 1}"

    @property
    def resolver(self) -> Resolver | None:
        """The embedded DNS in this namespace, None where there is none."""
        return self.stack.resolver

    @resolver.setter
    def resolver(self, resolver: Resolver | None) -> None:
        self.stack.resolver = resolver
        if resolver is not None:
            _serve_names(self.stack)


class NetworkDriver:
    """One host's networks. `lan` is what is outside, None for a host without links; `docker0` the default
    bridge's subnet and address."""

    def __init__(
        self,
        host: str,
        env: Environment,
        trace: Trace,
        profile: CostProfile,
        random: Random,
        lan: Lan | None = None,
        next_pipe: Callable[[], int] | None = None,
        broken_pipe: Callable[[], None] | None = None,
        docker0: tuple[str, str] = DOCKER0,
    ) -> None:
        self._docker0 = docker0
        self.kernel = f"kernel@{host}"
        self.env = env
        self.trace = trace
        self.profile = profile
        self._random = random
        self._next_pipe = next_pipe or iter(range(1, 1 << 60)).__next__
        self._broken_pipe = broken_pipe or _nobody
        self.stack = NetStack(env, trace, f"host@{host}", self._next_pipe, self._broken_pipe)
        self._bridges: dict[str, Bridge] = {}
        self._parents: dict[str, tuple[NetworkSpec, Parent]] = {}  # of macvlan networks, by id
        self._last_index = 2  # lo is 1, the link to the outside 2
        self._sandboxes: dict[str, Sandbox] = {}
        if lan is not None:
            lan.join(host, self.stack)

    def create(self, network: NetworkSpec) -> Process:
        """Process: make a bridge and give the host the gateway's address on it; for a macvlan the device that it
        stands on, unless that is there. Raises DriverError."""
        self._default_bridge()
        wanted = self._wanted(network) if network.driver in macvlan.KINDS else None
        yield self.env.timeout(self.profile.draw("network.create", self._random))
        if wanted is not None:
            self._parents[network.id] = (network, self._parent(network, wanted))
            return
        bridge = self._bridge(network)
        self.trace.step(self.kernel, "bridge add", {"bridge": bridge.name, "subnet": network.subnet})

    def _wanted(self, network: NetworkSpec) -> macvlan.Parent:
        """What a new macvlan network stands on. Raises DriverError."""
        devices = {"lo", *(interface.name for interface in self.stack.interfaces), *(p.name for p in self.stack.made)}
        return macvlan.parent_of(network, devices, (other for other, _ in self._parents.values()))

    def _parent(self, network: NetworkSpec, wanted: macvlan.Parent) -> Parent:
        """The device itself, made where it has to be."""
        under = next((i for i in self.stack.interfaces if i.name == (wanted.lower or wanted.name)), None)
        lan = self.stack.lan if under is not None and under.bridge is None else None
        mac = under.mac if under is not None else _mac(self.kernel, wanted.name)
        index = self._next_index() if wanted.made or under is None else under.index
        parent = Parent(wanted, self.stack, mac, index, lan, internal=network.internal)
        if wanted.made:
            self.stack.made.append(parent)
            what = {"device": wanted.name, **({"parent": wanted.lower} if wanted.vlan else {})}
            self.trace.step(self.kernel, "vlan add" if wanted.vlan else "dummy add", what)
        return parent

    def _bridge(self, network: NetworkSpec) -> Bridge:
        """What the network's endpoints are plugged into. A bridge is made when it is asked for first; docker0 has
        been there all along."""
        if network.id in self._parents:
            return self._parents[network.id][1]
        options = network.options or {}
        name = options.get(BRIDGE_NAME) or f"br-{network.id[:12]}"
        bridge = self._bridges.get(name)
        if bridge is None:
            prefix_length = int(network.subnet.partition("/")[2] or 16)
            mac = _mac(self.kernel, name)
            bridge = self._bridges[name] = Bridge(name, network.gateway, prefix_length, network.internal, mac)
            bridge.isolates = options.get(ENABLE_ICC) == "false"
            bridge.mtu = int(options.get(DRIVER_MTU) or bridge.mtu)
            if network.gateway:
                index = self._next_index()
                self.stack.interfaces.append(
                    Interface(name, network.gateway, prefix_length, mac, bridge=bridge, index=index)
                )
        return bridge

    def _default_bridge(self) -> None:
        """A daemon makes docker0 when it starts; here before it first matters."""
        if "docker0" not in self._bridges:
            self._bridge(NetworkSpec("", "bridge", "bridge", *self._docker0, options={BRIDGE_NAME: "docker0"}))

    def _next_index(self) -> int:
        """The kernel numbers network devices in the order they are made."""
        self._last_index += 1
        return self._last_index

    def delete(self, network: NetworkSpec) -> Process:
        """Process: remove the bridge, or what was made for a macvlan to stand on."""
        yield self.env.timeout(self.profile.draw("network.remove", self._random))
        if network.id in self._parents:
            self._forget(self._parents.pop(network.id)[1])
            return
        bridge = self._bridges.pop(self._bridge(network).name)
        self.stack.interfaces = [i for i in self.stack.interfaces if i.bridge is not bridge]
        self.trace.step(self.kernel, "bridge delete", {"bridge": bridge.name})

    def _forget(self, parent: Parent) -> None:
        if parent.wanted.made:
            self.stack.made.remove(parent)
            what = "vlan delete" if parent.wanted.vlan else "dummy delete"
            self.trace.step(self.kernel, what, {"device": parent.name})

    def sandbox(self, container_id: str, mode: str, resolver: Resolver | None, actor: str = "") -> Sandbox:
        """A namespace of the container's own, the host's, or another container's."""
        self._default_bridge()
        if mode == HOST:
            return Sandbox(container_id, HOST, self.stack)
        if mode != PRIVATE:
            shared = self._sandboxes.get(mode.partition(":")[2])
            if shared is None:
                raise DriverError(f"cannot join network of a non running container: {mode.partition(':')[2]}")
            shared.users += 1
            return shared
        stack = NetStack(self.env, self.trace, actor, self._next_pipe, self._broken_pipe, self.stack, resolver)
        sandbox = self._sandboxes[container_id] = Sandbox(container_id, PRIVATE, stack)
        if resolver is not None:
            _serve_names(stack)
        return sandbox

    def join(self, endpoint: Endpoint, sandbox: Sandbox) -> Process:
        """Process: a veth pair between bridge and sandbox, with the endpoint's address and gateway, or a device
        beside the network's parent.

        The first endpoint of a sandbox also pays for making the namespace. Raises DriverError.
        """
        cost = 0
        if sandbox.fresh:
            sandbox.fresh = False
            cost = self.profile.draw("network.sandbox", self._random)
        network = endpoint.network
        if network.driver in ("null", "host"):
            if cost:
                yield self.env.timeout(cost)
            return
        cost += self.profile.draw("network.join", self._random) + self.profile.draw("network.endpoint", self._random)
        yield self.env.timeout(cost)
        bridge = self._bridge(network)
        stack = sandbox.stack
        name = sandbox.next_name()
        interface = Interface(
            name, endpoint.address, endpoint.prefix_length, endpoint.mac, bridge, endpoint.gateway,
            self._next_index(), network.name,
        )  # fmt: skip
        where = {"address": endpoint.address, "container": sandbox.container_id}
        if isinstance(bridge, Parent):
            self._plug(bridge, stack, interface)
            step = ("macvlan into netns", {"parent": bridge.name, **where})
            if network.driver == macvlan.IPVLAN:
                step = ("ipvlan into netns", step[1])
        else:
            self._next_index()  # the end on the bridge
            bridge.stacks[interface.value] = stack
            step = ("veth into netns", {"bridge": bridge.name, **where})
        stack.interfaces.append(interface)
        if sandbox.devices is None:
            self.trace.step(self.kernel, *step)
        else:
            sandbox.devices.append(step)

    def _plug(self, parent: Parent, stack: NetStack, interface: Interface) -> None:
        """Make a container's device beside its parent. Raises DriverError."""
        kind = parent.wanted.kind
        try:
            if any(p.name == parent.name and p.wanted.kind != kind and p.stacks for _, p in self._parents.values()):
                raise fail(errno.EBUSY)
            parent.plug(stack, interface)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise DriverError(f"failed to create the {kind} port: {reason}") from None

    def leave(self, endpoint: Endpoint, sandbox: Sandbox, *, ending: bool = False) -> Process:
        """Process: delete the veth pair, or the device beside the parent."""
        network = endpoint.network
        if network.driver in ("null", "host"):
            return
        yield self.env.timeout(self.profile.draw("network.leave", self._random))
        bridge = self._bridge(network)
        stack = sandbox.stack
        if isinstance(bridge, Parent):
            bridge.unplug(stack, number(endpoint.address))
        else:
            bridge.stacks.pop(number(endpoint.address), None)
        stack.interfaces = [i for i in stack.interfaces if i.bridge is not bridge]
        kind = network.driver if network.driver in macvlan.KINDS else "veth"
        self.trace.step(self.kernel, f"{kind} delete", {"address": endpoint.address})

    def publish(self, sandbox: Sandbox, endpoint: Endpoint, port: PublishedPort) -> None:
        """A DNAT rule and a docker-proxy for one host port."""
        there = (endpoint.address, port.container_port)
        forward = Forward(self.stack, port.proto, (port.host_ip, port.host_port), sandbox.stack, there)
        try:
            self.stack.bind(forward)
        except OSError as error:
            listen = f"{port.proto}6 [{port.host_ip}]" if ":" in port.host_ip else f"{port.proto}4 {port.host_ip}"
            reason = str(error.strerror).lower()
            raise DriverError(
                f"Error starting userland proxy: listen {listen}:{port.host_port}: bind: {reason}"
            ) from None
        self.trace.step(
            self.kernel,
            "dnat",
            {
                "family": "ipv6" if ":" in port.host_ip else "ipv4",
                "port": f"{port.host_port}/{port.proto}",
                "to": f"{endpoint.address}:{port.container_port}",
            },
        )

    def unpublish(self, sandbox: Sandbox, port: PublishedPort) -> None:
        """Take the rule and the proxy away."""
        for bound in self.stack.bound.get((port.proto, port.host_port), ()):
            if isinstance(bound, Forward) and bound.address == port.host_ip:
                self.stack.unbind(bound)
                return

    def release(self, sandbox: Sandbox) -> None:
        """The last container that used a namespace has ended."""
        sandbox.users -= 1
        if sandbox.users == 0:
            self._sandboxes.pop(sandbox.container_id, None)


def _mac(kernel: str, device: str) -> str:
    """The address of a device that has none of its own."""
    digest = crc32(f"{kernel} {device}".encode())
    return "02:42:" + ":".join(f"{digest >> shift & 255:02x}" for shift in (24, 16, 8, 0))


def _serve_names(stack: NetStack) -> None:
    """The embedded DNS has a port of its own in every namespace; iptables leads port 53 there."""
    if not any(isinstance(socket, Datagrams) and socket.address == EMBEDDED_DNS for socket in _sockets(stack)):
        stack.bind(Listener(stack, EMBEDDED_DNS, stack.ephemeral_port()))
        stack.bind(Datagrams(stack, EMBEDDED_DNS, stack.ephemeral_port()))


def _sockets(stack: NetStack) -> Iterator[Bound]:
    return (socket for sockets in stack.bound.values() for socket in sockets)


def _nobody() -> None:
    """A write that nobody reads, outside any process: there is nobody to signal."""
