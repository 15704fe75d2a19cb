"""The discrete-event floor: the clock, named random streams, shared links, cost profiles.

The names are imported from their modules when first used: `simpy` alone takes 50 ms to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simdocker.des.clock import MS, NO_CAUSE, US, Environment, Process, S, Timeout, rare_gc
    from simdocker.des.fluid import LinkDown
    from simdocker.des.network import Network, NoRoute
    from simdocker.des.profile import Cost, CostProfile
    from simdocker.des.streams import RandomStreams
    from simdocker.des.wall import WallClock

_MODULES = {
    "clock": ("MS", "NO_CAUSE", "US", "Environment", "Process", "S", "Timeout", "rare_gc"),
    "fluid": ("LinkDown",),
    "network": ("Network", "NoRoute"),
    "profile": ("Cost", "CostProfile"),
    "streams": ("RandomStreams",),
    "wall": ("WallClock",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "MS",
    "NO_CAUSE",
    "US",
    "Cost",
    "CostProfile",
    "Environment",
    "LinkDown",
    "Network",
    "NoRoute",
    "Process",
    "RandomStreams",
    "S",
    "Timeout",
    "WallClock",
    "rare_gc",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
