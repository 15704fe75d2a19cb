"""The prompt itself: a line editor with history, completion and lines that go on (prompt_toolkit)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.output import ColorDepth

from simdocker.backends.sim.shell.grammar import unfinished
from simdocker.cli.shell_commands import is_desk_command
from simdocker.scenario.completion import candidates

if TYPE_CHECKING:
    from simdocker.cli.shell import Desk

MENU_LINES = 8


class Prompt:
    """Asks for one line after another."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._session: PromptSession[str] = PromptSession(
            history=_history(),
            completer=_Completer(desk),
            complete_while_typing=False,
            key_bindings=_keys(),
            multiline=True,
            prompt_continuation="> ",
            reserve_space_for_menu=MENU_LINES,
            color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
        )

    def ask(self) -> str | None:
        """The next line, None when there will be no more. Ctrl-C gives up the line."""
        while True:
            try:
                return self._session.prompt([("ansigreen bold", self._desk.prompt())])
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None

    def take_ahead(self) -> bytes:
        """What was typed behind the line in the same breath: it may be meant for what the line starts."""
        return "".join(key.data for key in get_typeahead(self._session.input)).encode()

    def give_back(self, typed: bytes) -> None:
        """What nobody asked for is the beginning of the next line."""
        keys: list[KeyPress] = []
        Vt100Parser(keys.append).feed_and_flush(typed.decode(errors="replace"))
        store_typeahead(self._session.input, keys)


def _history() -> History:
    """What was typed in earlier sessions, where the desktop's rules put such things (XDG_STATE_HOME)."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    try:
        path = Path(state).expanduser() / "simdocker" / "history"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            return FileHistory(str(path))
    except (OSError, RuntimeError):  # no home, or none that can be written
        return InMemoryHistory()


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def enter(event: KeyPressEvent) -> None:
        """Takes a completion that is being chosen; ends a line that is finished; else begins another."""
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif not is_desk_command(buffer.text) and unfinished(buffer.text, bash=True):
            buffer.newline()
        else:
            buffer.validate_and_handle()

    return keys


class _Completer(Completer):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        if text.startswith(":"):
            yield from self._ours(text)
            return
        begun, found = candidates(text, self._desk.session, self._desk.host)
        for candidate in found:
            yield Completion(candidate.text, -len(begun), display_meta=candidate.note)

    def _ours(self, text: str) -> Iterable[Completion]:
        name, blank, begun = text[1:].partition(" ")
        if not blank:
            for other, command in self._desk.commands.items():
                if other.startswith(name):
                    yield Completion(f":{other}", -len(text), display_meta=command.act.__doc__ or "")
            return
        words = list(self._desk.session.world.machines) if name == "on" else []
        if name in self._desk.commands:
            words += [word for word in self._desk.commands[name].usage.strip("[]").split("|") if word.islower()]
        for word in words:
            if word.startswith(begun):
                yield Completion(word, -len(begun))
