"""How a request's body looks as JSON: the fields that Docker's Go structs leave out when they are empty.

Inside the simulator a body is a model with all its fields. On a real wire (the HTTP edge, a recording to
compare with) it is what Go's encoder writes for the same struct, field for field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.api import models

_POINTERS = frozenset(
    {
        "StopTimeout",
        "Init",
        "BindOptions",
        "VolumeOptions",
        "TmpfsOptions",
        "ImageOptions",
        "Healthcheck",
    }
)
"""Pointers in Go: left out only when nil; false, 0 and {} are said."""

_OMITTED_WHEN_EMPTY: Mapping[type, frozenset[str]] = {
    models.ContainerConfig: frozenset(
        {
            "ExposedPorts",
            "Healthcheck",
            "ArgsEscaped",
            "NetworkDisabled",
            "MacAddress",
            "StopSignal",
            "StopTimeout",
            "Shell",
        }
    ),
    models.HostConfig: frozenset(
        {
            "Annotations",
            "StorageOpt",
            "Tmpfs",
            "Sysctls",
            "Runtime",
            "KernelMemory",
            "KernelMemoryTCP",
            "Mounts",
            "Init",
        }
    ),
    models.Mount: frozenset(models.Mount.__struct_fields__),
    models.HealthConfig: frozenset(models.HealthConfig.__struct_fields__),
    models.EndpointIPAMConfig: frozenset(models.EndpointIPAMConfig.__struct_fields__),
    models.ExecCreateBody: frozenset({"ConsoleSize"}),
    models.ExecStartBody: frozenset({"ConsoleSize"}),
    models.IPAMPool: frozenset(models.IPAMPool.__struct_fields__),
    models.VolumeCreateBody: frozenset(models.VolumeCreateBody.__struct_fields__),
}


def to_wire(value: Any) -> Any:
    """A body as JSON-able values."""
    if isinstance(value, models.Model):
        omitted = next((names for kind, names in _OMITTED_WHEN_EMPTY.items() if isinstance(value, kind)), frozenset())
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: to_wire(field) for name, field in fields if not (name in omitted and _empty(name, field))}
    if isinstance(value, Mapping):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    return value


def _empty(name: str, field: Any) -> bool:
    return field is None if name in _POINTERS else not field
