"""`docker network ls` and `prune`: which networks they mean.

Rules and sentences are those of dockerd's `daemon/network/filter.go` (20.10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simdocker.actors.daemon.network import Network
from simdocker.actors.daemon.query import Filters
from simdocker.api import ApiError, BadRequest, InternalError, Request

LIST_FILTERS = frozenset(("dangling", "driver", "id", "label", "name", "scope", "type"))
PRUNE_FILTERS = frozenset(("label", "label!", "until"))


def listed(request: Request) -> Filters:
    """The filters of `GET /networks`. Raises BadRequest."""
    return Filters.parse(request.query.get("filters"), LIST_FILTERS)


def selected(networks: Iterable[Network], filters: Filters) -> list[Network]:
    """Those that pass the filters. Raises BadRequest, InternalError."""
    dangling = _dangling(filters)
    kinds = filters.get("type")
    for kind in kinds:
        if kind not in ("custom", "builtin"):
            raise InternalError(f"invalid filter: 'type'='{kind}'")
    return [
        network
        for network in networks
        if filters.exact("driver", network.driver)
        and filters.match("name", network.name)
        and filters.match("id", network.id)
        and filters.labels(network.labels)
        and filters.exact("scope", "local")
        and (not kinds or ("builtin" if network.predefined else "custom") in kinds)
        and (dangling is None or dangling == (not network.predefined))  # who is on them is not looked at (recorded)
    ]


def _dangling(filters: Filters) -> bool | None:
    values = filters.get("dangling")
    if len(values) > 1:
        raise BadRequest('got more than one value for filter key "dangling"')
    try:
        return filters.boolean("dangling")
    except ApiError:
        raise BadRequest(
            'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")'
        ) from None


def unused(request: Request, networks: Iterable[Network], now: int) -> Iterator[Network]:
    """Those that `POST /networks/prune` means: without containers when their turn comes. Raises BadRequest,
    InternalError."""
    filters = Filters.parse(request.query.get("filters"), PRUNE_FILTERS)
    until = filters.until(now)
    return (
        network
        for network in networks
        if not network.endpoints and network.created_ns <= until and filters.labels_for_prune(network.labels)
    )
