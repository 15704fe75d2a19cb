"""Devices and limits on them: `--device`, `--gpus`, `--ulimit`, block-device weights and rates."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Any

from simdocker.actors.client.options.fields import csv_fields
from simdocker.actors.client.options.sizes import ram_in_bytes
from simdocker.actors.client.values import Kind, go_quote, repeated

ULIMITS = (
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
)


def _decimal(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    return int(text)


def _set_ulimit(text: str, old: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
    name, equals, limits = text.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in ULIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    parts = limits.split(":")
    if len(parts) > 2:
        raise ValueError(f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`")
    hard = _decimal(parts[-1])
    soft = _decimal(parts[0])
    if hard != -1 and soft == -1:
        said = f"soft: -1 (unlimited), hard: {hard}"
        raise ValueError(f"ulimit soft limit must be less than or equal to hard limit: {said}")
    if hard != -1 and soft > hard:
        raise ValueError(f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return {**(old or {}), name: {"Name": name, "Hard": hard, "Soft": soft}}


ULIMIT = Kind("ulimit", _set_ulimit, {})
"""`--ulimit`: the last limit of each name, by name."""


def _per_device(text: str, weak: Callable[[str], int], complaint: str, key: str) -> dict[str, Any]:
    path, colon, value = text.partition(":")
    if not colon or not path:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    try:
        return {"Path": path, key: weak(value)}
    except ValueError:
        raise ValueError(complaint) from None


def _weight(text: str) -> dict[str, Any]:
    def weight(value: str) -> int:
        number = _unsigned(value)
        if number and not 10 <= number <= 1000:
            raise ValueError
        return number

    return _per_device(text, weight, f"invalid weight for device: {text}", "Weight")


def _unsigned(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _bps(text: str) -> dict[str, Any]:
    rule = "<device-path>:<number>[<unit>]. Number must be a positive integer."
    rule += " Unit is optional and can be kb, mb, or gb"
    return _per_device(text, ram_in_bytes, f"invalid rate for device: {text}. The correct format is {rule}", "Rate")


def _iops(text: str) -> dict[str, Any]:
    rule = "<device-path>:<number>. Number must be a positive integer"
    return _per_device(text, _unsigned, f"invalid rate for device: {text}. The correct format is {rule}", "Rate")


WEIGHTS = repeated("list", _weight)
BPS = repeated("list", _bps)
IOPS = repeated("list", _iops)


def _cgroup_rule(text: str) -> str:
    if not re.match(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}\Z", text, re.ASCII):
        raise ValueError(f"invalid device cgroup format '{text}'")
    return text


CGROUP_RULES = repeated("list", _cgroup_rule)


def device(text: str) -> dict[str, str]:
    """One `--device host[:container[:rwm]]`. Raises ValueError."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise ValueError(f"bad format for path: {text}")
    target, mode = "", "rwm"
    if len(parts) == 2 and _is_mode(parts[1]):
        mode = parts[1]
    elif len(parts) > 1:
        target = parts[1]
    if len(parts) == 3:
        mode = parts[2]
        if not _is_mode(mode):
            raise ValueError(f"bad mode specified: {mode}")
    inside = target or parts[0]
    if not inside.startswith("/"):
        raise ValueError(f"{inside} is not an absolute path")
    if len(parts) < 3:  # docker cleans the path, except where a mode follows it
        inside = posixpath.normpath(inside)
    host = parts[0] if target else inside
    return {"PathOnHost": host, "PathInContainer": inside, "CgroupPermissions": mode}


def _is_mode(text: str) -> bool:
    return bool(text) and len(set(text)) == len(text) and set(text) <= set("rwm")


def _append_gpus(text: str, old: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    request: dict[str, Any] = {"Driver": "", "Count": 0, "DeviceIDs": None, "Capabilities": None, "Options": {}}
    seen = set()
    for field in csv_fields(text):
        key, equals, value = field.partition("=")
        if key in seen:
            raise ValueError(f"gpu request key '{key}' can be specified only once")
        seen.add(key)
        if not equals:
            seen.add("count")
            key, value = "count", key
        if key == "driver":
            request["Driver"] = value
        elif key == "count":
            try:
                request["Count"] = -1 if value == "all" else _decimal(value)
            except ValueError:
                wanted = 'value must be either "all" or an integer: invalid syntax'
                raise ValueError(f"invalid count ({value}): {wanted}") from None
        elif key == "device":
            request["DeviceIDs"] = value.split(",")
        elif key == "capabilities":
            request["Capabilities"] = [[*value.split(","), "gpu"]]
        elif key == "options":
            request["Options"] = {pair.partition("=")[0]: pair.partition("=")[2] for pair in csv_fields(value)}
        else:
            raise ValueError(f"unexpected key '{key}' in '{field}'")
    if request["Capabilities"] is None:
        request["Capabilities"] = [["gpu"]]
    if "count" not in seen and request["DeviceIDs"] is None:
        request["Count"] = 1
    return [*(old or ()), request]


GPUS = Kind("gpu-request", _append_gpus, ())
