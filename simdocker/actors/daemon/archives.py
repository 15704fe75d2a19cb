"""What moves files between images, containers and hosts: everything that travels as a tar archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.actors.daemon.copying import Copying
from simdocker.actors.daemon.daemon import Route
from simdocker.actors.daemon.exporting import Exporting
from simdocker.actors.daemon.image_prune import ImagePrune
from simdocker.actors.daemon.loading import Loading
from simdocker.actors.daemon.saving import Saving

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon


class Archives:
    """The parts of one daemon that take archives or give them out."""

    def __init__(self, daemon: Daemon) -> None:
        self._parts = (Saving(daemon), Loading(daemon), Exporting(daemon), Copying(daemon), ImagePrune(daemon))

    def routes(self) -> list[Route]:
        return [route for part in self._parts for route in part.routes()]
