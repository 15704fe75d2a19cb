"""How each applet is called, which busybox prints after every wrong option.

synopses.txt has an applet a line, a further form of its command line after a space. The descriptions
that the real busybox prints below are texts under the GPL and no part of this project (NOTICE says why the
synopses are).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

BANNER = "BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary."


@lru_cache(maxsize=1)
def _synopses() -> dict[str, str]:
    text = Path(__file__).with_name("synopses.txt").read_text(encoding="utf-8")
    entries = text.replace("\n ", "\0").splitlines()
    return {entry.split()[0]: entry.replace("\0", "\n") for entry in entries}


def usage(name: str) -> str:
    """What the applet prints about itself."""
    synopsis = _synopses().get(name)
    return f"{BANNER}\n\n{f'Usage: {synopsis}' if synopsis else 'No help available'}\n"
