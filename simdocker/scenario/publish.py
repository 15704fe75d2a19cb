"""The images a scenario brings along: published to their registry before the first step."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from simdocker.actors.registry.catalogue import hub
from simdocker.api.models import ContainerConfig
from simdocker.backends.sim.execve import program_named, program_names
from simdocker.content import image as images
from simdocker.content import platforms
from simdocker.content.changeset import Node, filler
from simdocker.content.image import Image
from simdocker.content.manifest import Platform
from simdocker.content.reference import HUB, InvalidReference, Reference, parse
from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.actors.registry.registry import Registry
    from simdocker.scenario.model import ImageSpec, LayerSpec


EXECUTABLE = 1 << 20  # bytes: that of a small server in Go or Rust, stripped
SCRATCH = "scratch"  # the base of an image that has none


def refuse_unknown(specs: Mapping[str, ImageSpec], registries: Collection[str]) -> None:
    """Raises ValueError for a name that is none, for a registry that is not there and for a base image
    that no registry has: neither the catalogue nor an image before it."""
    published: list[Reference] = []
    for name, spec in specs.items():
        reference = _parsed(name)
        if reference.domain not in registries:
            raise ValueError(
                f"the image {name!r} belongs to the registry {reference.domain}, which this world has not: "
                f"known are {', '.join(registries)}"
            )
        if spec.dockerfile:
            _refuse_dockerfile(name, spec)
        elif spec.base != SCRATCH:
            base = _parsed(spec.base)
            if base not in published and not (HUB in registries and _in_catalogue(base)):
                raise ValueError(f"no registry here has the image {spec.base!r}: {_nearest(base, published)}")
        for program in (name for layer in spec.layers for name in layer.programs.values()):
            if program_named(program) is None:
                raise ValueError(f"there is no program {program!r}: {_nearest_program(program)}")
        published.append(reference)


def _refuse_dockerfile(name: str, spec: ImageSpec) -> None:
    from simdocker.scenario import workshop

    try:
        workshop.read(spec.dockerfile)
    except ValueError as fault:
        raise ValueError(f"the image {name!r} has no good dockerfile: {fault}") from None


def _parsed(name: str) -> Reference:
    try:
        return parse(name).or_latest()
    except InvalidReference as error:
        raise ValueError(f"{name!r} is no image name: {error}") from None


def _in_catalogue(reference: Reference) -> bool:
    tags = hub().get(reference.path) if reference.domain == HUB else None
    return tags is not None and reference.tag in tags


def _nearest(wanted: Reference, published: Collection[Reference]) -> str:
    tags = hub().get(wanted.path) if wanted.domain == HUB else None
    if tags is not None:
        return f"the tags of {wanted.familiar_name} are {', '.join(tags)}"
    known = [name.removeprefix("library/") for name in hub()] + [reference.familiar_name for reference in published]
    near = difflib.get_close_matches(wanted.familiar_name, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(dict.fromkeys(known))}"


def _nearest_program(wanted: str) -> str:
    near = difflib.get_close_matches(wanted, list(program_names()), 1)
    return f"did you mean {near[0]!r}?" if near else "notebooks/README.md says how one is written and registered"


def publish(name: str, spec: ImageSpec, registries: Mapping[str, Registry]) -> None:
    """Make an image from its description and put it under its name; nothing in it is unknown any more.
    Raises UserError for a Dockerfile that cannot be built."""
    reference = parse(name).or_latest()
    image = _built(name, spec, registries) if spec.dockerfile else _composed(spec, registries)
    registries[reference.domain].publish(reference.path, reference.tag, image)


def _built(name: str, spec: ImageSpec, registries: Mapping[str, Registry]) -> Image:
    from simdocker.scenario import workshop

    def find(wanted: Reference) -> Image | None:
        registry = registries.get(wanted.domain)
        found = (registry.tags(wanted.path) or {}).get(wanted.tag) if registry is not None else None
        return found if isinstance(found, Image) else None

    try:
        return workshop.build(spec.dockerfile, spec.files, find)
    except ValueError as fault:
        raise UserError(f"images: {name}: its dockerfile cannot be built: {fault}") from None


def _composed(spec: ImageSpec, registries: Mapping[str, Registry]) -> Image:
    layers = [images.layer(layer.size, _contents(layer), count=layer.file_count) for layer in spec.layers]
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
    base = None if spec.base == SCRATCH else _found(parse(spec.base).or_latest(), registries)
    if not spec.platforms:
        return images.compose(base, layers, config)
    first, *others = [
        images.compose(_for(spec.base, base, wanted), layers, config, platform=wanted)
        for wanted in (_platform(text) for text in spec.platforms)
    ]
    first.others = tuple(others)
    return first


def _platform(text: str) -> Platform:
    """A platform as indexes of Docker Hub write it: with the variant of its processors."""
    wanted = platforms.parse(text)
    usual = platforms.USUAL.get(wanted.architecture, "") if wanted.os == "linux" else ""
    return Platform(wanted.architecture, wanted.os, wanted.variant or usual)


def _for(name: str, base: Image | None, platform: Platform) -> Image | None:
    """What the base's tag holds for a platform. Raises UserError when that is nothing."""
    if base is None:
        return None
    found = base.on(platform)
    if found is None:
        there = ", ".join(str(image.platform) for image in (base, *base.others))
        raise UserError(f"images: there is no {name} for {platform}: it is there for {there}")
    return found


def _found(reference: Reference, registries: Mapping[str, Registry]) -> Image:
    found = (registries[reference.domain].tags(reference.path) or {})[reference.tag]
    assert isinstance(found, Image)  # only a push brings anything else
    return found


def _contents(layer: LayerSpec) -> dict[str, str | Node]:
    """What a layer holds by path: texts, and executables that name their program."""
    texts = {_absolute(path): text for path, text in layer.files.items()}
    programs = {_absolute(path): filler(EXECUTABLE, 0o755, program=name) for path, name in layer.programs.items()}
    return {**texts, **programs}


def _absolute(path: str) -> str:
    return path if path.startswith("/") else "/" + path
