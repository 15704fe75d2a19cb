"""The world a prompt opens in, and writing what was done in it as a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simdocker.errors import UserError
from simdocker.scenario.load import load_world, text_of
from simdocker.scenario.pace import INTERRUPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simdocker.scenario.model import Scenario
    from simdocker.scenario.session import Entry, Session

DEFAULT: dict[str, Any] = {"title": "One host and Docker Hub", "steps": [{"run": "docker version"}]}
WORTH_WAITING = 500_000_000  # ns; shorter pauses between two commands are not written down


def open_world(path: str | None, text: str | None = None) -> tuple[Scenario, dict[str, Any]]:
    """The scenario whose world is used (the file's, or a `text` that was read from it before), and the keys of
    its file that describe it. Raises ScenarioError."""
    if path is not None:
        return load_world(path, text_of(path) if text is None else text)
    from simdocker.scenario.model import Scenario

    return Scenario.of(DEFAULT), {}


def save(session: Session, described: dict[str, Any], path: str) -> list[Entry]:
    """Write what was typed as a scenario that `simdocker run` plays → the entries that it cannot hold,
    because keys were typed while they ran. Raises UserError."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts of several lines as blocks, as a person writes them."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    typed_into = [entry for entry in session.entries if any(keys != INTERRUPT for _, keys in entry.keys)]
    steps = [step for entry in session.entries if entry not in typed_into for step in _steps(session, entry)]
    if not steps:
        raise UserError("there is nothing to save yet: type a command first")
    scenario = {"title": Path(path).stem.replace("-", " "), "seed": session.world.seed, **described, "steps": steps}
    try:
        Path(path).write_text(yaml.dump(scenario, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    return typed_into


def _steps(session: Session, entry: Entry) -> Iterator[dict[str, Any]]:
    """A wait where the world went on during the pause, then the command."""
    if entry.pause_ns >= WORTH_WAITING and (entry.stirred or not entry.line):
        yield {"wait": f"{entry.pause_ns / 1e9:.3g}s"}
    if entry.line:
        step: dict[str, Any] = {"run": entry.line}
        if len(session.world.machines) > 1:
            step["on"] = entry.host
        if entry.keys:  # Ctrl-C, which a scenario presses when the time is up
            step["timeout"] = f"{max(1, entry.keys[0][0] // 1_000_000)}ms"
        yield step
