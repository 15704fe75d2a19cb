"""How the keys that part a terminal from a container are written: `ctrl-p,ctrl-q` (moby/term's `ToBytes`).

The client watches for them; the daemon refuses what cannot be typed.
"""

from __future__ import annotations

DEFAULT_KEYS = "ctrl-p,ctrl-q"


def key_codes(text: str) -> bytes:
    """The bytes of `ctrl-p,x`. Raises ValueError for a key that is none."""
    codes = bytearray()
    for key in text.split(","):
        control = key.removeprefix("ctrl-")
        if len(key) == 1:
            codes += key.encode()
        elif key.startswith("ctrl-") and len(control) == 1 and (control.islower() or control in "@[\\]^_"):
            codes.append(ord(control.upper()) & 0x1F)
        else:
            raise ValueError(f"Unknown character: '{key}'")
    return bytes(codes)
