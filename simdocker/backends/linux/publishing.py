"""Host ports that lead to a container: taken with a socket, as docker-proxy does, led on by a rule.

The socket keeps the port from others and finds it taken; nobody reads from it, because the kernel rewrites
what arrives before it gets there.
"""

from __future__ import annotations

import os
import socket

from simdocker.backends.ports import DriverError, PublishedPort

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def reserve(port: PublishedPort) -> socket.socket | None:
    """Take a port of the host; None for a protocol that Python has no sockets for. Raises DriverError with
    Docker's sentence."""
    kind = KINDS.get(port.proto)
    if kind is None:
        return None
    ipv6 = ":" in port.host_ip
    taken = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, kind)
    try:
        if ipv6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((port.host_ip, port.host_port))
    except OSError as error:
        taken.close()
        listen = f"{port.proto}6 [{port.host_ip}]" if ipv6 else f"{port.proto}4 {port.host_ip}"
        reason = os.strerror(error.errno or 0).lower()
        raise DriverError(f"Error starting userland proxy: listen {listen}:{port.host_port}: bind: {reason}") from None
    return taken
