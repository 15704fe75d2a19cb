"""The images a scenario brings along: published to their registry before the first step."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simdocker.actors.registry.registry import Registry
from simdocker.api.models import ContainerConfig
from simdocker.content import image as images
from simdocker.content.image import Image
from simdocker.content.reference import InvalidReference, parse
from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.scenario.model import ImageSpec


def publish(name: str, spec: ImageSpec, registries: Mapping[str, Registry]) -> None:
    """Build an image from its description and put it under its name. Raises UserError."""
    try:
        reference = parse(name)
    except InvalidReference as error:
        raise UserError(f"images: {name!r} is no image name: {error}") from None
    registry = registries.get(reference.domain)
    if registry is None:
        known = ", ".join(registries)
        raise UserError(
            f"images: {name!r} belongs to the registry {reference.domain}, which this world has not: known are {known}"
        )
    layers = [
        images.layer(layer.size, {_absolute(path): text for path, text in layer.files.items()}, count=layer.file_count)
        for layer in spec.layers
    ]
    config = ContainerConfig(
        Cmd=spec.cmd,
        Entrypoint=spec.entrypoint,
        Env=[f"{key}={value}" for key, value in spec.env.items()] or None,
        ExposedPorts={port if "/" in port else f"{port}/tcp": {} for port in spec.expose} or None,
        Volumes={path: {} for path in spec.volumes} or None,
        WorkingDir=spec.workdir,
        User=spec.user,
        Labels=dict(spec.labels) or None,
    )
    base = None if spec.base == "scratch" else _base(spec.base, name, registries)
    registry.publish(reference.path, reference.tag or "latest", images.compose(base, layers, config))


def _base(name: str, of: str, registries: Mapping[str, Registry]) -> Image:
    try:
        reference = parse(name)
    except InvalidReference as error:
        raise UserError(f"images: {of}: from {name!r} is no image name: {error}") from None
    registry = registries.get(reference.domain)
    tags = registry.tags(reference.path) if registry is not None else None
    found = (tags or {}).get(reference.tag or "latest")
    if not isinstance(found, Image):
        known = [f"{repo.removeprefix('library/')}" for r in registries.values() for repo in r.repositories()]
        near = difflib.get_close_matches(name.partition(":")[0], known, 1)
        hint = f"did you mean {near[0]}?" if near else "see simdocker catalog"
        raise UserError(f"images: {of} is to be made from {name!r}, which no registry here has: {hint}")
    return found


def _absolute(path: str) -> str:
    return path if path.startswith("/") else "/" + path
