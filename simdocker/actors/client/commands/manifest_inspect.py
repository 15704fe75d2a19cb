"""`docker manifest inspect`: what a name stands for, here or in its registry."""

from __future__ import annotations

import json
from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, between, command
from simdocker.actors.client.manifestlists import (
    EXPERIMENTAL,
    INSECURE,
    Entry,
    IsList,
    ManifestStore,
    fetch,
    fetch_all,
    named,
    no_such,
)
from simdocker.actors.client.values import BOOL
from simdocker.content.manifest import client_index

SHORT = "Display an image manifest, or manifest list"


@command(
    "[OPTIONS] [MANIFEST_LIST] MANIFEST",
    SHORT,
    args=between(1, 2),
    long=EXPERIMENTAL.format(SHORT, "inspect"),
    flags=[
        INSECURE,
        Flag("verbose", "v", BOOL, "Output additional info including layers and platform"),
    ],
    alone=True,
)
def manifest_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: an image of a list; or a list of this user's; or what the registry has."""
    store, verbose, insecure = ManifestStore(cli), flags.on("verbose"), flags.on("insecure")
    name = named(args[-1])
    if len(args) > 1:
        entry = store.get(named(args[0]), name)
        if entry is None:
            raise no_such(name)
        return _show(cli, entry, verbose)
    entries = store.entries(name)
    if not entries:
        try:
            return _show(cli, (yield from fetch(cli, name, insecure)), verbose)
        except IsList as found:
            entries = yield from fetch_all(cli, name, found.index, insecure)
    if verbose:
        cli.out(_tabbed([entry.plain() for entry in entries]))
    else:
        cli.out(client_index(tuple(entry.descriptor for entry in entries)).encoded.decode() + "\n")
    return 0


def _show(cli: Cli, entry: Entry, verbose: bool) -> int:
    cli.out(_tabbed(entry.plain() if verbose else json.loads(entry.manifest.encoded)))
    return 0


def _tabbed(document: Any) -> str:
    return json.dumps(document, indent="\t") + "\n"
