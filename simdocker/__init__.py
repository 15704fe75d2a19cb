"""simdocker: a discrete-event simulator of Docker's architecture, for learning how it works."""

__version__ = "0.1.0"
