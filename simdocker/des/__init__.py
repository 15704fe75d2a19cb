"""The discrete-event floor: the clock, named random streams, shared links, cost profiles."""

from simdocker.des.clock import MS, NO_CAUSE, US, Environment, Process, S, Timeout
from simdocker.des.fluid import LinkDown
from simdocker.des.network import Network, NoRoute
from simdocker.des.profile import Cost, CostProfile
from simdocker.des.streams import RandomStreams

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
]
