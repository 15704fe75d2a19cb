"""Flag values of the form key=value, as docker's `opts` package reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simdocker.actors.client.values import Kind, repeated


def _append_pair(text: str, old: dict[str, str] | None) -> dict[str, str]:
    key, _, value = text.partition("=")
    return {**(old or {}), key: value}


MAP = Kind("map", _append_pair, {})
"""`--opt key=value`, repeated: a dict; without `=` the value is empty."""


def _append_words(text: str, old: list[str] | None) -> list[str]:
    import csv

    return [*(old or ()), *(next(csv.reader([text])) if text else ())]


STRINGS = Kind("strings", _append_words, ())
"""`--alias a,b`, repeated: a list of words."""


def check_label(text: str) -> str:
    """One `--label`; its name must not be empty or hold spaces."""
    name = text.partition("=")[0].lstrip()
    if not name:
        raise ValueError(f"invalid label '{text}': empty name")
    if any(char.isspace() for char in name):
        raise ValueError(f"label '{name}' contains whitespaces")
    return text


LABELS = repeated("list", check_label)


def mapping(texts: Iterable[str]) -> dict[str, str]:
    """`["a=b", "c"]` → `{"a": "b", "c": ""}`."""
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


def sorted_mapping(table: dict[str, Any]) -> dict[str, Any]:
    """A map as Go's JSON encoder writes it."""
    return dict(sorted(table.items()))


def check_link(text: str) -> str:
    """One `--link container[:alias]`."""
    parts = text.split(":")
    if not text:
        raise ValueError("empty string specified for links")
    if len(parts) > 2:
        raise ValueError(f"bad format for links: {text}")
    return text
