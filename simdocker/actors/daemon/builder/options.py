"""What a client asks of a build: the query of `POST /build`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from simdocker.actors.daemon.gojson import problem
from simdocker.actors.daemon.query import truthy
from simdocker.api import BadRequest, InternalError
from simdocker.api.gotext import digits, go_quote
from simdocker.api.messages import values
from simdocker.api.models import HostConfig
from simdocker.content import reference as references
from simdocker.content.reference import InvalidReference, Reference

DEFAULT_NAME = "Dockerfile"


class Options(msgspec.Struct, kw_only=True):
    """One build's options. `names` are the image's names, `host` how containers of RUN are run."""

    dockerfile: str
    names: tuple[Reference, ...]
    target: str
    platform: str
    remote: str
    quiet: bool
    no_cache: bool
    pull: bool
    remove: bool
    force_remove: bool
    arguments: Mapping[str, str | None]
    labels: Mapping[str, str]
    cache_from: tuple[str, ...]
    host: HostConfig


def read(query: Mapping[str, str]) -> Options:
    """The options in a query. Raises ApiError."""
    if truthy(query.get("squash")):
        raise BadRequest("squash is only supported with experimental mode")
    isolation = query.get("isolation", "")
    if isolation.lower() not in ("", "default"):
        raise BadRequest(f"Unsupported isolation: {go_quote(isolation)}")
    if query.get("securityopt"):
        raise BadRequest("The daemon on this platform does not support setting security options on build")
    force_remove = truthy(query.get("forcerm"))
    return Options(
        dockerfile=query.get("dockerfile") or DEFAULT_NAME,
        names=_names(values(query, "t")),
        target=query.get("target", ""),
        platform=query.get("platform", ""),
        remote=query.get("remote", ""),
        quiet=truthy(query.get("q")),
        no_cache=truthy(query.get("nocache")),
        pull=truthy(query.get("pull")),
        remove=force_remove or "rm" not in query or truthy(query.get("rm")),
        force_remove=force_remove,
        arguments=_json(query, "buildargs") or {},
        labels=_json(query, "labels") or {},
        cache_from=tuple(_json(query, "cachefrom") or ()),
        host=_host(query),
    )


def _host(query: Mapping[str, str]) -> HostConfig:
    def number(name: str) -> int:
        text = query.get(name, "")
        return int(text) if digits(text.removeprefix("-")) else 0

    return HostConfig(
        NetworkMode=query.get("networkmode") or "default",
        Memory=number("memory"),
        MemorySwap=number("memswap"),
        CpuShares=number("cpushares"),
        CpuPeriod=number("cpuperiod"),
        CpuQuota=number("cpuquota"),
        CpusetCpus=query.get("cpusetcpus", ""),
        CpusetMems=query.get("cpusetmems", ""),
        CgroupParent=query.get("cgroupparent", ""),
        ShmSize=number("shmsize"),
        ExtraHosts=list(values(query, "extrahosts")) or None,
        Ulimits=_json(query, "ulimits"),
    )


def _names(texts: Iterable[str]) -> tuple[Reference, ...]:
    """The names to give, each once (dockerd's `sanitizeRepoAndTags`)."""
    names: dict[Reference, None] = {}
    for text in filter(None, texts):
        try:
            name = references.parse(text)
        except InvalidReference as fault:
            raise InternalError(fault.message) from None
        if name.digest:
            raise InternalError("build tag cannot contain a digest")
        names[name.or_latest()] = None
    return tuple(names)


def _json(query: Mapping[str, str], name: str) -> Any:
    text = query.get(name, "")
    if not text:
        return None
    fault = problem(text)
    if fault is not None:
        raise BadRequest(f"error reading {_SPOKEN.get(name, name)}: {fault}")
    return json.loads(text)


_SPOKEN = {"buildargs": "build args", "cachefrom": "cache-from"}
