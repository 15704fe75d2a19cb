"""What an answer looks like to a client that speaks another version of the API than 1.41.

Everything the daemon says is 1.41's. What later versions took away (as published up to 1.47) is taken away here,
what they added to an endpoint is added, and what an engine 20.10 tells older clients (back to 1.24) in another way
is told so, all by the version in the request's path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from simdocker.api import Request, Response
from simdocker.api.wire import to_wire


class Gone(NamedTuple):
    """Fields that an answer has no longer from a version on. `path` is a route's first and last word; the fields
    stand in the answer, or in what it says under `within`."""

    since: int  # the minor version, as all are 1.something
    path: tuple[str, str]
    fields: tuple[str, ...]
    within: str = ""


GONE = (
    Gone(42, ("info", "info"), ("KernelMemory", "KernelMemoryTCP", "ClusterStore", "ClusterAdvertise")),
    Gone(42, ("containers", "json"), ("KernelMemory",), "HostConfig"),
    Gone(44, ("images", "json"), ("VirtualSize",)),
    Gone(44, ("system", "df"), ("VirtualSize",), "Images"),
    Gone(44, ("system", "df"), ("BuilderSize",)),
    Gone(45, ("images", "json"), ("Container", "ContainerConfig")),
)
PREDEFINED = ("bridge", "host", "none")
SPOKEN = 41
NAMED_SECURITY_OPTIONS = 25
NETWORKS_ALONE = 28  # the list of networks says no longer who is on them
DNS_NAMES = 44


def minor(version: str) -> int:
    """Which of the versions 1.something is spoken; a request without a version is answered in 1.41."""
    return int(version.partition(".")[2].partition(".")[0] or 0) if version else SPOKEN


def fitted(request: Request, response: Response) -> Response:
    """The answer as the client's version has it."""
    version = minor(request.version)
    if NAMED_SECURITY_OPTIONS <= version <= SPOKEN or request.method != "GET" or response.status != 200:
        return response
    words = request.path.strip("/").split("/")
    path = words[0], words[-1]
    if version < NAMED_SECURITY_OPTIONS:
        if path == ("info", "info"):
            _old_info(response)
        return response
    fields = [gone for gone in GONE if gone.since <= version and gone.path == path]
    if fields:
        response.body = to_wire(response.body)
    for gone in fields:
        for shown in _objects(response.body):
            for holder in _objects(shown.get(gone.within)) if gone.within else (shown,):
                for name in gone.fields:
                    holder.pop(name, None)
    if version >= DNS_NAMES and path == ("containers", "json") and isinstance(response.body, dict):
        _name_endpoints(response.body)
    return response


def _old_info(response: Response) -> None:
    """Before 1.25 a security option was its name alone, and there had been other drivers to run containers."""
    options = [option.partition(",")[0].removeprefix("name=") for option in response.body["SecurityOptions"] or ()]
    response.body |= {"SecurityOptions": options, "ExecutionDriver": "<not supported>"}


def _name_endpoints(container: dict[str, Any]) -> None:
    """What the embedded DNS server answers to; the default bridge has none."""
    own = [container["Name"].removeprefix("/")]
    last = [container["Id"][:12], container["Config"]["Hostname"]]
    for network, endpoint in container["NetworkSettings"]["Networks"].items():
        names = dict.fromkeys([*own, *(endpoint["Aliases"] or ()), *last])
        endpoint["DNSNames"] = list(names) if network not in PREDEFINED else []


def _objects(body: Any) -> Iterable[dict[str, Any]]:
    """The JSON object that a body is, or those in its list."""
    if isinstance(body, dict):
        return (body,)
    return [shown for shown in body if isinstance(shown, dict)] if isinstance(body, list) else ()
