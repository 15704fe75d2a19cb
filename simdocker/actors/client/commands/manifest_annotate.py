"""`docker manifest annotate`: say what platform an image of a list is for."""

from __future__ import annotations

from msgspec.structs import replace

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.manifestlists import EXPERIMENTAL, ManifestStore, named
from simdocker.actors.client.values import STRING, repeated
from simdocker.content.manifest import Platform

SHORT = "Add additional information to a local image manifest"
UNIX = ("386", "amd64", "arm", "arm64")
VALID = {
    "darwin": UNIX,
    "dragonfly": ("amd64",),
    "freebsd": ("386", "amd64", "arm"),
    "linux": (*UNIX, "mips64le", "mips64", "mipsle", "mips", "ppc64le", "ppc64", "riscv64", "s390x"),
    "netbsd": ("386", "amd64", "arm"),
    "openbsd": ("386", "amd64", "arm"),
    "plan9": ("386", "amd64"),
    "solaris": ("amd64",),
    "windows": UNIX,
}
"""Docker's table of systems and their architectures (cli/command/manifest/util.go)."""


@command(
    "[OPTIONS] MANIFEST_LIST MANIFEST",
    SHORT,
    args=exactly(2),
    long=EXPERIMENTAL.format(SHORT, "annotate"),
    flags=[
        Flag("arch", "", STRING, "Set architecture"),
        Flag("os", "", STRING, "Set operating system"),
        Flag("os-features", "", repeated("strings"), "Set operating system feature"),
        Flag("os-version", "", STRING, "Set operating system version"),
        Flag("variant", "", STRING, "Set architecture variant"),
    ],
    alone=True,
)
def manifest_annotate(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: what is not said stays as it was found."""
    yield from ()
    target = named(args[0], f"annotate: error parsing name for manifest list {args[0]}: ")
    image = named(args[1], f"annotate: error parsing name for manifest {args[1]}: ")
    store = ManifestStore(cli)
    entry = store.get(target, image)
    if entry is None:
        raise CommandError(f"manifest for image {args[1]} does not exist in {args[0]}")
    before = entry.platform
    features = [feature for text in flags.many("os-features") for feature in text.split(",")]
    platform = Platform(
        flags.text("arch") or before.architecture,
        flags.text("os") or before.os,
        flags.text("variant") or before.variant,
        flags.text("os-version") or before.os_version,
        tuple(dict.fromkeys((*before.os_features, *features))),
    )
    if platform.architecture not in VALID.get(platform.os, ()):
        given = f"{flags.text('os')}/{flags.text('arch')}"
        raise CommandError(f"manifest entry for image has unsupported os/arch combination: {given}")
    store.save(target, image, replace(entry, platform=platform))
    return 0
