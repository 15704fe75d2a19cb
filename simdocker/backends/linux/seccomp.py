"""A seccomp profile as the kernel takes it: a BPF program that decides about every system call.

Profiles are those of `docker run --security-opt seccomp=…`, whose text the client sends, in the OCI's form or Docker's
own; `seccomp.json` is what dockerd 20.10 gives a container by default on x86-64. libseccomp compiles them, once each,
and `filters.py` makes that short.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from simdocker.backends.linux.filters import shortened
from simdocker.backends.ports import DriverError

DEFAULT = Path(__file__).with_name("seccomp.json")
EPERM = 1
NATIVE, MACHINE = "SCMP_ARCH_X86_64", "amd64"
ACTIONS = {
    "SCMP_ACT_KILL": 0, "SCMP_ACT_KILL_THREAD": 0, "SCMP_ACT_KILL_PROCESS": 0x80000000, "SCMP_ACT_TRAP": 0x30000,
    "SCMP_ACT_ERRNO": 0x50000, "SCMP_ACT_LOG": 0x7FFC0000, "SCMP_ACT_ALLOW": 0x7FFF0000,
}  # fmt: skip
OPERATORS = {
    "SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4, "SCMP_CMP_GE": 5, "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}  # fmt: skip
ARCHITECTURES = {
    "SCMP_ARCH_X86_64": 0xC000003E, "SCMP_ARCH_X86": 0x40000003, "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_AARCH64": 0xC00000B7, "SCMP_ARCH_ARM": 0x40000028,
}  # fmt: skip
OPTIMIZE, BINARY_TREE = 8, 2  # SCMP_FLTATR_CTL_OPTIMIZE: a few comparisons for each call instead of hundreds


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp: one condition on an argument."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def program(profile: str) -> bytes:
    """The filter of a profile: "default", "unconfined" (none) or a profile's text. Raises DriverError."""
    return b"" if profile == "unconfined" else _compiled(profile)


@cache
def _compiled(profile: str) -> bytes:
    try:
        return _compile(document(profile))
    except (KeyError, TypeError, AttributeError) as error:
        raise DriverError(f"Decoding seccomp profile failed: {error}") from None


def document(profile: str) -> dict[str, Any]:
    """A profile in the OCI's form. Docker's own says for which architectures and capabilities a rule is there; one for
    a capability that is not everybody's is left out, and what it would allow stays forbidden. Raises DriverError."""
    try:
        found = msgspec.json.decode(DEFAULT.read_bytes() if profile == "default" else profile, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise DriverError(f"Decoding seccomp profile failed: {error}") from None
    if "archMap" in found:
        maps = [each for each in found.pop("archMap") or () if each["architecture"] == NATIVE]
        found["architectures"] = [name for each in maps for name in (NATIVE, *(each.get("subArchitectures") or ()))]
    found["syscalls"] = [_plain(rule) for rule in found.get("syscalls") or () if _is_for_all_here(rule)]
    return found


def _is_for_all_here(rule: dict[str, Any]) -> bool:
    wants, shuns = rule.get("includes") or {}, rule.get("excludes") or {}
    if wants.get("caps") or MACHINE in (shuns.get("arches") or ()):
        return False
    return not wants.get("arches") or MACHINE in wants["arches"]


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    names = rule.get("names") or [rule["name"]]
    kept = {name: rule[name] for name in ("action", "args", "errnoRet") if rule.get(name) is not None}
    return {"names": names} | kept


def _compile(profile: dict[str, Any]) -> bytes:
    library = _library()
    context = library.seccomp_init(ctypes.c_uint32(_action(profile["defaultAction"], profile.get("defaultErrnoRet"))))
    try:
        library.seccomp_attr_set(ctypes.c_void_p(context), OPTIMIZE, BINARY_TREE)
        for name in profile.get("architectures") or ():
            library.seccomp_arch_add(ctypes.c_void_p(context), ctypes.c_uint32(ARCHITECTURES[name]))
        for rule in profile["syscalls"]:
            _add(library, context, rule)
        return shortened(_exported(library, context))
    finally:
        library.seccomp_release(ctypes.c_void_p(context))


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        text = "seccomp needs libseccomp (package libseccomp2), or run with --security-opt seccomp=unconfined"
        raise DriverError(text) from None
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def _action(name: str, number: int | None) -> int:
    return ACTIONS[name] | ((EPERM if number is None else number) if name == "SCMP_ACT_ERRNO" else 0)


def _add(library: ctypes.CDLL, context: int, rule: dict[str, Any]) -> None:
    """One rule for each of its names; the names this kernel's architecture does not have are passed over."""
    conditions = rule.get("args") or []
    array = (Comparison * max(len(conditions), 1))(*(
        Comparison(it["index"], OPERATORS[it["op"]], it["value"], it.get("valueTwo", 0)) for it in conditions
    ))  # fmt: skip
    action = ctypes.c_uint32(_action(rule["action"], rule.get("errnoRet")))
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != -1:
            library.seccomp_rule_add_array(ctypes.c_void_p(context), action, number, len(conditions), array)


def _exported(library: ctypes.CDLL, context: int) -> bytes:
    fd = os.memfd_create("seccomp")
    try:
        if library.seccomp_export_bpf(ctypes.c_void_p(context), fd) != 0:
            raise DriverError("libseccomp could not make a filter of the profile")
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)
