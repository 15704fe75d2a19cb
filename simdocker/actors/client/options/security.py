"""What a container may do: capabilities, security options, kernel parameters, and whose namespaces it shares."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.terminal import Terminal
from simdocker.actors.client.values import Kind, go_quote

_SYSCTLS = (
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
)
_ALL = "ALL"


def _set_sysctl(text: str, old: dict[str, str] | None) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not (name in _SYSCTLS or name.startswith(("net.", "fs.mqueue."))):
        raise ValueError(f"sysctl '{text}' is not allowed")
    return {**(old or {}), name: value}


SYSCTLS = Kind("map", _set_sysctl, {})


def capabilities(add: Iterable[str], drop: Iterable[str]) -> tuple[list[str] | None, list[str] | None]:
    """`CapAdd` and `CapDrop`: full names, sorted; adding wins over dropping, ALL over all others."""
    added, dropped = _names(add), _names(drop)
    return sorted(added) or None, sorted(dropped - added) or None


def _names(given: Iterable[str]) -> set[str]:
    names = set()
    for text in given:
        name = text.strip().upper()
        names.add(name if name in (_ALL, "RESET") or name.startswith("CAP_") else "CAP_" + name)
    return {_ALL} if _ALL in names else names


def security_options(given: Iterable[str], terminal: Terminal) -> dict[str, Any]:
    """`SecurityOpt`, and for `systempaths=unconfined` the paths that are then neither masked nor
    read-only. A seccomp profile travels in the request. Raises ValueError."""
    options: list[str] = []
    unconfined = False
    for text in given:
        key, equals, value = text.partition("=")
        if not equals and key != "no-new-privileges":
            key, colon, value = text.partition(":")
            if not colon:
                raise ValueError(f"Invalid --security-opt: {go_quote(text)}")
        if key == "seccomp" and value not in ("unconfined", "builtin"):
            text = f"seccomp={_profile(value, terminal)}"
        if text == "systempaths=unconfined":
            unconfined = True
        else:
            options.append(text)
    if unconfined:
        return {"SecurityOpt": options, "MaskedPaths": [], "ReadonlyPaths": []}
    return {"SecurityOpt": options or None}


def _profile(path: str, terminal: Terminal) -> str:
    try:
        content = terminal.read_file(path)
    except OSError as fault:
        why = f"open {path}: {(fault.strerror or str(fault)).lower()}"
        raise ValueError(f"opening seccomp profile ({path}) failed: {why}") from None
    try:
        return json.dumps(json.loads(content), separators=(",", ":"), ensure_ascii=False)
    except ValueError as fault:
        raise ValueError(f"compacting json for seccomp profile ({path}) failed: {fault}") from None


def namespaces(flags: Flags) -> dict[str, str]:
    """`PidMode`, `UTSMode`, `UsernsMode` and `CgroupnsMode`. Raises ValueError."""
    pid, uts, userns = flags.text("pid"), flags.text("uts"), flags.text("userns")
    cgroupns = flags.text("cgroupns")
    if pid not in ("", "host") and not (pid.startswith("container:") and len(pid) > 10):
        raise ValueError("--pid: invalid PID mode")
    if uts not in ("", "host"):
        raise ValueError("--uts: invalid UTS mode")
    if userns not in ("", "host"):
        raise ValueError("--userns: invalid USER mode")
    if cgroupns not in ("", "private", "host"):
        raise ValueError("--cgroupns: invalid CGROUP mode")
    return {"PidMode": pid, "UTSMode": uts, "UsernsMode": userns, "CgroupnsMode": cgroupns}
