"""The classic builder: `docker build` without BuildKit, as dockerd 20.10 does it.

A build is what one could do by hand: make a container from the image so far, change something,
commit it as the next image, and start again from there. `builds.py` answers the API, `build.py` goes
through stages and steps, `configuring.py` holds the steps that only change a configuration,
`running.py` RUN, `copying.py` COPY and ADD over what `sources.py` finds, `cache.py` what need not be
done again, and `output.py` what the client gets to see.
"""

from __future__ import annotations

from simdocker.actors.daemon.builder.builds import Builds
from simdocker.actors.daemon.builder.configuring import changed

__all__ = ["Builds", "changed"]
