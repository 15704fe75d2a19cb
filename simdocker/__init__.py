"""simdocker: a discrete-event simulator of Docker's architecture, for learning how it works.

    from simdocker import compare, play

    run = play("scenarios/04-layers-and-the-pull-cache.yaml", seed=7)   # or play(["docker run -d nginx", "docker ps"])
    run.passed, run.steps[0].stdout, run.trace                          # what came of it, and all that happened
    run.after(0).images, run.at("1.2s").containers                      # the world at any instant, as docker inspect
    run.trace_frame(), run.step_frame(), run.call_frame()               # pandas DataFrames, with simdocker[notebook]
    other = run.fork("1.2s", ["docker ps"])                             # the same until then, and then something else
    compare(run, other)
    show(run), show(run, other)                                         # in a notebook: the page that moves

`program` and `driver` register a program or a driver of your own (notebooks/README.md). The names are imported from
their modules when first used, so that `import simdocker` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not imported: each process of a container's passes here, and takes along what was
if TYPE_CHECKING:
    from typing import Any

    from simdocker.backends.sim.drivers import driver
    from simdocker.backends.sim.program import program
    from simdocker.des import CostProfile
    from simdocker.errors import UserError
    from simdocker.scenario.compare import Comparison, compare
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.moment import Moment
    from simdocker.scenario.player import play
    from simdocker.scenario.report import RunReport
    from simdocker.scenario.result import Run
    from simdocker.web.inline import show

__version__ = "0.1.0"

__all__ = [
    "Comparison", "CostProfile", "Moment", "Run", "RunReport", "Scenario", "UserError", "__version__", "compare",
    "driver", "play", "program", "show",
]  # fmt: skip

_HOMES = {
    "Comparison": "scenario.compare",
    "CostProfile": "des",
    "Moment": "scenario.moment",
    "Run": "scenario.result",
    "RunReport": "scenario.report",
    "Scenario": "scenario.model",
    "UserError": "errors",
    "compare": "scenario.compare",
    "driver": "backends.sim.drivers",
    "play": "scenario.player",
    "program": "backends.sim.program",
    "show": "web.inline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
