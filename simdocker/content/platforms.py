"""Platforms as people write them, and which image of an index suits one (containerd's package platforms).

A platform is `os/architecture[/variant]`: `linux/amd64`, `linux/arm/v7`. What is left out is taken from
the usual: `linux` is the local machine's architecture, `arm64` is Linux's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from simdocker.api.gotext import go_quote
from simdocker.content.manifest import Descriptor, Platform

AMD64 = Platform("amd64", "linux")

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l", "386": "i686", "s390x": "s390x"}
"""Go's words for architectures → what `uname -m` says there."""
RUNS = {"x86_64": ("x86_64", "i686"), "aarch64": ("aarch64", "armv7l")}
"""Whose programs a processor executes, beside its own."""

_SYNONYMS = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "armhf": "arm",
    "armel": "arm",
}
_OPERATING_SYSTEMS = ("linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "aix", "plan9")
_ARCHITECTURES = (
    "386",
    "amd64",
    "arm",
    "arm64",
    "loong64",
    "mips64le",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390x",
    "wasm",
)
COMPONENT, DAEMONS_COMPONENT = r"^[A-Za-z0-9_.-]+$", r"^[A-Za-z0-9_-]+$"
"""What parts of a platform may look like, today and for dockerd 20.10."""
_ARM = ("v7", "v6", "v5")  # what a processor of one kind also runs, best first
USUAL = {"arm": "v7", "arm64": "v8"}
"""The variant that is meant where none is said."""


def normalized(text: str, local: str = "amd64", component: str = COMPONENT) -> str:
    """containerd's platforms.Parse: `linux` → `linux/amd64` where `local` is that, `arm64` → `linux/arm64`.
    Raises ValueError in its words."""
    parts = text.split("/")
    if len(parts) > 3:
        raise ValueError(f"{go_quote(text)}: cannot parse platform specifier: invalid argument")
    for part in parts:
        if not re.match(component, part):
            raise ValueError(
                f"{go_quote(part)} is an invalid component of {go_quote(text)}: "
                f"platform specifier component must match {go_quote(component)}: invalid argument"
            )
    parts = [part.lower() for part in parts]
    if len(parts) == 1:
        word = _SYNONYMS.get(parts[0], parts[0])
        if word in _OPERATING_SYSTEMS:
            return f"{word}/{local}"
        if word in _ARCHITECTURES:
            return f"linux/{word}"
        raise ValueError(f"{go_quote(text)}: unknown operating system or architecture: invalid argument")
    parts[1] = _SYNONYMS.get(parts[1], parts[1])
    if parts[1:] == ["arm64", "v8"]:
        parts.pop()
    return "/".join(parts)


def parse(text: str, local: str = "amd64", component: str = COMPONENT) -> Platform:
    """A platform from its text. Raises ValueError."""
    system, architecture, *variant = normalized(text, local, component).split("/")
    return Platform(architecture, system, variant[0] if variant else "")


def of_machine(machine: str) -> Platform:
    """The platform of a Linux host by what its `uname -m` says: `linux/amd64`, `linux/arm64/v8`."""
    architecture = next((name for name, word in MACHINES.items() if word == machine), machine)
    return Platform(architecture, "linux", "v8" if architecture == "arm64" else "")


def choose(entries: Iterable[Descriptor], wanted: Platform) -> Descriptor | None:
    """The entry of an index that suits best, None when none does. Where no variant of arm suits, the first is
    taken, as dockerd has done since before it looked at variants (distribution/pull_v2_unix.go)."""
    offered = [(entry, entry.platform) for entry in entries if entry.platform is not None]
    for exact in _acceptable(wanted):
        for entry, platform in offered:
            if _key(platform) == exact:
                return entry
    if wanted.architecture != "arm":
        return None
    return next((entry for entry, p in offered if (p.os, p.architecture) == (wanted.os, "arm")), None)


def suits(wanted: Platform, image: Platform) -> bool:
    """Whether an image that is here is one for the wanted platform (containerd's `Only(wanted).Match`)."""
    acceptable = _acceptable(wanted)
    if wanted.architecture == "arm64":
        acceptable += [(wanted.os, "arm", variant) for variant in ("v8", *_ARM)]
    return _key(image) in acceptable


def _acceptable(wanted: Platform) -> list[tuple[str, str, str]]:
    """Platforms that are as good, best first."""
    system, architecture, variant = _key(wanted)
    if architecture == "arm" and variant in _ARM:
        return [(system, architecture, older) for older in _ARM[_ARM.index(variant) :]]
    return [(system, architecture, variant)]


def _key(platform: Platform) -> tuple[str, str, str]:
    return platform.os, platform.architecture, platform.variant or USUAL.get(platform.architecture, "")
