"""`docker manifest create`: begin a list of images for several platforms."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.manifestlists import EXPERIMENTAL, INSECURE, IsList, ManifestStore, fetch, named
from simdocker.actors.client.values import BOOL

SHORT = "Create a local manifest list for annotating and pushing to a registry"


@command(
    "MANIFEST_LIST MANIFEST [MANIFEST...]",
    SHORT,
    args=at_least(2),
    long=EXPERIMENTAL.format(SHORT, "create"),
    flags=[
        Flag("amend", "a", BOOL, "Amend an existing manifest list"),
        INSECURE,
    ],
    alone=True,
)
def manifest_create(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: look each image up, here or in its registry, and keep what it is."""
    target = named(args[0], f"error parsing name for manifest list {args[0]}: ")
    store = ManifestStore(cli)
    if store.entries(target) and not flags.on("amend"):
        raise CommandError("refusing to amend an existing manifest list with no --amend flag")
    for text in args[1:]:
        image = named(text)
        entry = store.get(target, image)
        if entry is None:
            try:
                entry = yield from fetch(cli, image, flags.on("insecure"))
            except IsList:
                raise CommandError(f"{image.canonical} is a manifest list") from None
        store.save(target, image, entry)
    cli.out(f"Created manifest list {target.canonical}\n")
    return 0
