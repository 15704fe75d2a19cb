"""What there is at the end of a play: the Engine API is asked for everything, here and on the engine alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simdocker.api import Request
from simdocker.scenario.world import World

Logs = dict[str, str]
"""What a container wrote, by file descriptor."""
HEADER = 8  # bytes before each piece of a multiplexed stream: fd, three zeros, length

EVERYTHING = ("containers", "inspect containers", "diff", "logs", "images", "inspect images", "networks", "volumes")


def gathered(get: Callable[[str], Any], logs: Callable[[str, bool], Logs]) -> dict[str, Any]:
    """All objects of an engine. `get` asks it for a path; `logs` for a container's, which may have a terminal."""
    containers = [each["Id"] for each in get("/containers/json?all=1")]
    inspected = [get(f"/containers/{each}/json") for each in containers]
    images = sorted({each["Id"] for each in get("/images/json?all=1")})
    networks = [get(f"/networks/{each['Id']}") for each in get("/networks")]
    volumes = [get(f"/volumes/{each['Name']}") for each in get("/volumes")["Volumes"] or []]
    drivers = {each["Id"]: each["HostConfig"]["LogConfig"]["Type"] for each in inspected}
    readable = [each for each in inspected if drivers[each["Id"]] in ("json-file", "local")]
    return dict(
        zip(
            EVERYTHING,
            (
                get("/containers/json?all=1"),
                inspected,
                {each["Name"]: _changes(get(f"/containers/{each['Id']}/changes")) for each in inspected},
                {each["Name"]: logs(each["Id"], each["Config"]["Tty"]) for each in readable},
                get("/images/json?all=1"),
                [get(f"/images/{each}/json") for each in images],
                networks,
                volumes,
            ),
            strict=True,
        )
    )


def _changes(found: list[dict[str, Any]] | None) -> list[str]:
    return sorted(f"{'CAD'[each['Kind']]} {each['Path']}" for each in found or [])


def demultiplexed(stream: bytes, terminal: bool) -> Logs:
    """What a container's logs hold, by file descriptor."""
    if terminal:
        return {"1": stream.decode()} if stream else {}
    logs: Logs = {}
    while stream:
        end = HEADER + int.from_bytes(stream[4:HEADER], "big")
        logs[str(stream[0])] = logs.get(str(stream[0]), "") + stream[HEADER:end].decode()
        stream = stream[end:]
    return logs


class Simulated:
    """Asks the simulated engine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, path: str) -> Any:
        response = self._answer(path)
        return json.loads(json.dumps(response.body))

    def logs(self, container: str, terminal: bool) -> Logs:
        stream = self._answer(f"/containers/{container}/logs?stdout=1&stderr=1").stream

        def reading() -> Any:
            logs: Logs = {}
            while (chunk := (yield from stream.read())) is not None:
                logs[str(chunk[0])] = logs.get(str(chunk[0]), "") + chunk[1].decode()
            return logs

        return self._run(reading())  # type: ignore[no-any-return]

    def _answer(self, path: str) -> Any:
        url = urlsplit(path)
        response = self._run(self._world.daemon().handle(Request("GET", url.path, dict(parse_qsl(url.query)))))
        assert not response.failed, f"{path}: {response.message}"
        return response

    def _run(self, process: Any) -> Any:
        return self._world.env.run(self._world.env.process(process))
