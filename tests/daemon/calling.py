"""A simulated host with an engine that is called as the recorded one was, request by request."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from simdocker.actors.registry.catalogue import hub
from simdocker.api import Request, Response
from simdocker.content.image import Image
from simdocker.scenario.model import Scenario
from simdocker.scenario.world import World
from tests.scenario import corpus

# Objects the recording's calls name by id: what they are called here.
KNOWN_IDS = {
    "f86bc6493216addc19982a54059ffd72a6ba51c4f0ad7e3c69f91ed696006fa8": "docker inspect -f '{{.Id}}' alpine",
    "9a57df969cfa": "docker inspect -f '{{.Id}}' er_b",
}
PLAIN = (
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"on [\d.]+:53"), "on <dns>"),
    (re.compile(r'(?<=")(\d+|\d\d:\d\d)(?=")'), "<number>"),  # of processes, in `top`
)


def plain(text: str) -> str:
    """What does not differ between two engines."""
    for pattern, written in PLAIN:
        text = pattern.sub(written, text)
    return text


class Lab:
    """A host with an engine, the images and two registries, one of which wants a password."""

    def __init__(self) -> None:
        registries = {"127.0.0.1:5000": {}, "127.0.0.1:5002": {"users": {"user": "pw"}}}
        world = {"hosts": {"host": {}}, "registries": registries}
        self.world = World.build(Scenario.of({"title": "calls", "world": world, "steps": [{"run": "true"}]}))
        self.env = self.world.env
        self.ids: dict[str, str] = {}  # an id of the recording → its counterpart here
        corpus.install(self.world)
        self.install_without_command()

    def install_without_command(self) -> None:
        """Give busybox no command of its own: the recording's had none."""
        busybox = hub()["library/busybox"]["latest"]
        image = Image(list(busybox.layers), msgspec.structs.replace(busybox.container_config, Cmd=None))
        self.env.run(self.env.process(self.world.daemon().images.install(image, "busybox:latest")))

    def line(self, line: str) -> str:
        """Run a shell line on the host; what it printed."""
        running = self.world.start_line("host", line)
        self.env.run(running.done)
        return b"".join(piece for _, piece in running.output).decode()

    def learn_ids(self) -> None:
        """Find out what the objects of `KNOWN_IDS` are called here, those that are there."""
        for recorded, line in KNOWN_IDS.items():
            if found := re.search(r"[0-9a-f]{64}", self.line(line)):
                self.ids.setdefault(recorded, found.group())

    def request(self, row: dict[str, Any]) -> Request:
        """The recorded call, with the ids of this engine."""
        body = row["body"]
        if isinstance(body, str):  # the recording keeps what bytes there were as their number
            body = b"garbage" if body == "<7 bytes>" else bytes(int(body.strip("<bytes >")))
        url = urlsplit(row["path"].removeprefix("/v1.41"))
        path = re.sub(r"[0-9a-f]{12,64}", lambda match: self.ids.get(match.group(), match.group()), url.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {} if "without X-Registry-Auth" in row["label"] else {"X-Registry-Auth": "e30="}
        return Request(row["method"], path, query, body, headers, size=len(body) if isinstance(body, bytes) else 0)

    def call(self, row: dict[str, Any]) -> tuple[int, str]:
        """Status and message (for a success, the body's text)."""
        response = self.env.run(self.env.process(self.world.daemon().handle(self.request(row))))
        assert isinstance(response, Response)
        recorded = row["message"]
        if response.status == 101:  # the recording's client did not ask for an upgrade: the server answers 200 then
            return 200, ""
        if response.failed:
            return response.status, response.message if row["method"] != "HEAD" else ""
        if response.stream is not None and recorded.startswith("{"):
            end = "\r\n" if "\r\n" in recorded else "\n"
            return response.status, "".join(_json(item) + end for item in self.items(response))
        if response.body is None or not recorded:
            return response.status, ""
        if response.status == 201 and recorded.startswith('{"Id":"'):
            self.ids[json.loads(recorded)["Id"]] = response.body["Id"]
        return response.status, _json(response.body) + "\n"

    def items(self, response: Response) -> list[Any]:
        """All that comes in a response's stream."""

        def reading() -> Any:
            items = []
            while (item := (yield from response.stream.read())) is not None:  # type: ignore[union-attr]
                items.append(item)
            return items

        return self.env.run(self.env.process(reading()))  # type: ignore[no-any-return]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
