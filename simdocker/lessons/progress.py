"""What a learner has done so far: one JSON file in their data directory, replaced whole at every change.

A lesson that was begun is kept as what was typed in it. The simulation gives the same world again, so typing it
again in silence is resuming it (as `:undo` does at the prompt).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from simdocker.errors import UserError


class Typed(msgspec.Struct):
    """A line of a session, or with `line` "" a wait: what is needed to do it again. Keys are in Latin-1."""

    host: str
    line: str
    pause_ns: int = 0
    size: tuple[int, int] = (80, 24)
    keys: list[tuple[int, str]] = []


class Standing(msgspec.Struct, omit_defaults=True):
    """How far one lesson has come: goals met in the session that is kept, hints read, answers given."""

    done: bool = False
    goals: int = 0
    hints: int = 0
    predicted: list[str] = []
    typed: list[Typed] = []

    @property
    def begun(self) -> bool:
        """Whether there is something to resume."""
        return bool(self.typed or self.predicted)


class Progress:
    """The standings of all lessons by name, and the file they are kept in."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _place()
        self.lessons: dict[str, Standing] = self._read()

    def of(self, lesson: str) -> Standing:
        """How far a lesson has come."""
        return self.lessons.setdefault(lesson, Standing())

    def keep(self) -> None:
        """Write it down. Raises UserError where that cannot be."""
        kept = {name: standing for name, standing in self.lessons.items() if standing != Standing()}
        text = msgspec.json.format(msgspec.json.encode({"lessons": kept}), indent=1)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise UserError(
                f"your progress cannot be kept in {self.path}: {error.strerror}; "
                "SIMDOCKER_DATA may name another directory"
            ) from None

    def _read(self) -> dict[str, Standing]:
        """Raises UserError for a file that is none of ours: it is not overwritten."""
        try:
            data = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise UserError(f"your progress in {self.path} cannot be read: {error.strerror}") from None
        try:
            return msgspec.json.decode(data, type=dict[str, dict[str, Standing]])["lessons"]
        except (msgspec.MsgspecError, KeyError):
            raise UserError(f"{self.path} does not hold a learner's progress; move it away to begin anew") from None


def _place() -> Path:
    """SIMDOCKER_DATA, or where the desktop's rules put a user's data (XDG_DATA_HOME)."""
    named = os.environ.get("SIMDOCKER_DATA")
    if named:
        return Path(named) / "progress.json"
    try:
        data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    except RuntimeError:  # no home
        raise UserError("there is no home to keep your progress in; SIMDOCKER_DATA may name a directory") from None
    return data / "simdocker" / "progress.json"
