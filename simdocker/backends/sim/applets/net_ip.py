"""ip: addresses, links, routes and neighbours of this network namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simdocker.backends.capabilities import NET_ADMIN
from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Usage
from simdocker.backends.sim.applets.net_devices import Device, devices, routes
from simdocker.backends.sim.interfaces import number
from simdocker.backends.sim.macvlan import ANYWHERE

SHOW = ("show", "list", "lst", "ls")
CHANGES = ("add", "del", "delete", "append", "change", "chg", "replace", "flush")
INET, INET6, LINK = "inet", "inet6", "link"


class View:
    """The options before the object: which family is shown, and whether on one line each."""

    __slots__ = ("call", "family", "oneline")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.family = ""
        self.oneline = False

    def lines(self, *lines: str) -> None:
        """Print one record."""
        self.call.out(("\\".join(lines) if self.oneline else "\n".join(lines)) + "\n")


@applet("ip")
def ip(call: Call) -> int:
    view = View(call)
    words = list(call.args)
    while words and words[0].startswith("-"):
        _option(view, words)
    if not words:
        raise Usage
    for name, run in OBJECTS.items():
        if name.startswith(words[0]):
            return run(view, words[1:])
    raise Usage


def _option(view: View, words: list[str]) -> None:
    option = words.pop(0).lstrip("-")
    if option in ("4", "6", "0"):
        view.family = {"4": INET, "6": INET6, "0": LINK}[option]
    elif option and "oneline".startswith(option):
        view.oneline = True
    elif option and "family".startswith(option) and words:
        view.family = words.pop(0)
    else:
        raise Usage


def _verb(words: Sequence[str], known: Sequence[str], *, status: int = 1) -> str:
    """The first word, which may be shortened; "show" without one. Raises Failure."""
    if not words:
        return "show"
    found = next((verb for verb in known if verb.startswith(words[0])), None)
    if found is None:
        raise Failure(f"invalid argument '{words[0]}' to 'ip'", status)
    return "show" if found in SHOW else found


def _chosen(view: View, words: Sequence[str], *, status: int = 1) -> list[Device]:
    """The devices that `[dev] NAME` means, all without. Raises Failure for one that is not there."""
    found = devices(view.call.p.net)
    name = next((word for word in words if word not in ("dev", "up", "scope", "global", "link", "host")), None)
    if name is not None:
        found = [device for device in found if device.name == name]
        if not found:
            raise Failure(f"can't find device '{name}'", status)
    return [device for device in found if device.up] if "up" in words else found


def _refuse_change(view: View) -> None:
    if not view.call.p.capable(NET_ADMIN):
        raise Failure("RTNETLINK answers: Operation not permitted", 2)
    raise Failure("RTNETLINK answers: Operation not supported", 2)


# addresses and links


def _address(view: View, words: list[str]) -> int:
    if _verb(words, (*CHANGES, *SHOW)) != "show":
        if "dev" not in words:
            raise Failure('need "dev IFACE"')
        _refuse_change(view)
    for device in _chosen(view, words[1:]):
        addresses = _addresses(device, view.family)
        if view.family and view.family != LINK and not addresses:
            continue
        if view.oneline:
            for address, lifetime in addresses:
                view.lines(f"{device.index}: {device.name}{address}", lifetime)
            continue
        link = [] if view.family in (INET, INET6) else [_hardware(device)]
        view.lines(_headline(device), *link, *(line for address in addresses for line in address))
    return 0


def _addresses(device: Device, family: str) -> list[tuple[str, str]]:
    """Two lines for each address of a device: the address, how long it holds."""
    found = []
    interface = device.interface
    if interface is not None and family in ("", INET):
        broadcast = "" if device.is_loopback or interface.prefix_length == 32 else f" brd {interface.broadcast}"
        scope = "host" if device.is_loopback else "global"
        found.append(f"    inet {interface.address}/{interface.prefix_length}{broadcast} scope {scope} {device.name}")
    if family in ("", INET6):
        found += [f"    inet6 {address} scope host " for address in device.ipv6]
    return [(line, "       valid_lft forever preferred_lft forever") for line in found]


def _headline(device: Device) -> str:
    peer = f"@{device.peer}" if device.peer else ""
    master = f"master {device.master} " if device.master else ""
    qlen = f"qlen {device.qlen}" if device.qlen else ""
    flags = ",".join(device.flags)
    return f"{device.index}: {device.name}{peer}: <{flags}> mtu {device.mtu} qdisc {device.qdisc} {master}{qlen}"


def _hardware(device: Device) -> str:
    if device.is_loopback:
        return f"    link/loopback {device.mac} brd {device.mac}"
    return f"    link/ether {device.mac} brd ff:ff:ff:ff:ff:ff"


def _link(view: View, words: list[str]) -> int:
    if _verb(words, ("add", "delete", "set", *SHOW), status=2) == "set":
        return _set_link(view, words[1:])
    if words and words[0].startswith(("a", "d")):
        _refuse_change(view)
    for device in _chosen(view, words[1:], status=2):
        view.lines(_headline(device), _hardware(device))
    return 0


def _set_link(view: View, words: list[str]) -> int:
    """`ip link set IFACE up|down`."""
    words = [word for word in words if word != "dev"]
    if not words:
        raise Failure('"dev" requires an argument', 2)
    device = next((device for device in devices(view.call.p.net) if device.name == words[0]), None)
    if device is None:
        raise Failure("SIOCGIFFLAGS: No such device", 2)
    if not view.call.p.capable(NET_ADMIN):
        raise Failure("SIOCSIFFLAGS: Operation not permitted", 2)
    for word in words[1:]:
        if word not in ("up", "down") or device.interface is None:
            _refuse_change(view)
        elif device.interface is not None:
            device.interface.up = word == "up"
    return 0


# routes


def _route(view: View, words: list[str]) -> int:
    verb = _verb(words, ("get", "test", *CHANGES, *SHOW))
    if verb == "get":
        return _route_to(view, words[1:])
    if verb != "show":
        if len(words) == 1 and verb == "flush":
            raise Failure('"ip route flush" requires an argument')
        return _change_route(view, verb, words[1:])
    if view.family == INET6:
        return 0
    device = words[words.index("dev") + 1] if "dev" in words[:-1] else ""
    subnet = next((word for word in words[1:] if word[:1].isdigit()), "")
    for route in routes(view.call.p.net):
        interface = route.interface
        if (device and interface.name != device) or (subnet and f"{route.subnet}/{interface.prefix_length}" != subnet):
            continue
        if route.gateway == ANYWHERE:
            view.lines(f"default dev {interface.name} scope link ")
        elif route.is_default:
            view.lines(f"default via {route.gateway} dev {interface.name} ")
        else:
            target = f"{route.subnet}/{interface.prefix_length}"
            view.lines(f"{target} dev {interface.name} scope link  src {interface.address} ")
    return 0


def _route_to(view: View, words: list[str]) -> int:
    if not words:
        raise Failure("need at least destination address")
    net, target = view.call.p.net, words[0].partition("/")[0]
    try:
        interface = net.route(target)
    except ValueError:
        raise Failure(f"invalid argument '{words[0]}' to 'inet prefix'") from None
    except OSError as error:
        raise Failure(f"RTNETLINK answers: {error.strerror}", 2) from None
    if interface is None:
        view.lines(f"local {target} dev lo  src {target} ")
    else:
        via = "" if interface.on_link(number(target)) else f"via {interface.gateway} "
        view.lines(f"{target} {via}dev {interface.name}  src {interface.address} ")
    return 0


def _change_route(view: View, verb: str, words: list[str]) -> int:
    """`ip route add default via ADDRESS` and `ip route del default`: the others are the kernel's own."""
    net = view.call.p.net
    if not view.call.p.capable(NET_ADMIN):
        raise Failure("RTNETLINK answers: Operation not permitted", 2)
    default = net.default_route()
    match (verb, words):
        case ("del" | "delete", ["default", *_]):
            if default is None:
                raise Failure("RTNETLINK answers: No such process", 2)
            default.gateway = ""
        case ("add" | "replace" | "change", ["default", "via", gateway, *_]):
            if default is not None and verb == "add":
                raise Failure("RTNETLINK answers: File exists", 2)
            interface = next((each for each in net.interfaces if each.up and each.on_link(number(gateway))), None)
            if interface is None:
                raise Failure("RTNETLINK answers: Network is unreachable", 2)
            if default is not None:
                default.gateway = ""
            interface.gateway = gateway
        case _:
            _refuse_change(view)
    return 0


# the rest


def _neighbours(view: View, words: list[str]) -> int:
    if _verb(words, ("flush", *SHOW)) != "show":
        _refuse_change(view)
    for address, (device, mac) in view.call.p.net.neighbours.items():
        view.lines(f"{address} dev {device} lladdr {mac} ref 1 used 0/0/0 probes 4 REACHABLE")
    return 0


def _rule(view: View, words: list[str]) -> int:
    if _verb(words, ("add", "delete", *SHOW)) != "show":
        _refuse_change(view)
    for priority, table in ((0, "local"), (32766, "main"), (32767, "default")):
        view.lines(f"{priority}:\tfrom all lookup {table} ")
    return 0


def _tunnel(view: View, words: list[str]) -> int:
    if words and words[0] not in SHOW:
        _refuse_change(view)
    return 0


OBJECTS: dict[str, Callable[[View, list[str]], int]] = {
    "address": _address, "route": _route, "r": _route, "link": _link, "tunnel": _tunnel, "tunl": _tunnel,
    "neigh": _neighbours, "rule": _rule,
}  # fmt: skip
"""In the order in which busybox matches a shortened name."""
