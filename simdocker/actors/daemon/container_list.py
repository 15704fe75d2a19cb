"""`docker ps`: which containers a list shows.

Rules and sentences are those of dockerd's `daemon/list.go` (20.10).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from simdocker.actors.daemon import views
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.api import BadRequest, InternalError, NotFound
from simdocker.api.gotext import integer

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon

FILTERS = frozenset(
    ("ancestor before exited expose health id isolation is-task label name network publish since status volume").split()
)
STATUSES = frozenset(("created", "dead", "exited", "paused", "removing", "restarting", "running"))
HEALTHS = frozenset(("starting", "healthy", "unhealthy", "none"))


class Query:
    """One call of `GET /containers/json`. Raises BadRequest or InternalError for what it cannot read."""

    __slots__ = (
        "_ancestors", "_before", "_daemon", "_everything", "_exit_codes", "_filters", "_limit", "_ports", "_since",
        "_tasks",
    )  # fmt: skip

    def __init__(self, daemon: Daemon, query: Mapping[str, str]) -> None:
        filters = self._filters = Filters.parse(query.get("filters"), FILTERS)
        self._daemon = daemon
        self._exit_codes = [_number(text) for text in filters.get("exited")]
        for status in filters.get("status"):
            if status not in STATUSES:
                raise BadRequest(f"Invalid filter 'status={status}'")
        for health in filters.get("health"):
            if health not in HEALTHS:
                raise BadRequest(f"Unrecognised filter value for health: {health}")
        self._limit = _number(query.get("limit") or "0")
        # Only running ones are shown, unless something asks for more.
        self._everything = (
            truthy(query.get("all"))
            or self._limit > 0
            or any(key in filters for key in ("status", "exited", "before", "since"))
        )
        tasks = filters.fields.get("is-task", {})  # those of swarm's services, which no container here is
        if tasks and not {"true", "false"} & set(tasks):
            raise filters.invalid("is-task")
        self._tasks = "true" in tasks
        self._before, self._since = self._neighbour("before"), self._neighbour("since")
        self._ancestors = self._images(filters.get("ancestor")) if "ancestor" in filters else None
        self._ports = {key: _ports(key, filters.get(key)) for key in ("publish", "expose") if key in filters}

    def containers(self) -> list[Container]:
        """What is to be shown, newest first."""
        found: list[Container] = []
        for container in self._selected():
            if self._everything or container.running:
                found.append(container)
                if len(found) == self._limit:
                    break
        return found

    def _selected(self) -> Iterator[Container]:
        before, since = self._before, self._since
        for container in sorted(self._daemon.containers.all(), key=lambda c: c.created_ns, reverse=True):
            if before is not None and container.created_ns >= before.created_ns:
                continue
            if since is not None and container.created_ns <= since.created_ns:
                continue
            if self._matches(container):
                yield container

    def _neighbour(self, key: str) -> Container | None:
        values = self._filters.get(key)
        if not values:
            return None
        try:
            return self._daemon.containers.get(values[-1])
        except NotFound:
            raise InternalError(f"no such container {values[-1]}") from None  # which dockerd has no status for

    def _images(self, references: list[str]) -> set[str]:
        found = set()
        for reference in references:
            try:
                found.add(self._daemon.images.get(reference).id)
            except (NotFound, BadRequest):
                continue
        return found

    def _matches(self, container: Container) -> bool:
        filters, state = self._filters, container.state
        return (
            not self._tasks
            and filters.prefix("id", container.id)
            and (filters.match("name", container.name) or filters.match("name", "/" + container.name))
            and filters.exact("status", state.status)
            and filters.labels(container.config.Labels)
            and (self._ancestors is None or (container.image is not None and container.image.id in self._ancestors))
            and self._exited_so(container)
            and filters.exact("health", views.health_status(container))
            and self._mounts(container)
            and self._joined(container)
            and all(views.has_port(self._daemon, container, key, wanted) for key, wanted in self._ports.items())
        )

    def _exited_so(self, container: Container) -> bool:
        state = container.state
        return not self._exit_codes or (
            state.exit_code in self._exit_codes and not state.running and state.started_ns >= 0
        )

    def _mounts(self, container: Container) -> bool:
        wanted = self._filters.get("volume")
        return not wanted or any(mount.name in wanted or mount.target in wanted for mount in container.mounts)

    def _joined(self, container: Container) -> bool:
        wanted = self._filters.get("network")
        return not wanted or any(name in wanted or id in wanted for name, id in self._daemon.networks.names(container))


def _ports(key: str, values: list[str]) -> set[tuple[int, str]]:
    """The ports that `80`, `80/tcp` and `80-90/tcp` mean. Raises InternalError with Go's sentence."""
    found: set[tuple[int, str]] = set()
    for value in values:
        if ":" in value:
            raise InternalError(f"filter for '{key}' should not contain ':': {value}")
        ports, _, proto = value.partition("/")
        first, dash, last = ports.partition("-")
        start, end = (_port(key, value, text) for text in ((first, last) if dash else (first, first)))
        found.update((port, proto or "tcp") for port in range(start, end + 1))
    return found


def _port(key: str, value: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        fault = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    elif int(text) > 65535:
        fault = f'strconv.ParseUint: parsing "{text}": value out of range'
    else:
        return int(text)
    raise InternalError(f"error while looking up for {key} {value}: {fault}")


def _number(text: str) -> int:
    try:
        return integer(text)
    except ValueError as fault:
        raise InternalError(str(fault)) from None
