"""Pulls of an engine that shall find a scenario's images: from a registry front on this machine's loopback.

Nothing can be published on Docker Hub for a play, and an engine takes no other registry for it unless its daemon.json
says so. So a pull of `nginx` is asked for as `127.0.0.1:PORT/library/nginx` (engines speak plain HTTP to loopback)
and given its name when it is there. The engine pulls for real: its progress is passed on with the names asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from simpy import Event

from simdocker.api import Broken, Request, Response, Stream
from simdocker.backends.engine.building import TRUE, bases, retold
from simdocker.backends.engine.connection import EngineConnection
from simdocker.content.reference import HUB, InvalidReference, Reference, parse


class FrontedConnection(EngineConnection):
    """A connection whose pulls from Docker Hub go to the registry `front` (HOST:PORT); "" leaves them alone."""

    front = ""

    def carry(self, request: Request) -> Generator[Event, Any, Response]:
        if self.front and (request.method, request.path) == ("POST", "/build"):
            return (yield from self._build(request))
        wanted = self._wanted(request)
        if wanted is None:
            return (yield from super().carry(request))
        there = f"{self.front}/{wanted.path}"
        yield from self._tag(wanted.familiar, there, wanted.tag)  # what is here already is "up to date"
        query = {**request.query, "fromImage": there}
        response = yield from super().carry(Request("POST", request.path, query))
        if response.stream is None:
            return Response(response.status, self._renamed(response.body), response.headers)
        outer = Stream(self.clock)
        outer.on_cancel = response.stream.cancel
        self.clock.process(self._pass_on(response.stream, outer, wanted))
        return Response(response.status, None, response.headers, outer)

    def _build(self, request: Request) -> Generator[Event, Any, Response]:
        """Process → Response: a build, with the images it stands on pulled before."""
        pulled: dict[str, list[Any]] = {}
        anew = request.query.get("pull") in TRUE
        for name, base in bases(request):
            there = yield from super().carry(Request("GET", f"/images/{base.familiar}/json"))
            if there.failed or anew:
                pulled[name] = yield from self._pulled(base)
        query = {key: value for key, value in request.query.items() if key != "pull"}
        response = yield from super().carry(Request("POST", request.path, query, request.body, request.headers))
        if response.stream is None or not pulled:
            return response
        outer = Stream(self.clock)
        outer.on_cancel = response.stream.cancel
        self.clock.process(retold(response.stream, outer, pulled))
        return Response(response.status, None, response.headers, outer)

    def _pulled(self, wanted: Reference) -> Generator[Event, Any, list[Any]]:
        """Process → what a pull said."""
        request = Request("POST", "/images/create", {"fromImage": wanted.familiar_name, "tag": wanted.tag})
        self.witness.asked(request)
        response = yield from self.carry(request)
        self.witness.answered(request, response)
        if response.stream is None:
            return [{"errorDetail": {"message": response.message}, "error": response.message}]
        said: list[Any] = []
        while (message := (yield from response.stream.read())) is not None:
            said.append(message)
        return said

    def _wanted(self, request: Request) -> Reference | None:
        """The image on Docker Hub that a pull by tag asks for."""
        if not self.front or (request.method, request.path) != ("POST", "/images/create"):
            return None
        if not request.query.get("tag") or ":" in request.query["tag"]:
            return None
        try:
            wanted = parse(f"{request.query['fromImage']}:{request.query['tag']}")
        except (InvalidReference, KeyError):
            return None
        return wanted if wanted.domain == HUB else None

    def _pass_on(self, inner: Stream, outer: Stream, wanted: Reference) -> Generator[Event, Any, None]:
        """Process: the pull's progress; before it ends, the image has its name."""
        failed = False
        try:
            while (message := (yield from inner.read())) is not None:
                failed = failed or "error" in message
                outer.write(self._renamed(message))
        except Broken:
            outer.break_off()
            return
        if not failed:
            yield from self._tag(f"{self.front}/{wanted.path}:{wanted.tag}", wanted.familiar_name, wanted.tag)
        yield from super().carry(Request("DELETE", f"/images/{self.front}/{wanted.path}:{wanted.tag}"))
        outer.close()

    def _tag(self, image: str, repository: str, tag: str) -> Generator[Event, Any, Response]:
        return (yield from super().carry(Request("POST", f"/images/{image}/tag", {"repo": repository, "tag": tag})))

    def _renamed(self, said: Any) -> Any:
        return renamed(said, self.front)


def renamed(said: Any, front: str) -> Any:
    """What an engine says of the front, said of Docker Hub."""
    if isinstance(said, dict):
        return {key: renamed(value, front) for key, value in said.items()}
    if not isinstance(said, str):
        return said
    return said.replace(f"{front}/library/", "").replace(f"{front}/", "")


def as_asked(events: Iterable[dict[str, Any]], front: str) -> Iterator[dict[str, Any]]:
    """An engine's events without those of giving what came from the front its name."""
    owed: list[str] = []
    for event in events:
        action = event["Action"] if event["Type"] == "image" else ""
        fronted = str(event["Actor"]["Attributes"].get("name", "")).startswith(front)
        if action == "pull" and fronted:
            owed += ["tag", "untag"]
        elif action in owed:
            owed.remove(action)
            continue
        elif fronted:
            continue
        yield renamed(event, front)
