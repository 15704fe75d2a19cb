"""The causal trace: what every actor writes and every output reads."""

from simdocker.trace.record import MESSAGE, NOTE, ROOT, STATE, STEP, Record, Trace, load, writer

__all__ = ["MESSAGE", "NOTE", "ROOT", "STATE", "STEP", "Record", "Trace", "load", "writer"]
