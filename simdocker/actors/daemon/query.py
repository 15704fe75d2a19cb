"""Query parameters as the Engine reads them: booleans, and `filters`.

Clients disagree: the CLI sends filters as `{"k":{"v":true}}`, docker-py as `{"k":["v"]}`; booleans
come as `1 true True False 0`. Both are settled here, once. Rules and messages are those of
dockerd 20.10 (`api/types/filters`, `api/server/httputils`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from simdocker.actors.daemon.gojson import kind, problem
from simdocker.api import BadRequest, InternalError
from simdocker.api.times import parse_time

_FALSE = frozenset(("", "0", "no", "false", "none"))


def truthy(value: str | None) -> bool:
    """Whether a boolean query parameter is set (`httputils.BoolValue`)."""
    return value == "1" or (value is not None and value.strip().lower() not in _FALSE)


class Filters:
    """The `filters` of a list, prune or events call. A key that was not given matches everything.

    Values of one key are alternatives, except labels, which must all hold.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, Mapping[str, bool]]) -> None:
        self.fields = fields

    @classmethod
    def parse(cls, text: str | None, accepted: Collection[str] | None = None) -> Filters:
        """Read either form. Raises InternalError with Go's sentence for what is not such JSON, and
        BadRequest("Invalid filter 'x'") for a key that is not `accepted` (None: any key)."""
        if not text:
            return NO_FILTERS
        fault = problem(text)
        if fault is not None:
            raise InternalError(fault)
        try:
            fields = _fields(msgspec.json.decode(text))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:  # Go is more generous than that
            raise InternalError(str(error)) from None
        if accepted is not None:
            for key in fields:
                if key not in accepted:
                    raise BadRequest(f"Invalid filter '{key}'")
        return cls(fields)

    def __contains__(self, key: str) -> bool:
        return key in self.fields

    def __bool__(self) -> bool:
        return bool(self.fields)

    def get(self, key: str) -> list[str]:
        """The values given for `key`."""
        return list(self.fields.get(key, ()))

    def exact(self, key: str, value: str) -> bool:
        """Whether `value` is one of those given."""
        values = self.fields.get(key)
        return not values or values.get(value, False)

    def match(self, key: str, value: str) -> bool:
        """Whether `value` is one of those given, or one given is a regular expression found in it."""
        if self.exact(key, value):
            return True
        for pattern in self.fields[key]:
            try:
                if re.search(pattern, value):
                    return True
            except re.error:  # not an expression: only the exact comparison counts
                continue
        return False

    def prefix(self, key: str, value: str) -> bool:
        """Whether `value` starts with one of those given (ids)."""
        return self.exact(key, value) or value.startswith(tuple(self.fields[key]))

    def labels(self, labels: Mapping[str, str] | None, key: str = "label") -> bool:
        """Whether every `name` or `name=value` given under `key` holds for `labels`."""
        for wanted in self.fields.get(key, ()):
            name, equals, value = wanted.partition("=")
            if not labels or name not in labels or (equals and labels[name] != value):
                return False
        return True

    def until(self, now: int) -> int:
        """The instant up to which a prune goes, now without the filter. Raises InternalError."""
        values = self.get("until")
        if not values:
            return now
        if len(values) > 1:
            raise InternalError("more than one until filter specified")
        try:
            return parse_time(values[0], now)
        except ValueError as error:
            text = str(error)
            if text.startswith("strconv"):
                text = f'failed to parse value as time or duration: "{values[0]}"'
            raise InternalError(text) from None

    def labels_for_prune(self, labels: Mapping[str, str] | None) -> bool:
        """Whether `label` holds, and `label!` does not (`docker … prune --filter label!=keep`)."""
        if not self.labels(labels):
            return False
        return not self.fields.get("label!") or not self.labels(labels, "label!")

    def boolean(self, key: str) -> bool | None:
        """The one truth value given for `key`, None when absent. Raises BadRequest as dockerd does."""
        values = self.fields.get(key)
        if not values:
            return None
        if values.get("true") or values.get("1"):
            return True
        if values.get("false") or values.get("0"):
            return False
        raise self.invalid(key)

    def invalid(self, key: str) -> BadRequest:
        """dockerd's refusal of the values of `key`."""
        return BadRequest(f"Invalid filter '{key}=[{' '.join(self.fields[key])}]'")


NO_FILTERS = Filters({})


def _fields(decoded: object) -> dict[str, dict[str, bool]]:
    """Either JSON form as one. Go first tries maps of maps, then maps of lists; when neither fits,
    its sentence is about the first attempt."""
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise _mismatch(decoded, "map[string]map[string]bool")
    fields: dict[str, dict[str, bool]] = {}
    for key, values in decoded.items():
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            fields[key] = dict.fromkeys(values, True)
        elif values is not None and not isinstance(values, dict):
            raise _mismatch(values, "map[string]bool")
        else:
            for value in (values or {}).values():
                if not isinstance(value, bool):
                    raise _mismatch(value, "bool")
            fields[key] = dict(values or {})
    return fields


def _mismatch(value: object, wanted: str) -> InternalError:
    return InternalError(f"json: cannot unmarshal {kind(value)} into Go value of type {wanted}")
