"""Platforms as people write them: `linux/arm64/v8`, `arm64`, `linux` (containerd's package platforms)."""

from __future__ import annotations

import re

from simdocker.api.gotext import go_quote

_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "armhf": "arm",
    "armel": "arm",
}
_KNOWN_OS = ("linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "aix", "plan9")
_KNOWN_ARCHITECTURES = (
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
_COMPONENT = r"^[A-Za-z0-9_.-]+$"


def platform(text: str) -> str:
    """containerd's platforms.Parse: `linux` → `linux/amd64`, `arm64` → `linux/arm64`. Raises ValueError."""
    parts = text.split("/")
    if len(parts) > 3:
        raise ValueError(f"{go_quote(text)}: cannot parse platform specifier: invalid argument")
    for part in parts:
        if not re.match(_COMPONENT, part):
            raise ValueError(
                f"{go_quote(part)} is an invalid component of {go_quote(text)}: "
                f"platform specifier component must match {go_quote(_COMPONENT)}: invalid argument"
            )
    parts = [part.lower() for part in parts]
    if len(parts) == 1:
        word = _ARCHITECTURES.get(parts[0], parts[0])
        if word in _KNOWN_OS:
            return f"{word}/amd64"
        if word in _KNOWN_ARCHITECTURES:
            return f"linux/{word}"
        raise ValueError(f"{go_quote(text)}: unknown operating system or architecture: invalid argument")
    parts[1] = _ARCHITECTURES.get(parts[1], parts[1])
    if parts[1:] == ["arm64", "v8"]:
        parts.pop()
    return "/".join(parts)
