"""ifconfig, route, arp and arping: the older tools for devices, routes and neighbours."""

from __future__ import annotations

from simdocker.backends.capabilities import NET_ADMIN, NET_RAW
from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.net_devices import Device, devices, routes
from simdocker.backends.sim.applets.net_ping import milliseconds, whole
from simdocker.backends.sim.interfaces import dotted, number
from simdocker.backends.sim.names import resolve
from simdocker.backends.sim.netstack import S

ROUTES = "Kernel IP routing table\nDestination     Gateway         Genmask         Flags "


@applet("ifconfig")
def ifconfig(call: Call) -> int:
    args = list(call.args)
    everything = args[:1] == ["-a"]
    if everything:
        args.pop(0)
    found = sorted(devices(call.p.net), key=lambda device: device.name)
    if args:
        chosen = [device for device in found if device.name == args[0]]
        if len(args) > 1:
            return _configure(call, chosen[0] if chosen else None, args[1:])
        if not chosen:
            raise Failure(f"{args[0]}: error fetching interface information: Device not found")
        found = chosen
    elif not everything:
        found = [device for device in found if device.up]
    for device in found:
        call.out(_paragraph(device))
    return 0


def _configure(call: Call, device: Device | None, words: list[str]) -> int:
    """`ifconfig IFACE up|down`."""
    if device is None or device.interface is None:
        raise Failure("SIOCSIFADDR: No such device")
    if not call.p.capable(NET_ADMIN):
        raise Failure("SIOCSIFFLAGS: Operation not permitted")
    for word in words:
        if word not in ("up", "down"):
            raise Failure("SIOCSIFADDR: Operation not supported")
        device.interface.up = word == "up"
    return 0


def _paragraph(device: Device) -> str:
    if device.is_loopback:
        lines = [f"{device.name:<10}Link encap:Local Loopback  "]
    else:
        lines = [f"{device.name:<10}Link encap:Ethernet  HWaddr {device.mac.upper()}  "]
    interface = device.interface
    if interface is not None:
        broadcast = "" if device.is_loopback else f"Bcast:{interface.broadcast}  "
        lines.append(f"inet addr:{interface.address}  {broadcast}Mask:{dotted(interface.mask)}")
    lines += [f"inet6 addr: {address} Scope:Host" for address in device.ipv6]
    shown = ("UP", "BROADCAST", "LOOPBACK", "RUNNING", "MULTICAST")
    have = {*device.flags, *(["RUNNING"] if "LOWER_UP" in device.flags else [])}
    lines += [
        f"{' '.join(flag for flag in shown if flag in have)}  MTU:{device.mtu}  Metric:1",
        "RX packets:0 errors:0 dropped:0 overruns:0 frame:0",
        "TX packets:0 errors:0 dropped:0 overruns:0 carrier:0",
        f"collisions:0 txqueuelen:{device.qlen} ",
        "RX bytes:0 (0.0 B)  TX bytes:0 (0.0 B)",
    ]
    return f"\n{' ' * 10}".join(lines) + "\n\n"


@applet("route")
def route(call: Call) -> int:
    found = options(call, "A:ne", permute=False)
    if found.args:
        if found.args[0] not in ("add", "del", "delete"):
            raise Usage
        reason = "Operation not supported" if call.p.capable(NET_ADMIN) else "Operation not permitted"
        raise Failure(f"SIOC{'ADD' if found.args[0] == 'add' else 'DEL'}RT: {reason}")
    call.out(routing_table(call, numeric="n" in found, windows="e" in found))
    return 0


def routing_table(call: Call, *, numeric: bool, windows: bool) -> str:
    """What `route` and `netstat -r` show; with `windows` the columns of TCP instead of metrics."""
    text = ROUTES + ("  MSS Window  irtt Iface\n" if windows else "Metric Ref    Use Iface\n")
    for line in routes(call.p.net):
        target = line.subnet if numeric or not line.is_default else "default"
        gateway = line.gateway or ("0.0.0.0" if numeric else "*")
        columns = f"{target:<15} {gateway:<15} {dotted(line.mask):<15} "
        if windows:
            columns += f"{'UG' if line.is_default else 'U':<6}{0:>5} {0:<5} {0:>6} "
        else:
            columns += f"{'UG' if line.is_default else 'U':<6}{0:<6} {0:<2} {0:>7} "
        text += f"{columns}{line.interface.name}\n"
    return text


@applet("arp")
def arp(call: Call) -> Status:
    found = options(call, "A:p:H:t:i:adnDsv")
    neighbours = call.p.net.neighbours
    if "s" in found or "d" in found:
        if not found.args:
            raise Usage
        yield from ()
        verb = "SIOCSARP" if "s" in found else "SIOCDARP(priv)"
        reason = "Network is unreachable" if call.p.capable(NET_ADMIN) else "Operation not permitted"
        raise Failure(f"{verb}: {reason}")
    device = found.value("i")
    wanted = (yield from resolve(call.p, found.args[0])) if found.args else []
    if found.args and not wanted:
        raise Failure(f"{found.args[0]}: Unknown host")
    shown = 0
    for address, (name, mac) in neighbours.items():
        if (wanted and address not in wanted) or (device and name != device):
            continue
        shown += 1
        call.out(f"? ({address}) at {mac} [ether]  on {name}\n")
    if (wanted or device) and not shown:
        call.out(f"No match found in {len(neighbours)} entries\n")
    return 0


@applet("arping")
def arping(call: Call) -> Status:
    found = options(call, "fqbDUAc:w:I:s:")
    if len(found.args) != 1:
        raise Usage
    net, name = call.p.net, found.value("I", "eth0")
    interface = next((each for each in net.interfaces if each.name == name), None)
    if interface is None:
        raise Failure(f"interface {name} not found: No such device", 2)
    if not call.p.capable(NET_RAW):
        raise Failure("socket(AF_PACKET,2,8): Operation not permitted", 2)
    addresses = yield from resolve(call.p, found.args[0])
    if not addresses:
        raise Failure(f"bad address '{found.args[0]}'", 2)
    target, quiet = addresses[0], "q" in found
    count, limit = whole(found, "c", 0), whole(found, "w", 0) * S
    if not quiet:
        call.out(f"ARPING {target} from {interface.address} {name}\n")
    sent = received = 0
    start = int(call.p.clock.now)
    while not count or sent < count:
        sent += 1
        way = net.way_to(target) if interface.on_link(number(target)) else None
        rest = S
        if way is not None:
            yield from call.p.sleep(2 * way.one_way_ns)
            rest -= 2 * way.one_way_ns
            received += 1
            if not quiet:
                mac = net.neighbours[target][1] if target in net.neighbours else interface.mac
                call.out(f"Unicast reply from {target} [{mac}] {milliseconds(2 * way.one_way_ns)}ms\n")
                yield from call.flush()
            if "f" in found or sent == count:
                break
        if limit and int(call.p.clock.now) + rest - start > limit:
            rest = max(limit - (int(call.p.clock.now) - start), 0)
        yield from call.p.sleep(rest)
        if limit and int(call.p.clock.now) - start >= limit:
            break
    if not quiet:
        call.out(
            f"Sent {sent} probe(s) (0 broadcast(s))\nReceived {received} response(s) (0 request(s), 0 broadcast(s))\n"
        )
    if "D" in found:
        return int(bool(received))
    return int(not received)
