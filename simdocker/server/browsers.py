"""Pages in somebody's browser, which must not command a daemon on that person's own machine.

A port of the loopback asks for no password, as whoever reaches it is on this machine; but so is a browser, with pages
from anywhere. A page can send what needs no leave of the server (a POST without a body), and one whose name is made to
point to 127.0.0.1 (DNS rebinding) everything. Browsers say with what they send which page it is for (`Origin`), and
under what name they have dialled (`Host`): both must be of this machine. dockerd checks neither, and warns of TCP
without TLS.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from urllib.parse import urlsplit

from aiohttp.web import BaseRequest


def refused(http: BaseRequest, names: Container[str]) -> str:
    """Why the request is not answered, or nothing. `names` are other hosts that are meant to be here."""
    if http.transport is None or not isinstance(http.transport.get_extra_info("sockname"), tuple):
        return ""  # a socket that is a file, or TLS: there are permissions
    origin, host = http.headers.get("Origin"), http.headers.get("Host", "")
    if origin is not None and not _near(_name(origin)):
        return f"a page of {origin} has no business here"
    if host and host.lower() not in names and _name(f"//{host}") not in names and not _near(_name(f"//{host}")):
        return f"the host {host} is not served here: use localhost"
    return ""


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _near(name: str) -> bool:
    """Whether a name is one that nobody else can point to this machine: an address is no name."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
