"""A real engine that stays up from one sequence of lines to the next, so that a sequence costs its lines alone.

After a line that sets containers going it waits until they have come to rest: whether a container that
prints a word has ended before the next line must not depend on how busy the machine is.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the recorder is a script that stands alone
import record

STIRRING = re.compile(r"\bdocker (?:container )?(?:run|start|restart|stop|kill|unpause|exec -d|update)\b")
"""Lines after which something goes on by itself."""
LASTING = ("sleep 1000", "sh -c 'trap", "top")
"""How the commands of containers begin that run until somebody ends them."""
POLL_SECONDS = 0.08
PATIENCE_SECONDS = 2.5


class _Connection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class LastingEngine(record.OwnEngine):
    """An engine of our own that is cleaned, not started anew, before each play. It goes on with the
    next subnet and the next port where it stopped: who compares must not look at those."""

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch)
        self._images: Any = None

    def get(self, path: str) -> Any:
        """What the engine answers to a GET."""
        connection = _Connection(self.docker_host.removeprefix("unix://"))
        try:
            connection.request("GET", path)
            return json.load(connection.getresponse())
        finally:
            connection.close()

    def reset(self, daemon: dict[str, object]) -> None:
        """Leave the engine as it was first, configuration included; images are loaded again only where a line
        changed them."""
        if self._images is None:
            super().reset(daemon)
            self._images = self._present()
            return
        self._remove(self.get("/containers/json?all=1"), "rm", "-fv")
        self._remove(self.get("/networks"), "network", "rm")
        self._remove(self.get("/volumes")["Volumes"] or [], "volume", "rm")
        if self._present() != self._images:
            newest_first = sorted(self.get("/images/json?all=1"), key=lambda image: -image["Created"])
            self._remove(newest_first, "rmi", "-f")  # children before parents
            self.docker("load", "-q", "-i", str(self.archive))

    def _remove(self, found: list[dict[str, Any]], *command: str) -> None:
        names = [each.get("Id") or each["Name"] for each in found if each.get("Name") not in ("bridge", "host", "none")]
        if names:
            self.docker(*command, *names)

    def run(self, line: str, directory: Path, on: str = "") -> record.Outcome:
        outcome = super().run(line, directory)
        if STIRRING.search(line):
            self.settle()
        return outcome

    def settle(self) -> None:
        """Wait until every container has ended, or is one that lasts."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before = None
        while time.monotonic() < deadline:
            rows = self.get("/containers/json?all=1")
            now = [(row["Id"], row["State"]) for row in rows]
            if now == before and not any(_ending(row) for row in rows):
                return
            before = now
            time.sleep(POLL_SECONDS)

    def _present(self) -> Any:
        """The images there are, with their names."""
        return sorted((image["Id"], sorted(image["RepoTags"] or [])) for image in self.get("/images/json?all=1"))


def _ending(row: dict[str, Any]) -> bool:
    """Whether this container will soon be in another state."""
    return row["State"] in ("restarting", "removing") or (
        row["State"] == "running" and not row["Command"].startswith(LASTING)
    )
