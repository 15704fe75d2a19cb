"""A real engine that stays up from one sequence of lines to the next, so that a sequence costs its lines alone.

After a line that sets containers going it waits until they have come to rest: whether a container that
prints a word has ended before the next line must not depend on how busy the machine is.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the recorder is a script that stands alone
import record

from tests.engine.ending import Logs, demultiplexed, gathered

STIRRING = re.compile(r"\bdocker (?:container )?(?:run|start|restart|stop|kill|unpause|exec -d|update)\b")
"""Lines after which something goes on by itself."""
LASTING = ("sleep 1000", "sh -c 'trap", "top")
"""How the commands of containers begin that run until somebody ends them."""
READING = ("cat", "sh")
"""How those begin that run as long as somebody could type."""
POLL_SECONDS = 0.08
PATIENCE_SECONDS = 10


class _Connection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class Shell:
    """A bash beside the engine that runs line after line, each in a subshell, and tells how each ended."""

    def __init__(self, enter: list[str], scratch: Path) -> None:
        self.said = (scratch / "stdout", scratch / "stderr")
        self._process = subprocess.Popen(
            [*enter, "bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def run(self, line: str, directory: Path, environment: dict[str, str]) -> int:
        """Run a line to its end; its exit code. What it says is in `said`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        out, err = (shlex.quote(str(path)) for path in self.said)
        where = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
        self._process.stdin.write(
            f"(cd {shlex.quote(str(directory))}; export {where}; eval {shlex.quote(line)}) </dev/null >{out} 2>{err}\n"
            "echo $?\n".encode()
        )
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], record.STEP_SECONDS)[0]:
            self.close()
            raise RuntimeError(f"step did not end in {record.STEP_SECONDS} s: {line}")
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it, and what it runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            pass


class LastingEngine(record.OwnEngine):
    """An engine of our own that is cleaned, not started anew, before each play. It goes on with the
    next subnet and the next port where it stopped: who compares must not look at those."""

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch)
        self._images: Any = None
        self._lasting: Shell | None = None

    def get(self, path: str) -> Any:
        """What the engine answers to a GET, which is JSON."""
        return json.loads(self._got(path))

    def logs(self, container: str, terminal: bool) -> Logs:
        """What a container wrote."""
        return demultiplexed(self._got(f"/containers/{container}/logs?stdout=1&stderr=1"), terminal)

    def gathered(self) -> dict[str, Any]:
        """All that there is, written as on a usual installation."""
        found: dict[str, Any] = json.loads(
            self._as_usual(json.dumps(gathered(self.get, self.logs)).encode(), Path("/-"))
        )
        return found

    def _got(self, path: str) -> bytes:
        connection = _Connection(self.docker_host.removeprefix("unix://"))
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def reset(self, daemon: dict[str, object]) -> None:
        """Leave the engine as it was first, configuration included; images are loaded again only where a line
        changed them."""
        if self._images is None:
            super().reset(daemon)
            super().reset(daemon)  # an engine knows the gateway of a bridge that was there when it started
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
        """Run one line in a subshell of the shell that lasts as long as the engine: variables do not live on."""
        exit_code = self._shell.run(line, directory, self.environment(directory))
        stdout, stderr = (self._as_usual(path.read_bytes(), directory) for path in self._shell.said)
        outcome = record.Outcome(run=line, on=on, exit=exit_code, stdout=stdout, stderr=stderr)
        if STIRRING.search(line):
            self.settle()
        return outcome

    @property
    def _shell(self) -> Shell:
        if self._lasting is None:
            self._lasting = Shell(self.enter(), self.scratch)
        return self._lasting

    def close(self) -> None:
        if self._lasting is not None:
            self._lasting.close()
        super().close()

    def settle(self) -> None:
        """Wait until every container has ended, or is one that lasts."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before = None
        while time.monotonic() < deadline:
            rows = self.get("/containers/json?all=1")
            now = [(row["Id"], row["State"]) for row in rows]
            if now == before and not any(self._ending(row) for row in rows):
                return
            before = now
            time.sleep(POLL_SECONDS)

    def _ending(self, row: dict[str, Any]) -> bool:
        """Whether this container will soon be in another state."""
        if row["State"] != "running":
            return row["State"] in ("restarting", "removing")
        if row["Command"].startswith(READING):
            config = self.get(f"/containers/{row['Id']}/json").get("Config", {})
            return not (config.get("Tty") or config.get("OpenStdin") or row["Command"].startswith(LASTING))
        return not row["Command"].startswith(LASTING)

    def _present(self) -> Any:
        """The images there are, with their names."""
        return sorted((image["Id"], sorted(image["RepoTags"] or [])) for image in self.get("/images/json?all=1"))
