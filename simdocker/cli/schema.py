"""`simdocker schema`: the scenario file for an editor, or for people."""

from __future__ import annotations


def show_schema(*, reference: bool) -> int:
    """Print it; returns the exit code."""
    from simdocker.scenario import schema

    print(schema.reference() if reference else schema.text(), end="")
    return 0
