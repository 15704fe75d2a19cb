"""What a real registry answers, as the actors know it: documents, and errors in the Distribution API's form or as text.

Whatever else comes is put into one sentence: nothing that a registry sends may do more than fail a pull or a push.
"""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any

import msgspec

from simdocker.actors.distribution.session import Refused
from simdocker.actors.wire import Unreachable
from simdocker.api import Response
from simdocker.backends.distribution.http import BROKEN, pieces
from simdocker.content import digest as digests
from simdocker.content.manifest import Index, Manifest, read_document

HEADERS = ("WWW-Authenticate", "Docker-Content-Digest", "Location", "Content-Type", "Retry-After", "Link")
LARGEST_DOCUMENT = 4 << 20  # bytes of a manifest, as dockerd and registries have it
LONGEST_TEXT = 2048  # characters of an error that is no JSON
MOST_LAYERS = 127  # as overlay2 has it


def text(answer: HTTPResponse) -> bytes:
    """The body of an answer that is no blob. Raises Unreachable, Refused."""
    data = b""
    try:
        for piece in pieces(answer):
            data += piece
            if len(data) > LARGEST_DOCUMENT:
                raise Refused(f"the registry's answer has more than {LARGEST_DOCUMENT} bytes", retry=False)
    except BROKEN:
        raise Unreachable("unexpected EOF") from None
    return data


def json(data: bytes) -> Any:
    """None for what is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


def has_errors(body: Any) -> bool:
    """Whether it is an error in the Distribution API's form."""
    try:
        return isinstance(body["errors"][0]["code"], str) and isinstance(body["errors"][0]["message"], str)
    except (TypeError, LookupError):
        return False


def response(answer: HTTPResponse, data: bytes) -> Response:
    """An answer as the actors know it."""
    headers = {name: value for name in HEADERS if (value := answer.headers.get(name)) is not None}
    body = json(data) if data else None
    status = answer.status if answer.status in set(HTTPStatus) else HTTPStatus.BAD_GATEWAY.value
    if status >= HTTPStatus.BAD_REQUEST:
        if body is not None and has_errors(body):
            first = body["errors"][0]
            error = {"code": _shown(first["code"]), "message": _shown(first["message"]), "detail": first.get("detail")}
            body = {"errors": [error]}
        else:
            body = data[:LONGEST_TEXT].decode(errors="replace")
    elif status >= HTTPStatus.MULTIPLE_CHOICES:  # a redirect that cannot be followed
        status, body = HTTPStatus.BAD_GATEWAY.value, ""
    return Response(status, body, headers)


def _shown(said: str) -> str:
    """What a registry says goes to a terminal."""
    return "".join(char if char.isprintable() else " " for char in said[:LONGEST_TEXT])


def sentence(answer: HTTPResponse, body: Any) -> str:
    """Why a token server refuses."""
    details = body.get("details") if isinstance(body, dict) else None
    return _shown(str(details or f"{answer.status} {answer.reason}")).strip()


def said(status: int, code: str, message: str) -> Response:
    """What we say in the registry's place."""
    return Response(status, {"errors": [{"code": code, "message": message, "detail": None}]})


def document(data: bytes, kind: str) -> Manifest | Index:
    """A manifest or index that keeps its bytes, and with them its digest. Raises Refused."""
    try:
        found = read_document(data, kind)
    except ValueError as error:
        raise Refused(_shown(str(error)), retry=False) from None
    parts = (found.config, *found.layers) if isinstance(found, Manifest) else found.manifests
    for part in parts:
        if fault := digests.fault(part.digest):
            raise Refused(f"manifest invalid: {fault}", retry=False)
        if part.size < 0:
            raise Refused(f"manifest invalid: {part.digest} has {part.size} bytes", retry=False)
    if len(parts) > MOST_LAYERS + 1:
        raise Refused("max depth exceeded", retry=False)
    return found


def listed(body: Any, what: str) -> list[str]:
    """The names in a list. Raises Refused."""
    names = body.get(what) if isinstance(body, dict) else None
    if names is None and isinstance(body, dict) and what in body:
        return []  # as some registries write an empty one
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refused(f"the registry's list of {what} is none", retry=False)
    return names
