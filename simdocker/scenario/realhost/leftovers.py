"""What a play makes on an engine that is not ours, so that its end can remove that and nothing else.

Objects are known by the answers to the requests that made them; a volume that a container brought with it by that
container. Images are those that were not there before and that nothing else came to use.
"""

from __future__ import annotations

import re
from typing import Any

from simdocker.api import Request, Response
from simdocker.backends.engine.asking import Engine
from simdocker.scenario.realhost.journal import PlayJournal, clean_up

ANONYMOUS = re.compile("[0-9a-f]{64}")
"""The name of a volume that nobody named."""

MADE = {"/containers/create": "Id", "/networks/create": "Id", "/volumes/create": "Name"}


class Leftovers:
    """Of one play on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: dict[str, list[str]] = {path: [] for path in MADE}
        clean_up(engine.address)
        self._volumes, self._images = self._all_volumes(), self._all_images()
        known = {"container": self._all_containers(), "network": self._all_networks()}
        self.journal = PlayJournal(engine, {**known, "volume": self._volumes, "image": self._images})

    def asked(self, request: Request) -> None:
        """A call of the play is about to go out."""
        self.journal.asked(request)

    def answered(self, request: Request, response: Response) -> None:
        """A call of the play and its answer."""
        self.journal.answered(request, response)
        if request.method == "POST" and request.path in MADE and response.status == 201:
            made = response.body[MADE[request.path]]
            self._made[request.path].append(made)
            if request.path == "/containers/create":
                self._note_volumes(made)

    def _note_volumes(self, container: str) -> None:
        """A new container's volumes: once it is gone nobody can tell that they were its."""
        shown = self._engine.get(f"/containers/{container}/json") or {}
        volumes = [mount["Name"] for mount in shown.get("Mounts", ()) if mount.get("Name")]
        self._made["/volumes/create"] += volumes
        for volume in {*volumes} - self._volumes:
            if ANONYMOUS.fullmatch(volume):  # one with a name is in the journal since it was asked for
                self.journal.made("volume", volume)

    def remove(self) -> None:
        """Remove it all. Whatever is gone already is no matter."""
        for container in self._made["/containers/create"]:
            self._engine.ask("DELETE", f"/containers/{container}", {"force": "1", "v": "1"})
        for network in self._made["/networks/create"]:
            self._engine.ask("DELETE", f"/networks/{network}")
        for volume in sorted({*self._made["/volumes/create"]} - self._volumes):
            self._engine.ask("DELETE", f"/volumes/{volume}")
        for image in sorted(self._all_images() - self._images, key=lambda name: name.startswith("sha256:")):
            self._engine.ask("DELETE", f"/images/{image}")
        self.journal.close()

    def _all_containers(self) -> set[str]:
        listed = self._engine.get("/containers/json", all="1") or ()
        return {name.removeprefix("/") for one in listed for name in (one["Id"], *(one["Names"] or ()))}

    def _all_networks(self) -> set[str]:
        return {name for one in self._engine.get("/networks") or () for name in (one["Id"], one["Name"])}

    def _all_volumes(self) -> set[str]:
        listed: dict[str, Any] = self._engine.get("/volumes") or {}
        return {volume["Name"] for volume in listed.get("Volumes") or ()}

    def _all_images(self) -> set[str]:
        """Names, and the ids of those that have none."""
        found: set[str] = set()
        for image in self._engine.get("/images/json") or ():
            tags = [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]
            digests = [digest for digest in image["RepoDigests"] or () if not digest.startswith("<none>")]
            found |= {*tags, *digests} or {image["Id"]}
        return found
