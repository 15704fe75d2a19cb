"""Shell lines played on the hosts of a small world, for tests of what programs see of the network."""

from __future__ import annotations

from typing import Any

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult

PULL = {"run": "docker pull -q busybox"}


def played(*lines: str, world: dict[str, Any] | None = None, files: dict[str, str] | None = None) -> list[StepResult]:
    """The results of the lines, each typed on the first host or, as `host: line`, on the one it names.
    Busybox is there already."""
    hosts = list((world or {}).get("hosts", {"laptop": {}}))
    steps: list[dict[str, Any]] = [{**PULL, "on": host} for host in hosts]
    for line in lines:
        host, separator, rest = line.partition(": ")
        on_host = bool(separator) and host in hosts
        steps.append({"run": rest, "on": host} if on_host else {"run": line})
    scenario = {"title": "test", "files": files or {}, "steps": steps}
    if world is not None:
        scenario["world"] = world
    return play(Scenario.of(scenario)).steps[len(hosts) :]


def last(*lines: str, **options: Any) -> StepResult:
    """The result of the last line."""
    return played(*lines, **options)[-1]
