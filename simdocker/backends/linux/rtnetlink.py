"""Links, addresses and routes, as `ip` makes them: rtnetlink(7) over a plain socket.

A message is a header, a fixed structure, and attributes (type, length, value). Requests go out in one
datagram and the kernel answers each. The socket belongs to the network namespace its thread was in when
it was opened, wherever that thread is later. (Through pyroute2 a container's network takes three times
as long, and its import 0.3 s.)
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Interface
from threading import Lock
from time import sleep
from typing import NamedTuple

import msgspec

# linux/netlink.h
NLMSG_ERROR, NLMSG_DONE = 2, 3
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
EXCL, CREATE = 0x200, 0x400
ACK_TLVS = 0x200  # an answer with a sentence
SOL_NETLINK, CAP_ACK, EXT_ACK = 270, 10, 11
ERROR_SENTENCE = 1
# linux/rtnetlink.h
NEWLINK, DELLINK, GETLINK, SETLINK, NEWADDR, NEWROUTE, DELROUTE, GETROUTE = 16, 17, 18, 19, 20, 24, 25, 26
TABLE_MAIN, PROTO_BOOT, SCOPE_UNIVERSE, SCOPE_LINK, SCOPE_NOWHERE, UNICAST = 254, 3, 0, 253, 255, 1
ROUTE_DST, ROUTE_OIF, ROUTE_GATEWAY = 1, 4, 5
# linux/if_link.h, if_addr.h, if.h, veth.h
MAC, NAME, MTU, PARENT, MASTER, PROTINFO, LINKINFO, STATS64, GROUP, NETNS_FD = 1, 3, 4, 5, 10, 12, 18, 23, 27, 28
OPERSTATE, OPER_UP = 16, b"\6"
KIND, DATA = 1, 2
VETH_PEER, MACVLAN_MODE, IPVLAN_MODE, VLAN_ID, BRIDGE_PORT_HAIRPIN, BRIDGE_PORT_ISOLATED = 1, 1, 1, 1, 4, 33
MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
IPVLAN_MODES = {"l2": 0, "l3": 1}
ADDRESS, LOCAL, BROADCAST = 1, 2, 4
IFF_UP = 1
NESTED = 0x8000

OURS = 0x5D0C
"""The group (`ip link show group 23820`) of every link made here: a name alone does not tell whose it is."""


class Message(NamedTuple):
    """A request: its type, flags and payload."""

    type: int
    flags: int
    payload: bytes


class Link(msgspec.Struct, frozen=True):
    """A network device as the kernel shows it: `running` when it has a carrier; `received` and `sent` in bytes."""

    index: int
    name: str
    group: int
    running: bool
    received: int
    sent: int


class RtNetlink:
    """A socket to one namespace's network configuration. Threads may share it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(SOL_NETLINK, CAP_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self._lock = Lock()

    def close(self) -> None:
        self._socket.close()

    def do(self, *messages: Message) -> None:
        """Carry out requests in order. Raises OSError for the first that failed, when all were tried."""
        with self._lock:
            self._socket.send(b"".join(_packed(m, m.flags | ACK, number) for number, m in enumerate(messages)))
            error: OSError | None = None
            waiting = len(messages)
            while waiting:
                for type, flags, payload in _unpacked(self._socket.recv(1 << 16)):
                    if type == NLMSG_ERROR:
                        waiting -= 1
                        error = error or _error(flags, payload)
        if error is not None:
            raise error

    def links(self) -> Iterator[Link]:
        """Every network device."""
        return map(_link, self._dump(GETLINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0)))

    def link(self, name: str) -> Link:
        """The device of that name. Raises OSError (ENODEV)."""
        return _link(self._ask(Message(GETLINK, 0, _ifinfo() + _text(NAME, name))))

    def wait_for_carrier(self, name: str) -> None:
        """Wait until a device that is up on both ends passes packets. The kernel sees to that in a worker of
        its own (net/core/link_watch.c), and what is sent before is lost; to look at the device hurries it."""
        for _ in range(100):
            if self.link(name).running:
                return
            sleep(0.000_5)

    def routed(self) -> list[str]:
        """Where the host's routes lead, as CIDR, without the default one."""
        found: list[str] = []
        for payload in self._dump(GETROUTE, struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)):
            length, table, destination = payload[1], payload[4], _attributes(payload[12:]).get(ROUTE_DST)
            if table == TABLE_MAIN and destination:
                found.append(f"{socket.inet_ntoa(destination)}/{length}")
        return found

    def _ask(self, message: Message) -> bytes:
        """The one answer to a question."""
        with self._lock:
            self._socket.send(_packed(message, 0, 0))
            [(type, flags, payload)] = _unpacked(self._socket.recv(1 << 16))
        if type == NLMSG_ERROR and (error := _error(flags, payload)):
            raise error
        return payload

    def _dump(self, type: int, payload: bytes) -> list[bytes]:
        with self._lock:
            self._socket.send(_packed(Message(type, 0, payload), DUMP, 0))
            found: list[bytes] = []
            while True:
                for type, flags, answer in _unpacked(self._socket.recv(1 << 18)):
                    if type == NLMSG_DONE:
                        return found
                    if type == NLMSG_ERROR and (error := _error(flags, answer)):
                        raise error
                    found.append(answer)


# -- requests ----------------------------------------------------------------------------------------


def add_bridge(name: str, mac: str) -> Message:
    """A bridge, up. Its address is fixed, else it would change with its ports."""
    attributes = _text(NAME, name) + _attribute(MAC, _mac(mac)) + _number(GROUP, OURS) + _info("bridge")
    return Message(NEWLINK, CREATE | EXCL, _ifinfo(flags=IFF_UP) + attributes)


def add_veth(name: str, bridge: int, peer: str, mac: str, namespace: int) -> Message:
    """A pair: `name` a port of the bridge numbered so, `peer` (down) in the namespace of that descriptor."""
    other = _ifinfo() + _text(NAME, peer) + _attribute(MAC, _mac(mac)) + _number(NETNS_FD, namespace)
    attributes = _text(NAME, name) + _number(MASTER, bridge) + _number(GROUP, OURS)
    info = _info("veth", _attribute(VETH_PEER | NESTED, other))
    return Message(NEWLINK, CREATE | EXCL, _ifinfo(flags=IFF_UP) + attributes + info)


def add_wire(name: str, other: str) -> Message:
    """A pair that leads nowhere: with both ends up, a device with a carrier for macvlans to share."""
    info = _info("veth", _attribute(VETH_PEER | NESTED, _ifinfo() + _text(NAME, other) + _number(GROUP, OURS)))
    return Message(NEWLINK, CREATE | EXCL, _ifinfo() + _text(NAME, name) + _number(GROUP, OURS) + info)


def add_vlan(name: str, lower: int, vlan: int) -> Message:
    """A sub-interface: what goes through it is on the lower device's wire under the number of a VLAN."""
    attributes = _text(NAME, name) + _number(PARENT, lower) + _number(GROUP, OURS)
    return Message(NEWLINK, CREATE | EXCL, _ifinfo() + attributes + _info("vlan", _short(VLAN_ID, vlan)))


def add_macvlan(name: str, parent: int, mac: str, namespace: int, mode: str) -> Message:
    """Another MAC address on the parent's wire, in a namespace."""
    attributes = _text(NAME, name) + _attribute(MAC, _mac(mac)) + _number(PARENT, parent)
    info = _info("macvlan", _number(MACVLAN_MODE, MACVLAN_MODES[mode]))
    return Message(NEWLINK, CREATE | EXCL, _ifinfo() + attributes + _number(NETNS_FD, namespace) + info)


def add_ipvlan(name: str, parent: int, mode: str, namespace: int) -> Message:
    """Another device with the parent's MAC address, in a namespace."""
    attributes = _text(NAME, name) + _number(PARENT, parent) + _number(NETNS_FD, namespace)
    info = _info("ipvlan", _short(IPVLAN_MODE, IPVLAN_MODES[mode]))
    return Message(NEWLINK, CREATE | EXCL, _ifinfo() + attributes + info)


def set_port(port: int, *, isolated: bool) -> Message:
    """A bridge port may get back what it sent (a container that calls its own published port), and when
    isolated nothing from another isolated one."""
    modes = _attribute(BRIDGE_PORT_HAIRPIN, b"\1") + _attribute(BRIDGE_PORT_ISOLATED, bytes([isolated]))
    return Message(SETLINK, 0, _ifinfo(port, family=socket.AF_BRIDGE) + _attribute(PROTINFO | NESTED, modes))


def set_up(name: str) -> Message:
    return Message(NEWLINK, 0, _ifinfo(flags=IFF_UP) + _text(NAME, name))


def delete_link(index: int) -> Message:
    return Message(DELLINK, 0, _ifinfo(index))


def add_address(index: int, address: str, length: int) -> Message:
    interface = IPv4Interface(f"{address}/{length}")
    packed, broadcast = interface.packed, interface.network.broadcast_address.packed
    header = struct.pack("=BBBBI", socket.AF_INET, length, 0, SCOPE_UNIVERSE, index)
    attributes = _attribute(LOCAL, packed) + _attribute(ADDRESS, packed) + _attribute(BROADCAST, broadcast)
    return Message(NEWADDR, CREATE | EXCL, header + attributes)


def add_default_route(gateway: str, index: int) -> Message:
    return Message(NEWROUTE, CREATE | EXCL, _default_route(SCOPE_UNIVERSE, gateway, index))


def add_default_route_through(index: int) -> Message:
    """A default route that names a device alone."""
    header = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, TABLE_MAIN, PROTO_BOOT, SCOPE_LINK, UNICAST, 0)
    return Message(NEWROUTE, CREATE | EXCL, header + _number(ROUTE_OIF, index))


def delete_default_route(gateway: str, index: int) -> Message:
    return Message(DELROUTE, 0, _default_route(SCOPE_NOWHERE, gateway, index))


def _default_route(scope: int, gateway: str, index: int) -> bytes:
    header = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, TABLE_MAIN, PROTO_BOOT, scope, UNICAST, 0)
    return header + _attribute(ROUTE_GATEWAY, socket.inet_aton(gateway)) + _number(ROUTE_OIF, index)


# -- packing -----------------------------------------------------------------------------------------


def _packed(message: Message, flags: int, number: int) -> bytes:
    text = struct.pack("=IHHII", 16 + len(message.payload), message.type, REQUEST | flags, number, 0) + message.payload
    return text + bytes(-len(text) % 4)


def _unpacked(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The messages of a datagram: type, flags, payload."""
    offset = 0
    while offset < len(data):
        length, type, flags = struct.unpack_from("=IHH", data, offset)
        yield type, flags, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _error(flags: int, payload: bytes) -> OSError | None:
    """What an answer says: nothing wrong, or an error number and perhaps a sentence."""
    (number,) = struct.unpack_from("=i", payload)
    if number == 0:
        return None
    sentence = _attributes(payload[20:]).get(ERROR_SENTENCE, b"") if flags & ACK_TLVS else b""
    return OSError(-number, sentence.rstrip(b"\0").decode() or os.strerror(-number))


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        found[kind & ~NESTED] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def _link(payload: bytes) -> Link:
    attributes = _attributes(payload[16:])
    _packets_in, _packets_out, received, sent = struct.unpack_from("=QQQQ", attributes[STATS64])
    name = attributes[NAME].rstrip(b"\0").decode()
    (index,), (group,) = struct.unpack_from("=i", payload, 4), struct.unpack("=I", attributes[GROUP])
    return Link(index, name, group, attributes[OPERSTATE] == OPER_UP, received, sent)


def _ifinfo(index: int = 0, flags: int = 0, family: int = socket.AF_UNSPEC) -> bytes:
    return struct.pack("=BxHiII", family, 0, index, flags, flags)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _short(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=H", value))


def _info(kind: str, data: bytes = b"") -> bytes:
    return _attribute(LINKINFO | NESTED, _text(KIND, kind) + (_attribute(DATA | NESTED, data) if data else b""))


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
