"""Where an engine listens: what `--host`, DOCKER_HOST, DOCKER_CONTEXT or the current docker context says.

The order is the docker CLI's. An endpoint is `unix:///PATH` or `tcp://HOST:PORT`; TLS and ssh are not spoken here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from simdocker.errors import UserError

DEFAULT = "unix:///var/run/docker.sock"


def found(host: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """The address of the engine to use. Raises UserError for one that cannot be spoken to from here."""
    address = host or environ.get("DOCKER_HOST") or _context(environ) or DEFAULT
    scheme, colon, rest = address.partition("://")
    if not colon or scheme not in ("unix", "tcp") or not rest:
        raise UserError(f"an engine's address is unix:///PATH or tcp://HOST:PORT, not {address!r}")
    if scheme == "tcp" and not rest.rpartition(":")[2].rstrip("/").isdigit():
        raise UserError(f"the engine's address {address!r} lacks a port, such as tcp://localhost:2375")
    return address.rstrip("/") if scheme == "tcp" else address


def _context(environ: Mapping[str, str]) -> str:
    """The endpoint of the docker context in use; "" for the default one. Raises UserError for one that is missing."""
    home = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME") or "/", ".docker"))
    name = environ.get("DOCKER_CONTEXT") or _member(Path(home, "config.json"), "currentContext")
    if not name or name == "default":
        return ""
    meta = Path(home, "contexts", "meta", sha256(name.encode()).hexdigest(), "meta.json")
    if not meta.exists():
        raise UserError(f"the docker context {name!r} is not there: no {meta}")
    return _member(meta, "Endpoints", "docker", "Host")


def _member(path: Path, *keys: str) -> str:
    """The text at `keys` in a JSON file; "" where there is none."""
    try:
        value = json.loads(path.read_bytes())
        for key in keys:
            value = value[key]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return value if isinstance(value, str) else ""


def dialled(address: str) -> tuple[str, int]:
    """(path, 0) of a unix socket, (host, port) of a TCP address."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        return rest, 0
    host, _, port = rest.rpartition(":")
    return host.strip("[]"), int(port)
