"""Watching what is typed for the keys that part a terminal from a container and leave it running
(moby/term's `EscapeProxy`)."""

from __future__ import annotations

from simdocker.api.detachkeys import DEFAULT_KEYS, key_codes


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
