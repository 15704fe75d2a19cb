"""The causal trace: what every actor writes and every output reads."""

from simdocker.trace.record import MESSAGE, NOTE, PLAYER, ROOT, STATE, STEP, Record, Trace, load, writer

__all__ = ["MESSAGE", "NOTE", "PLAYER", "ROOT", "STATE", "STEP", "Record", "Trace", "load", "writer"]
