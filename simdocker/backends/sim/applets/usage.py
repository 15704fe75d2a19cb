"""The usage texts of busybox's applets, which follow every wrong option."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

BANNER = "BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary."


@lru_cache(maxsize=1)
def _texts() -> dict[str, str]:
    blocks = Path(__file__).with_name("usage.txt").read_text(encoding="utf-8").split("\f")[1:]
    return dict(block.split("\n", 1) for block in blocks)


def usage(name: str) -> str:
    """What the applet prints about itself."""
    text = _texts().get(name)
    return f"{BANNER}\n\n{text}" if text else ""
