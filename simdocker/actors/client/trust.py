"""Docker Content Trust: with DOCKER_CONTENT_TRUST=1 only signed images are pulled, run and pushed.

Signatures are kept by a notary server: notary.docker.io for Docker Hub, else the registry's own host. None is
simulated, so what is said here is what docker says where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

from simpy import Event

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.values import go_quote, parse_bool
from simdocker.actors.distribution.directory import RESOLVER, ConnectionFailed
from simdocker.actors.wire import not_dialled, not_found
from simdocker.api import Request
from simdocker.content.reference import HUB, InvalidReference, Reference, parse_as_cli

NOTARY = "notary.docker.io"
LATEST_RELEASES = "releases"  # the delegation that all signers are in
_NAME = re.compile(r"[a-z0-9][a-z0-9\-_]*")


def trusted(cli: Cli, flags: Flags) -> bool:
    """Whether images have to be signed: `--disable-content-trust`, else DOCKER_CONTENT_TRUST."""
    if flags.changed("disable-content-trust"):
        return not flags.on("disable-content-trust")
    text = cli.terminal.env.get("DOCKER_CONTENT_TRUST", "")
    try:
        return bool(text) and parse_bool(text)
    except ValueError:
        return True  # docker takes what it cannot read for a yes


def refusal(cli: Cli, reference: Reference) -> Generator[Event, Any, CommandError]:
    """Process → what docker says of an image without signatures."""
    why = yield from unreachable(cli, reference)
    if why.startswith("valid https"):
        return CommandError(f"error establishing connection to trust repository: {why}")
    if why:
        return CommandError(f"Error: error contacting notary server: {why}")
    name, domain = reference.name, reference.domain
    return CommandError(
        f"Error: remote trust data does not exist for {name}: {domain} does not have trust data for {name}"
    )


def unreachable(cli: Cli, reference: Reference) -> Generator[Event, Any, str]:
    """Process → why there is no notary server, "" for one that answers and has nothing."""
    server = cli.terminal.env.get("DOCKER_CONTENT_TRUST_SERVER", "")
    if server:
        try:
            parts = urlsplit(server)
            scheme, host, port = parts.scheme, parts.hostname or "", parts.port or 443
        except ValueError:  # brackets without an address, a port that is no number
            scheme = ""
        if scheme != "https":
            return f"valid https URL required for trust server, got {server}"
        if host == "localhost" or host.startswith("127."):
            return not_dialled(f"127.0.0.1:{port}", "connection refused")
        return not_found(host, RESOLVER)
    if reference.domain == HUB:
        return not_found(NOTARY, RESOLVER)
    if cli.registries is None:
        return not_found(reference.domain.partition(":")[0], RESOLVER)
    try:
        yield from cli.registries(reference.domain, "https").call(Request("GET", "/v2/"))
    except ConnectionFailed as fault:
        return fault.message.partition('": ')[2]
    return ""


def check_signer(name: str, what: str) -> None:
    """Raises CommandError for a name that no key or signer may have."""
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"{what} name {go_quote(name)} must start with lowercase alphanumeric characters and can include "
            '"-" or "_" after the first character'
        )


def tagged(text: str, *, needs_tag: bool) -> Reference:
    """The image of `trust sign` and `trust revoke`. Raises CommandError."""
    try:
        reference = parse_as_cli(text)
    except InvalidReference as fault:
        raise CommandError(fault.message) from None
    if reference.digest:
        raise CommandError("cannot use a digest reference for IMAGE:TAG")
    if needs_tag and not reference.tag:
        raise CommandError(f"no tag specified for {text}")
    return reference
