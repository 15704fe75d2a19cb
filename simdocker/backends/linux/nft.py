"""nftables, through libnftables: what the `nft` command does, without a process for each rule (0.3 ms against 12).

One table holds what all bridges of a run need. Its rules never change; networks and published ports are
elements of its sets and maps, so that one more port costs one lookup and not one rule.
"""

from __future__ import annotations

import ctypes
import errno
import os
from threading import Lock

from simdocker.backends.linux.journal import Journal, undoes
from simdocker.backends.ports import PublishedPort

TABLE = "nftables table"
LIBRARY = "libnftables.so.1"

BRIDGES = """
table ip {table} {{
  set bridges {{ type ifname; }}                        # ours
  set same {{ type ifname . ifname; }}                  # each with itself
  set internal {{ type ifname; }}
  set subnets {{ type ipv4_addr; flags interval; }}     # behind bridges that lead outside
  map ports {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
  map ports_of_address {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}

  chain published {{
    dnat ip to ip daddr . meta l4proto . th dport map @ports_of_address
    fib daddr type local dnat ip to meta l4proto . th dport map @ports
  }}
  chain prerouting {{ type nat hook prerouting priority dstnat; jump published; }}
  chain output {{ type nat hook output priority -100; jump published; }}
  chain postrouting {{
    type nat hook postrouting priority srcnat
    ip saddr @subnets oifname != @bridges masquerade
    ip saddr @subnets oifname @bridges ct status dnat masquerade  # a published port, from another container
    ip saddr 127.0.0.0/8 oifname @bridges masquerade              # a published port, from the host's 127.0.0.1
  }}
  chain localnet {{  # route_localnet lets 127.0.0.1 out to the bridges: nothing may come in that way (CVE-2020-8558)
    type filter hook prerouting priority raw
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }}
  chain forward {{
    type filter hook forward priority filter
    iifname . oifname @same accept
    iifname @internal drop
    oifname @internal drop
    oifname @bridges ct state established,related accept
    oifname @bridges ct status dnat accept
    oifname @bridges drop
  }}
}}
"""

DNS = """
table ip simdocker-dns {{
  chain output {{
    type nat hook output priority -100
    ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:{udp}
    ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:{tcp}
  }}
}}
"""


class Nft:
    """Rules of the network namespace its thread is in when it is made. Threads may share it."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise OSError(errno.ENOPKG, f"nftables is not installed ({error})") from None
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self._library = library
        self._context = ctypes.c_void_p(library.nft_ctx_new(0))
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)
        self._lock = Lock()

    def run(self, commands: str) -> None:
        """Commands in nft(8)'s language, all or none. Raises OSError with what nft says."""
        with self._lock:
            if self._library.nft_run_cmd_from_buffer(self._context, commands.encode()) != 0:
                said = self._library.nft_ctx_get_error_buffer(self._context).decode()
                raise OSError(errno.EINVAL, said.partition("\n")[0].rpartition("Error: ")[2])

    def close(self) -> None:
        self._library.nft_ctx_free(self._context)


class Rules:
    """The rules of one run's bridges, in the host's namespace."""

    def __init__(self, journal: Journal) -> None:
        self._nft = Nft()
        self._table = f"simdocker-{journal.instance}"
        journal.record(TABLE, self._table)
        self._nft.run(BRIDGES.format(table=self._table))

    def add_bridge(self, bridge: str, subnet: str, *, internal: bool) -> None:
        self._elements("add", _of_bridge(bridge, subnet, internal))

    def delete_bridge(self, bridge: str, subnet: str, *, internal: bool) -> None:
        self._elements("delete", _of_bridge(bridge, subnet, internal))

    def publish(self, port: PublishedPort, address: str) -> None:
        """Lead a host port to the container port at `address`."""
        self._elements("add", [_of_port(port, f" : {address} . {port.container_port}")])

    def unpublish(self, port: PublishedPort) -> None:
        self._elements("delete", [_of_port(port)])

    def _elements(self, verb: str, elements: list[tuple[str, str]]) -> None:
        lines = (f"{verb} element ip {self._table} {name} {{ {element} }}" for name, element in elements)
        self._nft.run("\n".join(lines))


def lead_to_dns(udp: int, tcp: int) -> None:
    """In this thread's namespace, port 53 of 127.0.0.11 is answered on other ports: the container may want
    its own port 53."""
    nft = Nft()
    try:
        nft.run(DNS.format(udp=udp, tcp=tcp))
    finally:
        nft.close()


@undoes(TABLE)
def remove(table: str) -> bool:
    nft = Nft()
    try:
        nft.run(f"delete table ip {table}")
    except OSError as error:
        if os.strerror(errno.ENOENT) not in str(error):
            raise
        return False
    finally:
        nft.close()
    return True


def _of_bridge(bridge: str, subnet: str, internal: bool) -> list[tuple[str, str]]:
    """A bridge's elements: (set, element)."""
    of_kind = ("internal", bridge) if internal else ("subnets", subnet)
    return [("bridges", bridge), ("same", f"{bridge} . {bridge}"), of_kind]


def _of_port(port: PublishedPort, target: str = "") -> tuple[str, str]:
    """A published port's element: (map, element)."""
    if port.host_ip == "0.0.0.0":
        return "ports", f"{port.proto} . {port.host_port}{target}"
    return "ports_of_address", f"{port.host_ip} . {port.proto} . {port.host_port}{target}"
