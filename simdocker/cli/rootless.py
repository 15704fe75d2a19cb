"""`--backend linux` of an ordinary user: the command goes on in a user namespace, and says so."""

from __future__ import annotations

import os
import sys

NOTE = "simdocker: not root: playing in a user namespace, without limits, other users and a way out of its network"


def be_root() -> None:
    """Nothing to do for root. Else returns in another process, as root of a namespace. Raises UserError."""
    if os.geteuid() == 0:
        return
    from simdocker.backends.linux import rootless

    print(NOTE, file=sys.stderr)
    rootless.enter()
