"""/hello of the hello-world image: its one message."""

from __future__ import annotations

from simdocker.backends.hello_world import greeting
from simdocker.backends.sim.program import Blocking, Process, program


@program("hello")
def hello(p: Process) -> Blocking:
    """Process: say it."""
    yield from p.write(1, greeting(p.machine))
    return 0
