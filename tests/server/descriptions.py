"""The published Engine API descriptions, as a judge of answers.

They are Swagger 2.0 files that stand beside the checkout (`../shared/reference`, or where
SIMDOCKER_ENGINE_API_DIR says), not in it. An object there may have more fields than are named; here a
field that nobody described is a fault too, as are one of another type and one that must be there and is not.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml

BESIDE = Path(__file__).parents[3] / "shared" / "reference"
METHODS = frozenset(("get", "head", "post", "put", "delete"))


class Operation(NamedTuple):
    """A method and a path as the description writes it, `/containers/{id}/json`."""

    method: str
    path: str


class Problem(NamedTuple):
    """What is wrong with an answer, where: `GET /info 200`, `Swarm.RemoteManagers`, `None is not of type 'array'`."""

    answer: str
    place: str
    fault: str

    def __str__(self) -> str:
        return f"{self.answer}: {self.place}: {self.fault}"


def described(version: str) -> Description:
    """The description of an API version; the test that asks is skipped where there is none."""
    directory = Path(os.environ.get("SIMDOCKER_ENGINE_API_DIR") or BESIDE)
    path = directory / f"engine-api-v{version}.yaml"
    if not path.exists():
        pytest.skip(f"needs the published Engine API description {path.name} (SIMDOCKER_ENGINE_API_DIR)")
    return _read(path)


@cache
def _read(path: Path) -> Description:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Description(yaml.load(path.read_text(encoding="utf-8"), loader))


class Description:
    """One version's paths and schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.operations: dict[Operation, dict[str, Any]] = {
            Operation(method.upper(), path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method in METHODS
        }
        self._schemas: dict[str, dict[str, Any]] = {}

    def operation(self, method: str, path: str) -> Operation:
        """Which operation a request is. Raises LookupError for none."""
        for operation in sorted(self.operations, key=lambda found: (found.path.count("{"), -len(found.path))):
            if operation.method == method and re.fullmatch(re.sub(r"\{\w+\}", ".+", operation.path), path):
                return operation
        raise LookupError(f"{method} {path}")

    def problems(self, method: str, path: str, status: int, body: bytes) -> Iterator[Problem]:
        """What the description holds against an answer. `path` is without version and query."""
        operation = self.operation(method, path)
        answer = f"{operation.method} {operation.path} {status}"
        responses = {int(number): found for number, found in self.operations[operation]["responses"].items()}
        if status not in responses and status < 400:  # what may go wrong is described in part only
            yield Problem(answer, "status", "is not described")
            return
        wanted = responses.get(status, {"schema": {"$ref": "#/definitions/ErrorResponse"}}).get("schema")
        if wanted is None:
            if status == 204 and body:
                yield Problem(answer, "body", "is there")
            return
        if wanted.get("type") == "string":
            return
        try:
            values = list(documents(body))
        except ValueError:
            yield Problem(answer, "body", "is no JSON")
            return
        for said in values:
            for fault in self._validator(answer, wanted).iter_errors(said):
                yield from _told(answer, fault)

    def _validator(self, answer: str, schema: dict[str, Any]) -> jsonschema.Draft7Validator:
        if answer not in self._schemas:
            self._schemas[answer] = self._closed(schema)
        return jsonschema.Draft7Validator(self._schemas[answer])

    def _closed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The JSON Schema that it is, with references replaced and objects that allow nothing else."""
        while "$ref" in schema:
            schema = self._document["definitions"][schema["$ref"].rpartition("/")[2]]
        if "allOf" in schema:
            schema = self._merged(schema)
        nullable = schema.get("x-nullable", False)
        kind = schema.get("type") or ("object" if "properties" in schema else None)
        closed: dict[str, Any] = {}
        if kind == "array":
            closed["items"] = self._closed(schema.get("items", {}))
        elif kind == "object":
            properties = schema.get("properties", {})
            others = schema.get("additionalProperties", not properties)
            closed["properties"] = {name: self._closed(found) for name, found in properties.items()}
            closed["additionalProperties"] = others if isinstance(others, bool) else self._closed(others)
            closed["required"] = schema.get("required", [])
        elif kind == "string" and "enum" in schema and not nullable:
            closed["enum"] = schema["enum"]
        if kind is not None:
            closed["type"] = [kind, "null"] if nullable else kind
        return closed

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {**schema, "type": "object", "properties": {**schema.get("properties", {})}}
        del merged["allOf"]
        for part in schema["allOf"]:
            while "$ref" in part:
                part = self._document["definitions"][part["$ref"].rpartition("/")[2]]
            part = self._merged(part) if "allOf" in part else part
            merged["properties"].update(part.get("properties", {}))
            merged["required"] = [*merged.get("required", []), *part.get("required", [])]
        return merged


def documents(body: bytes) -> Iterator[Any]:
    """The JSON values that follow each other in a body."""
    decoder, text, begin = json.JSONDecoder(), body.decode(), 0
    while begin < len(text):
        if text[begin].isspace():
            begin += 1
            continue
        said, begin = decoder.raw_decode(text, begin)
        yield said


def _told(answer: str, fault: jsonschema.ValidationError) -> Iterator[Problem]:
    place = ".".join("[]" if isinstance(step, int) else _named(fault, step) for step in fault.absolute_path)
    if fault.validator == "additionalProperties":
        assert isinstance(fault.instance, dict)
        for name in sorted(set(fault.instance) - set(fault.schema["properties"])):
            yield Problem(answer, f"{place}.{name}".lstrip("."), "is not described")
    elif fault.validator == "type":
        yield Problem(answer, place, f"is {_kind(fault.instance)}, not {fault.validator_value}")
    else:
        yield Problem(answer, place, fault.message)


def _named(fault: jsonschema.ValidationError, step: Any) -> str:
    """A field's name; the names of a map's entries are the world's."""
    return str(step) if re.fullmatch(r"[A-Z][A-Za-z0-9]*", str(step)) else "*"


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return "null" if value is None else kinds[type(value)]
