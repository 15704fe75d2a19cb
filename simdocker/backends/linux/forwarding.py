"""Whether this machine leads packets on from one network to another (net.ipv4.ip_forward).

Containers on a bridge have no way out without it, so dockerd turns it on, for good. Here it is as before when the last
run that needed it has ended: each notes in its journal how it was before the first.
"""

from __future__ import annotations

from pathlib import Path

from simdocker.backends.linux.journal import Journal, alone, of_the_living, undoes

FORWARDING = "sysctl ip_forward"
FILE = Path("/proc/sys/net/ipv4/ip_forward")
ON = "1"


def begin(journal: Journal) -> None:
    """Have packets led on until this run's end at the earliest. Raises OSError."""
    directory = journal.path.parent
    if any(kind == FORWARDING for kind, _ in journal.entries()):
        return
    with alone(directory):
        others = of_the_living(directory, FORWARDING)
        before = others[0].partition(" ")[0] if others else FILE.read_text().strip()
        if before != ON:
            journal.record(FORWARDING, f"{before} {directory}")
            FILE.write_text(ON)


@undoes(FORWARDING)
def end(name: str) -> bool:
    """As before, unless another run still needs it. Whoever undoes it has it in a journal yet."""
    before, _, directory = name.partition(" ")
    if len(of_the_living(Path(directory), FORWARDING)) > 1:
        return False
    FILE.write_text(before)
    return True
