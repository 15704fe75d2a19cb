"""`--volume`, `--mount` and `--tmpfs`: what a container sees of storage that is not its image.

`-v` is read as docker's compose loader reads it, `--mount` as comma-separated keys. A relative source
counts from the directory the command runs in, and only the client knows that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from simdocker.actors.client.options.fields import csv_fields
from simdocker.actors.client.options.sizes import ram_in_bytes
from simdocker.actors.client.values import Kind, parse_bool, parse_uint
from simdocker.api.models import Mount

AbsPath = Callable[[str], str]


def volumes(specs: Iterable[str], abspath: AbsPath) -> tuple[list[str], dict[str, Any]]:
    """`Binds` and `Volumes` of several `-v`: a spec with a source is a bind, one without an
    anonymous volume. Raises ValueError."""
    binds: list[str] = []
    anonymous: dict[str, Any] = {}
    for spec in dict.fromkeys(specs):
        source = _source(spec)
        if not source:
            anonymous[spec] = {}
            continue
        host, _, target = spec.partition(":")
        binds.append(f"{abspath(host)}:{target}" if source[0] == "." else spec)
    return binds, anonymous


def _source(spec: str) -> str:
    """The source of a `-v`, "" when it is only a target. A letter before a colon is a Windows drive
    to docker, so that `v:/data` is one anonymous volume."""
    if not spec:
        raise ValueError("invalid empty volume spec")
    if len(spec) <= 2:
        return ""
    sections = [""]
    for char in spec:
        if char == ":" and not (len(sections[-1]) == 1 and sections[-1].isalpha()):
            sections.append("")
        else:
            sections[-1] += char
    if "" in sections:
        raise ValueError(f"invalid spec: {spec}: empty section between colons")
    if len(sections) > 3:
        raise ValueError(f"invalid spec: {spec}: too many colons")
    return sections[0] if len(sections) > 1 else ""


def tmpfs(specs: Iterable[str]) -> dict[str, str] | None:
    """`Tmpfs` of several `--tmpfs`: target to options."""
    return {spec.partition(":")[0]: spec.partition(":")[2] for spec in specs} or None


def placed(mounts: Iterable[Mount], abspath: AbsPath) -> list[Mount] | None:
    """The mounts with relative sources made absolute."""
    return [
        msgspec.structs.replace(mount, Source=abspath(mount.Source))
        if mount.Source == "." or mount.Source.startswith("./")
        else mount
        for mount in mounts
    ] or None


_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_LONE = ("readonly", "volume-nocopy", "bind-nonrecursive")
_RECURSIVE: dict[str, dict[str, bool]] = {
    "enabled": {},
    "disabled": {"NonRecursive": True},
    "writable": {"ReadOnlyNonRecursive": True},
    "readonly": {"ReadOnlyForceRecursive": True},
}


class _MountReader:
    """Collects the keys of one `--mount`."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {"Type": "volume"}
        self.options: dict[str, dict[str, Any]] = {}  # by the mount type they belong to

    def take(self, field: str) -> None:
        raw, equals, value = field.partition("=")
        raw = raw.lower()
        key = _ALIASES.get(raw, raw)
        if not equals:
            if key not in _LONE:
                raise ValueError(f"invalid field '{field}' must be a key=value pair")
            value = "true"
        if key == "type":
            self.fields["Type"] = value.lower()
        elif key == "source":
            self.fields["Source"] = value
        elif key == "target":
            self.fields["Target"] = value
        elif key == "readonly":
            self.fields["ReadOnly"] = _value(raw, value, parse_bool)
        elif key == "consistency":
            self.fields["Consistency"] = value.lower()
        else:
            kind, _, option = key.partition("-")
            take = getattr(self, f"_{kind}_{option}".replace("-", "_"), None)
            if take is None:
                raise ValueError(f"unexpected key '{raw}' in '{field}'")
            take(raw, value)

    def _of(self, kind: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"DriverConfig": {}} if kind == "volume" else {}
        return self.options.setdefault(kind, empty)

    def _bind_propagation(self, key: str, value: str) -> None:
        self._of("bind")["Propagation"] = value.lower()

    def _bind_nonrecursive(self, key: str, value: str) -> None:
        if _value(key, value, parse_bool):
            self._of("bind")["NonRecursive"] = True
        else:
            self._of("bind")

    def _bind_recursive(self, key: str, value: str) -> None:
        if value not in _RECURSIVE:
            wanted = '(must be "enabled", "disabled", "writable", or "readonly")'
            raise ValueError(f"invalid value for {key}: {value} {wanted}")
        if _RECURSIVE[value]:
            self._of("bind").update(_RECURSIVE[value])

    def _volume_nocopy(self, key: str, value: str) -> None:
        wanted = _value(key, value, parse_bool)
        self._of("volume").update({"NoCopy": True} if wanted else {})

    def _volume_subpath(self, key: str, value: str) -> None:
        self._of("volume")["Subpath"] = value

    def _volume_label(self, key: str, value: str) -> None:
        _put(self._of("volume").setdefault("Labels", {}), value)

    def _volume_driver(self, key: str, value: str) -> None:
        self._of("volume")["DriverConfig"]["Name"] = value

    def _volume_opt(self, key: str, value: str) -> None:
        _put(self._of("volume")["DriverConfig"].setdefault("Options", {}), value)

    def _image_subpath(self, key: str, value: str) -> None:
        self._of("image")["Subpath"] = value

    def _tmpfs_size(self, key: str, value: str) -> None:
        self._of("tmpfs")["SizeBytes"] = _value(key, value, ram_in_bytes)

    def _tmpfs_mode(self, key: str, value: str) -> None:
        self._of("tmpfs")["Mode"] = _value(key, value, lambda text: parse_uint("0o" + text, 32))

    def mount(self) -> Mount:
        fields = self.fields
        kind = fields["Type"]
        if not kind:
            raise ValueError("type is required")
        for option in ("volume", "image", "bind", "tmpfs"):
            if option in self.options and option != kind:
                raise ValueError(f"cannot mix '{option}-*' options with mount type '{kind}'")
        bind = self.options.get("bind", {})
        for option, word in (("ReadOnlyNonRecursive", "writable"), ("ReadOnlyForceRecursive", "readonly")):
            if option in bind and not fields.get("ReadOnly"):
                raise ValueError(f"option 'bind-recursive={word}' requires 'readonly' to be specified in conjunction")
        if not fields.get("Target"):
            raise ValueError("target is required")
        return Mount(
            **fields,
            BindOptions=self.options.get("bind"),
            VolumeOptions=self.options.get("volume"),
            TmpfsOptions=self.options.get("tmpfs"),
            ImageOptions=self.options.get("image"),
        )


def _put(table: dict[str, str], pair: str) -> None:
    key, _, value = pair.partition("=")
    if key:
        table[key] = value


def _value(key: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {text}") from None


def _append_mount(text: str, old: list[Mount] | None) -> list[Mount]:
    reader = _MountReader()
    for field in csv_fields(text):
        reader.take(field)
    return [*(old or ()), reader.mount()]


MOUNT = Kind("mount", _append_mount, ())
