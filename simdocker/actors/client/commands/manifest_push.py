"""`docker manifest push`: put a list where its images are."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.manifestlists import (
    EXPERIMENTAL,
    Entry,
    ManifestStore,
    named,
    no_such,
    repository,
)
from simdocker.actors.client.values import BOOL
from simdocker.actors.distribution.directory import ConnectionFailed
from simdocker.actors.distribution.repository import Repository
from simdocker.actors.distribution.session import Refused
from simdocker.content.manifest import client_index
from simdocker.content.reference import Reference, parse

SHORT = "Push a manifest list to a repository"


@command(
    "[OPTIONS] MANIFEST_LIST",
    SHORT,
    args=exactly(1),
    long=EXPERIMENTAL.format(SHORT, "push"),
    flags=[
        Flag("insecure", "", BOOL, "Allow push to an insecure registry"),
        Flag("purge", "p", BOOL, "Remove the local manifest list after push"),
    ],
    alone=True,
)
def manifest_push(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: push a list.

    1. The images of other repositories are mounted into this one: their blobs, then their manifests.
    2. The list itself is put under its tag.
    """
    target = named(args[0])
    store = ManifestStore(cli)
    entries = store.entries(target)
    if not entries:
        raise no_such(target)
    for entry in entries:
        _check(entry, target)
    there = repository(cli, target, flags.on("insecure"))
    index = client_index(tuple(entry.descriptor for entry in entries))
    try:
        yield from there.ping()
        for entry in entries:
            if parse(entry.ref).path != target.path:
                yield from _mount(cli, there, entry, target)
        yield from there.put_manifest(target.tag, index)
    except ConnectionFailed as fault:
        raise CommandError(f"failed to configure transport: error pinging v2 registry: {fault.message}") from None
    except Refused as fault:
        raise CommandError(fault.message) from None
    cli.out(f"{index.digest}\n")
    if flags.on("purge"):
        store.remove(target)
    return 0


def _check(entry: Entry, target: Reference) -> None:
    source = parse(entry.ref)
    if source.domain != target.domain:
        raise CommandError(
            "cannot use source images from a different registry than the target image: "
            f"{source.domain} != {target.domain}"
        )
    if not (entry.platform.os and entry.platform.architecture):
        raise CommandError(f"manifest {entry.ref} must have an OS and Architecture to be pushed to a registry")


def _mount(cli: Cli, there: Repository, entry: Entry, target: Reference) -> Generator[Event, Any, None]:
    """Process: an image of another repository is in this one too; no bytes of its layers move."""
    source = parse(entry.ref).path
    for part in (entry.manifest.config, *entry.manifest.layers):
        if (yield from there.mount(part.digest, source)):
            raise CommandError(f"unable to mount blob {part.digest} from {source}")
    digest = entry.manifest.digest
    yield from there.put_manifest(digest, entry.manifest)
    name = Reference(target.domain, target.path).with_digest(digest)
    cli.out(f"Pushed ref {name.canonical} with digest: {digest}\n")
