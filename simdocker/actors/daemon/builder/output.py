"""What a build says: a stream of JSON messages, most of them text for the terminal.

With `quiet` nothing is said until the build has ended, and then only the image's id, unless it failed.
"""

from __future__ import annotations

from typing import Any

from simdocker.actors.daemon.progress import Message
from simdocker.api import Stream

RED, PLAIN = "\x1b[91m", "\x1b[0m"  # what dockerd puts around what a step writes on standard error


class Output:
    """The messages of one build, written to `stream`."""

    __slots__ = ("_held", "stream")

    def __init__(self, stream: Stream, *, quiet: bool) -> None:
        self.stream = stream
        self._held: list[Message] | None = [] if quiet else None

    def text(self, text: str) -> None:
        """A line, or a part of one."""
        self.message({"stream": text})

    def error_text(self, text: str) -> None:
        """The same, as a step's standard error."""
        self.text(f"{RED}{text}{PLAIN}")

    def message(self, message: Message) -> None:
        """A message as it is, such as a pull's progress."""
        if self._held is not None:
            self._held.append(message)
        else:
            self.stream.write(message)

    def failed(self, message: str, code: int = 0) -> None:
        """The build has failed: what was held back is said now."""
        held, self._held = self._held, None
        for earlier in held or ():
            self.stream.write(earlier)
        detail: dict[str, Any] = {"code": code} if code else {}
        self.stream.write({"errorDetail": {**detail, "message": message}, "error": message})
        self.stream.close()

    def succeeded(self, image_id: str) -> None:
        """The build has ended well."""
        if self._held is not None:
            self.stream.write({"stream": image_id + "\n"})
        self.stream.close()
