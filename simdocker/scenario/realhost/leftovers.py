"""What a play makes on an engine that is not ours, so that its end can remove that and nothing else.

Objects are known by the answers to the requests that made them; a volume that a container brought with it by that
container. Images are those whose names the play asked for, and those without a name that were not there before.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from simdocker.api import Request, Response
from simdocker.backends.engine.asking import Engine
from simdocker.scenario.realhost.journal import PlayJournal, clean_up, described

ANONYMOUS = re.compile("[0-9a-f]{64}")
"""The name of a volume that nobody named."""


class Leftovers:
    """Of one play on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loads_since = 0.0  # when the play first loaded an archive: its images have the names that they have there
        clean_up(engine.address)
        self._volumes, self._images = self._all_volumes(), self._all_images()
        known = {"container": self._all_containers(), "network": self._all_networks()}
        self.journal = PlayJournal(engine, {**known, "volume": self._volumes, "image": self._images})

    def asked(self, request: Request) -> None:
        """A call of the play is about to go out."""
        self.journal.asked(request)
        if request.path == "/images/load":
            self._loads_since = self._loads_since or time.time()

    def answered(self, request: Request, response: Response) -> None:
        """A call of the play and its answer."""
        self.journal.answered(request, response)
        if (request.method, request.path, response.status) == ("POST", "/containers/create", 201):
            self._note_volumes(response.body["Id"])

    def heard(self, request: Request, message: Any) -> None:
        """A message of an answer."""
        if request.path == "/build" and isinstance(message, dict):
            self.journal.building(str(message.get("stream", "")))

    def _note_volumes(self, container: str) -> None:
        """A new container's volumes: once it is gone nobody can tell that they were its."""
        shown = self._engine.get(f"/containers/{container}/json") or {}
        volumes = [mount["Name"] for mount in shown.get("Mounts", ()) if mount.get("Name")]
        for volume in {*volumes} - self._volumes:
            if ANONYMOUS.fullmatch(volume):  # one with a name is in the journal since it was asked for
                self.journal.made("volume", volume)

    def remove(self) -> None:
        """Remove it all, and say what could not be. Whatever is gone already is no matter."""
        for image in (self._nameless() | self._loaded()) - self._images:
            self.journal.made("image", image)
        for entry, why in self.journal.close().failures:
            print(
                f"simdocker: {described(entry)} is left: {why.strerror}; `simdocker cleanup` tries again",
                file=sys.stderr,
            )

    def _loaded(self) -> set[str]:
        """The names of all images that were loaded meanwhile, if the play did load any."""
        found: set[str] = set()
        for event in self._engine.events(self._loads_since, time.time()) if self._loads_since else ():
            if event["Action"] == "load":
                shown = self._engine.get(f"/images/{event['Actor']['ID']}/json") or {}
                found |= {*(shown.get("RepoTags") or ())}
        return found

    def _nameless(self) -> set[str]:
        """Images that lost their name, or never had one: those of builds."""
        listed = self._engine.get("/images/json", filters='{"dangling":["true"]}') or ()
        return {image["Id"] for image in listed}

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
