"""Where `simdocker serve` can be reached beside its socket: the Engine API on TCP, the registries on a port."""

from __future__ import annotations

import ssl
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from simdocker.actors.registry.front import HEADERS
from simdocker.errors import UserError
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.listening import Door, address, alone
from simdocker.server.tls import trust

REGISTRY = "registry"  # what the bridge calls the door to the registries
LARGEST_REQUEST = 16 << 20  # bytes of one request to a registry that is not for a blob
FILES = {"--tlscacert": "ca.pem", "--tlscert": "cert.pem", "--tlskey": "key.pem"}  # in ~/.docker, as for dockerd
CODES = {403: "DENIED", 404: "UNSUPPORTED", 413: "SIZE_INVALID", 500: "UNKNOWN"}

Address = tuple[str, int]


class Doors(NamedTuple):
    """What was asked for, checked."""

    tcp: Address | None = None
    registry: Address | None = None
    tls: ssl.SSLContext | None = None

    @property
    def registry_name(self) -> str | None:
        """What the door's own registry is called, by real daemons and simulated ones."""
        return None if self.registry is None else f"localhost:{self.registry[1]}"

    @property
    def registry_scheme(self) -> str:
        return "https" if self.registry is not None and not alone(self.registry[0]) else "http"

    def beside(self, edge: Edge, registries: Container[str] = ()) -> Iterator[Door]:
        """All of them, where `edge` answers at the socket. `registries` are the names of the world's."""
        if self.tcp is not None:
            yield Door(edge, *self.tcp, self.tls)
        if self.registry is not None:
            tls = self.tls if self.registry_scheme == "https" else None
            yield Door(registry_edge(edge.bridge, registries), *self.registry, tls)

    def told(self) -> Iterator[str]:
        """How to use them."""
        if self.tcp is not None:
            yield f"or  export DOCKER_HOST=tcp://{shown(self.tcp)}"
            if self.tls is not None:
                yield "    export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=DIR   (with your ca.pem, cert.pem, key.pem)"
        if self.registry is not None:
            at = f"localhost:{self.registry[1]}" if self.registry_scheme == "http" else shown(self.registry)
            yield f"The registries are at {at}:"
            yield f"    docker pull {at}/library/busybox"
            yield f"    docker push {at}/my/app"


def registry_edge(bridge: Bridge, names: Container[str] = ()) -> Edge:
    """What answers real clients of registries."""

    def wrong(status: int, text: str) -> object:
        return {"errors": [{"code": CODES.get(status, "UNSUPPORTED"), "message": text, "detail": None}]}

    return Edge(bridge, None, HEADERS, REGISTRY, wrong, LARGEST_REQUEST, uploads=True, names=names)


def opened(tcp: str | None, registry: str | None, verify: bool, *files: Path | None, real: bool = False) -> Doors:
    """The doors that are asked for; `files` are those of --tlscacert, --tlscert and --tlskey. A `real` daemon is not
    on TCP without TLS. Raises UserError."""
    given = dict(zip(FILES, files, strict=True))
    tls: ssl.SSLContext | None = None
    if verify:
        usual = Path.home() / ".docker"
        tls = trust(*(path or usual / FILES[option] for option, path in given.items()))
    elif lone := [option for option, path in given.items() if path is not None]:
        raise UserError(f"{lone[0]}: only with --tlsverify, which asks clients for a certificate")
    at = _address("--tcp", tcp, 2376 if verify else 2375)
    door = _address("--registry", registry, 5000)
    if verify and at is None and (door is None or alone(door[0])):
        raise UserError("--tlsverify: nothing is served over TLS; add --tcp HOST:PORT, or --registry HOST:PORT")
    if at is not None and not verify:
        if real:
            raise UserError(
                f"--tcp {tcp}: whoever is on this machine would be root; with --backend linux use the socket, "
                "or --tlsverify"
            )
        if not alone(at[0]):
            raise UserError(
                f"--tcp {tcp}: without TLS client certificates whoever reaches {at[0]} would command this daemon: "
                f"use 127.0.0.1:{at[1]}, or --tlsverify"
            )
    if door is not None and not verify and not alone(door[0]):
        raise UserError(
            f"--registry {registry}: without TLS whoever reaches {door[0]} could push: use {door[1]} alone, "
            "or --tlsverify"
        )
    if at is not None and door is not None and at[1] == door[1]:
        raise UserError(f"--registry {registry}: --tcp is at that port already")
    return Doors(at, door, tls)


def _address(option: str, text: str | None, usual: int) -> Address | None:
    return None if text is None else address(option, text, usual)


def shown(at: Address) -> str:
    """As one writes it."""
    host, port = at
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
