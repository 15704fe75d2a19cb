"""The modelled machine: a filesystem, a kernel, and the four drivers a daemon stands on."""

from simdocker.backends.sim.machine import Machine

__all__ = ["Machine"]
