"""What a registry lists, in pages: tags and repositories, in the order of their names.

`n` is how many to list, `last` the name after which to go on; a `Link` says where the next page is (OCI
Distribution specification, "Listing Tags")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from simdocker.api import Request, Response


def page(request: Request, what: str, names: Sequence[str], more: Mapping[str, Any]) -> Response:
    """The page of the sorted `names` that is asked for, as `what`, with what else there is to say."""
    query = request.query
    last, count = query.get("last", ""), query.get("n", "")
    rest = [name for name in names if name > last] if last else list(names)
    if not count:
        return Response(200, {**more, what: rest})
    if not (count.isascii() and count.isdigit()) or len(count) > 9:
        error = {"code": "PAGINATION_NUMBER_INVALID", "message": "invalid number of results requested"}
        return Response(400, {"errors": [{**error, "detail": {"n": count}}]})
    wanted = rest[: int(count)]
    headers = {}
    if wanted and len(wanted) < len(rest):
        headers["Link"] = f'<{request.path}?{urlencode({"last": wanted[-1], "n": count})}>; rel="next"'
    return Response(200, {**more, what: wanted}, headers)
