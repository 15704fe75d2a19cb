"""The keys that part a terminal from a container and leave it running: how they are written, `ctrl-p,ctrl-q`
(moby/term's `ToBytes`), and how to watch for them (its `EscapeProxy`).

The client watches for them, and so does the daemon, for clients that do not; it refuses what cannot be typed.
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


class DetachKeys:
    """Watches what is typed for the sequence; keys that may begin it are held back until that is known."""

    __slots__ = ("_codes", "_held", "complete")

    def __init__(self, text: str = "") -> None:
        try:
            self._codes = key_codes(text or DEFAULT_KEYS)
        except ValueError:  # the daemon will say so
            self._codes = key_codes(DEFAULT_KEYS)
        self._held = b""
        self.complete = False

    def passed(self, typed: bytes) -> bytes:
        """What of `typed` goes on to the container; nothing once the sequence is `complete`."""
        out = bytearray()
        for byte in typed:
            self._held += bytes((byte,))
            if not self._codes.startswith(self._held):
                out += self._held
                self._held = b""
            elif self._held == self._codes:
                self.complete = True
                break
        return bytes(out)
