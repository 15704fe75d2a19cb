"""simdocker: a discrete-event simulator of Docker's architecture, for learning how it works.

    from simdocker import Scenario, play

    run = play(Scenario.load("scenarios/04-layers-and-the-pull-cache.yaml"), seed=7)
    run.passed, run.steps[0].stdout, run.trace, run.world.daemon("laptop").containers

The names are imported from their modules when first used, so that `import simdocker` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simdocker.errors import UserError
    from simdocker.scenario.compare import compare
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.player import play
    from simdocker.scenario.report import RunReport
    from simdocker.scenario.result import Run

__version__ = "0.1.0"

__all__ = ["Run", "RunReport", "Scenario", "UserError", "__version__", "compare", "play"]

_HOMES = {
    "Run": "scenario.result",
    "RunReport": "scenario.report",
    "Scenario": "scenario.model",
    "UserError": "errors",
    "compare": "scenario.compare",
    "play": "scenario.player",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
