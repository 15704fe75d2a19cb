"""Draws `scenarios/play.svg`, the README's picture, from a real play: python .ci/picture.py"""

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from simdocker.cli.console import Play
from simdocker.scenario.model import Scenario, Step
from simdocker.scenario.player import Player
from simdocker.scenario.world import World

PULL, RUN = "docker pull -q busybox", "docker run --rm busybox echo hello from a container"
EXPECTED = {"exit": 0, "stdout": "hello from a container\n"}
COLOURS = [
    (90, 95, 105), (255, 120, 115), (150, 225, 120), (240, 205, 120),
    (130, 185, 255), (235, 160, 245), (115, 220, 230), (235, 235, 235),
]  # fmt: skip
THEME = TerminalTheme((28, 30, 36), (225, 225, 225), COLOURS)
"""Light on dark, so that what is dim can still be read."""


class LastStep(Play):
    """Only the last step is in the picture."""

    def step_started(self, step: Step, hosts: Sequence[str]) -> None:
        if step.run == RUN:
            self.console.export_text()  # forgets what was printed before
        super().step_started(step, hosts)


def main() -> None:
    scenario = Scenario.of({"steps": [{"run": PULL}, {"run": RUN, "expect": EXPECTED}]})
    world = World.build(scenario)
    console = Console(record=True, file=io.StringIO(), width=80, force_terminal=True, highlight=False)
    Player(scenario, world, LastStep(console, scenario, world, quiet=False)).play()
    console.save_svg(
        str(Path(__file__).parents[1] / "scenarios" / "play.svg"), title="simdocker run", theme=THEME, unique_id="play"
    )


if __name__ == "__main__":
    main()
