"""Bodies of requests: what came as JSON becomes the model that its route expects.

The simulated client sends models; an HTTP server hands on the bytes it got, tests send plain JSON
values. Which routes take JSON is known here; every other body (an archive) stays as it is. Where
Go's decoder is generous so is this one: null is as good as absent, letters' case does not matter.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from simdocker.actors.daemon.gojson import first_value, kind
from simdocker.actors.distribution.session import AuthConfig
from simdocker.api import BadRequest, InternalError, Request
from simdocker.api.models import (
    ContainerConfig,
    ContainerCreateBody,
    ExecCreateBody,
    ExecStartBody,
    HostConfig,
    NetworkConnectBody,
    NetworkCreateBody,
    NetworkDisconnectBody,
    VolumeCreateBody,
)
from simdocker.content.blob import Blob

MODELS: dict[str, Any] = {
    "/auth": AuthConfig,
    "/commit": ContainerConfig,
    "/containers/create": ContainerCreateBody,
    "/networks/create": NetworkCreateBody,
    "/volumes/create": VolumeCreateBody,
    "containers/exec": ExecCreateBody,
    "containers/update": HostConfig,
    "exec/start": ExecStartBody,
    "networks/connect": NetworkConnectBody,
    "networks/disconnect": NetworkDisconnectBody,
}
"""By path, or by the first and the last word of a path with parameters."""

_IN_GO: dict[str, str] = {
    "/auth": "types.AuthConfig",
    "/commit": "runconfig.ContainerConfigWrapper",
    "/containers/create": "runconfig.ContainerConfigWrapper",
    "/networks/create": "types.NetworkCreateRequest",
    "/volumes/create": "volume.VolumeCreateBody",
    "containers/exec": "types.ExecConfig",
    "containers/update": "container.UpdateConfig",
    "exec/start": "types.ExecStartCheck",
    "networks/connect": "types.NetworkConnect",
    "networks/disconnect": "types.NetworkDisconnect",
}
"""What dockerd decodes the body of such a route into: its messages name it."""

_NEEDED = frozenset(("/containers/create", "containers/exec", "containers/update", "exec/start"))
"""Routes whose own code does not look whether there is a body."""

_OWN_FAULT = frozenset(("/auth", "/commit", "/containers/create", "containers/update"))
"""Routes that call a body they cannot decode a fault of the engine (500); to the others it is the client's (400)."""

_ENDS_NEEDED = tuple("/" + route.rpartition("/")[2] for route in _NEEDED)

_ONE_OR_MANY = frozenset(("Cmd", "Entrypoint", "Shell", "CapAdd", "CapDrop"))
"""A text is a list of one here (Docker's `strslice`)."""

_GO_TYPES = {"str": "string", "int": "int64", "object": "struct", "array": "[]string", "float": "float64"}
JSON = "application/json"


def read(request: Request, parameters: bool) -> None:
    """Give `request.body` its model; `parameters` tells whether the route has any. Raises ApiError."""
    body = request.body
    if body is None:
        if not request.path.endswith(_ENDS_NEEDED):  # most requests of a run
            return
    elif type(body) not in (dict, bytes, Blob):
        return
    head, _, rest = request.path[1:].partition("/")
    route = f"{head}/{rest.rpartition('/')[2]}" if parameters else request.path
    model = MODELS.get(route)
    if model is None:
        return
    if type(body) is not dict and body is not None:
        _check_type(request.headers.get("Content-Type"))
        body = bytes(body)
    try:
        if type(body) is bytes:
            body = _decoded(body)
            if body is None:  # Go's null leaves an empty struct as it is
                body = {}
        if body is not None:
            body = _model(body, model, _IN_GO[route])
    except InternalError as fault:
        raise fault if route in _OWN_FAULT else BadRequest(fault.message) from None
    if body is None and route in _NEEDED:
        raise InternalError("EOF") if route in _OWN_FAULT else BadRequest("got EOF while reading request body")
    request.body = body


def _check_type(given: str | None) -> None:
    """dockerd's `httputils.CheckForJSON`, of a request that has a body."""
    if not given:
        raise BadRequest("malformed Content-Type header (): mime: no media type")
    if given.partition(";")[0].strip().lower() != JSON:
        raise BadRequest(f"Content-Type specified ({given}) must be '{JSON}'")


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = body.decode(errors="replace")
        fault, end = first_value(text)  # what follows it is not read
        if fault is None:  # half a surrogate pair, which Go reads as an unknown character
            with suppress(ValueError, RecursionError, msgspec.DecodeError):
                first = json.dumps(json.loads(text[:end]), ensure_ascii=False)
                return msgspec.json.decode(first.encode(errors="replace"))
        raise InternalError(fault or str(error)) from None


def _model(body: Any, model: Any, go: str) -> Any:
    try:
        return msgspec.convert(fitted(body, model), model)
    except msgspec.ValidationError as error:
        # "Expected `int`, got `str` - at `$.HostConfig.Memory`"
        _, wanted, _, found, *where = (*str(error).split("`"), "", "", "", "")[:6]
        path = where[1].removeprefix("$").lstrip(".") if len(where) > 1 else ""
        what = f"json: cannot unmarshal {_words(found)} into Go"
        if not path:
            raise InternalError(f"{what} value of type {go}") from None
        type_ = _GO_TYPES.get(wanted.partition(" ")[0], wanted)
        if path in _ONE_OR_MANY and go.startswith("runconfig."):  # an exec's Cmd is a list and nothing else
            type_ = "string"
        raise InternalError(f"{what} struct field {go.partition('.')[2]}.{path} of type {type_}") from None


def _words(python: str) -> str:
    samples: dict[str, Any] = {"str": "", "int": 0, "float": 0, "bool": True, "array": []}
    return kind(samples.get(python, {}))


@cache
def _type(model: Any) -> inspect.Type:
    return inspect.type_info(model)


@cache
def _fields(type: Any) -> dict[str, inspect.Field]:
    return {field.encode_name.lower(): field for field in _type(type).fields}  # type: ignore[attr-defined]


def fitted(value: Any, model: Any) -> Any:
    """A JSON value with the names that `model` has, whatever case they were written in."""
    return _fitted(value, _type(model))


def _fitted(value: Any, type: inspect.Type, name: str = "") -> Any:
    """`value` with the names that the model has, and without its nulls."""
    if isinstance(type, inspect.UnionType):
        type = next(part for part in type.types if not isinstance(part, inspect.NoneType))
    if isinstance(value, dict):
        if isinstance(type, inspect.StructType):
            fields = _fields(type.cls)
            known = ((fields[key.lower()], item) for key, item in value.items() if key.lower() in fields)
            return {
                field.encode_name: _fitted(item, field.type, field.name) for field, item in known if item is not None
            }
        if isinstance(type, inspect.DictType):
            return {key: _fitted(item, type.value_type) for key, item in value.items()}
    elif isinstance(type, inspect.ListType | inspect.VarTupleType):
        if isinstance(value, str) and name in _ONE_OR_MANY:
            return [value]
        if isinstance(value, list):
            return [_fitted(item, type.item_type) for item in value]
    return value
