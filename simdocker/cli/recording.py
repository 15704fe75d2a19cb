"""A play as a terminal shows it, with the simulated time of each piece of text."""

from __future__ import annotations

import io

from simdocker.cli.console import Play
from simdocker.scenario.load import load
from simdocker.scenario.player import Player
from simdocker.scenario.stage import Stage, build


class _Tape(io.StringIO):
    """A terminal that keeps what is written to it, with the time in ns."""

    def __init__(self, world: Stage) -> None:
        super().__init__()
        self.frames: list[tuple[int, str]] = []
        self._world = world

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text:
            self.frames.append((self._world.env.now, text))
        return len(text)


def recorded(
    path: str, *, seed: int | None, profile: str | None, width: int, height: int
) -> tuple[str, list[tuple[int, str]]]:
    """Play the scenario at `path` for a terminal of that size: its title, and what was written when."""
    from rich.console import Console

    scenario = load(path)
    world = build(scenario, backend="sim", seed=seed, profile=profile)
    tape = _Tape(world)
    screen = Console(
        file=tape, force_terminal=True, color_system="standard", width=width, height=height, highlight=False
    )
    show = Play(screen, scenario, world, quiet=False)
    show.opening()
    run = Player(scenario, world, show).play()
    show.closing(run)
    return scenario.title, tape.frames
