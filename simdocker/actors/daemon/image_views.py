"""What the Engine API shows of an image: its line in the list, its inspection, its history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.views import config
from simdocker.api import times
from simdocker.api.models import ContainerConfig
from simdocker.backends.ports import StorageDriver

NONE = "<none>"


def named(tags: list[str], digests: list[str]) -> tuple[list[str], list[str]]:
    """The names of an image in a list, where one that has none is called so."""
    return (tags, digests) if tags or digests else ([f"{NONE}:{NONE}"], [f"{NONE}@{NONE}"])


def summary(image: Image, tags: list[str], digests: list[str]) -> dict[str, Any]:
    """One element of `GET /images/json`. -1: not counted."""
    return {
        "Containers": -1,
        "Created": times.unix(image.created_ns),
        "Id": image.id,
        "Labels": dict(image.config.Labels) if image.config.Labels is not None else None,
        "ParentId": image.parent.id if image.parent is not None else "",
        "RepoDigests": digests or None,
        "RepoTags": tags or None,
        "SharedSize": -1,
        "Size": image.size,
        "VirtualSize": image.size,
    }


def inspection(storage: StorageDriver, image: Image) -> dict[str, Any]:
    """`GET /images/{name}/json`."""
    document = image.document
    shown: dict[str, Any] = {
        "Id": image.id,
        "RepoTags": image.repo_tags,
        "RepoDigests": image.repo_digests,
        "Parent": image.parent.id if image.parent is not None else "",
        "Comment": document.history[-1].comment if document.history else "",
        "Created": document.created,
        "Container": document.container,
        "ContainerConfig": _config(document.container_config or ContainerConfig()),
        "DockerVersion": document.docker_version,
        "Author": document.author,
        "Config": _config(image.config),
        "Architecture": document.architecture,
    }
    if document.variant:
        shown["Variant"] = document.variant
    return shown | {
        "Os": document.os,
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": {"Data": _directories(storage, image), "Name": "overlay2"},
        "RootFS": {"Type": document.rootfs.type, "Layers": list(document.rootfs.diff_ids)},
        "Metadata": {"LastTagTime": times.rfc3339(image.last_tagged_ns) if image.last_tagged_ns >= 0 else times.ZERO},
    }


def history(image: Image) -> Iterator[dict[str, Any]]:
    """`GET /images/{name}/history`, newest step first. Steps that were made here still have ids."""
    below, sizes = image.holds, []
    while below is not None:
        sizes.append(below.size)
        below = below.parent
    layers = iter(sizes)
    made: Image | None = image
    for step in reversed(image.document.history):
        yield {
            "Comment": step.comment,
            "Created": times.unix(times.parse_time(step.created, 0)),
            "CreatedBy": step.created_by,
            "Id": made.id if made is not None else "<missing>",
            "Size": 0 if step.empty_layer else next(layers, 0),
            "Tags": (made.repo_tags or None) if made is not None else None,
        }
        made = made.parent if made is not None else None


def _config(shown: ContainerConfig) -> dict[str, Any]:
    """An image's `Config`: as a container's, but labels that are not there are null."""
    view = config(shown)
    if shown.Labels is None:
        view["Labels"] = None
    return view


def _directories(storage: StorageDriver, image: Image) -> dict[str, str]:
    """Where overlay2 keeps the layers."""
    paths = [storage.directory(id) for id in reversed(image.chain_ids)]
    if not paths:
        return {}
    lower = {"LowerDir": ":".join(f"{path}/diff" for path in paths[1:])} if len(paths) > 1 else {}
    top = paths[0]
    return lower | {"MergedDir": f"{top}/merged", "UpperDir": f"{top}/diff", "WorkDir": f"{top}/work"}
