"""`docker manifest rm`: forget lists of this user's."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flags, at_least, command
from simdocker.actors.client.manifestlists import EXPERIMENTAL, ManifestStore, named, no_such

SHORT = "Delete one or more manifest lists from local storage"


@command(
    "MANIFEST_LIST [MANIFEST_LIST...]",
    SHORT,
    args=at_least(1),
    long=EXPERIMENTAL.format(SHORT, "rm"),
    alone=True,
)
def manifest_rm(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one by one; the complaints come last."""
    yield from ()
    store = ManifestStore(cli)
    complaints = []
    for text in args:
        try:
            name = named(text)
            if not store.entries(name):
                raise no_such(name)
            store.remove(name)
        except CommandError as fault:
            complaints.append(fault.message)
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0
