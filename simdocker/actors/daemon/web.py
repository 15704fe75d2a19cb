"""What the daemon would fetch by HTTP: `docker import URL`, `ADD URL`. No web server of this world has a name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simdocker.actors.daemon.etc_files import NAME_SERVER
from simdocker.actors.wire import not_answered, not_found

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

SCHEMES = ("http://", "https://")


def unreachable(daemon: Daemon, url: str) -> str:
    """What Go's net/http says of a URL that leads nowhere."""
    try:
        host = urlsplit(url).hostname
    except ValueError:  # a bracket without an address
        return f"parse \"{url}\": missing ']' in host"
    if not host:
        return not_answered("Get", url.removesuffix("//"), "http: no Host in request URL")
    return not_answered("Get", url, not_found(host, f"{daemon.host_facts.get('NameServer', NAME_SERVER)}:53"))
