"""Mounts of a container: what `-v`, `--mount`, `--tmpfs`, `--volumes-from` and an image's VOLUME ask.

Parsing, defaults and refusals are those of dockerd 20.10 (`volume/mounts`, `registerMountPoints`).
A plan is made when a container is created and says what to mount where; nothing exists yet.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simdocker.api import ApiError, BadRequest, InternalError
from simdocker.api.models import ContainerConfig, HostConfig, Mount

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container

BIND, VOLUME, TMPFS = "bind", "volume", "tmpfs"
TMPFS_DEFAULTS = "noexec,nosuid,nodev"

_ACCESS = ("rw", "ro")
_PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_MODE_GROUPS = (_ACCESS, _PROPAGATION, ("z", "Z"), ("nocopy",), ("consistent", "cached", "delegated"))
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_TMPFS_FLAGS = frozenset(
    (
        "ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime "
        "nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime "
        "norelatime strictatime nostrictatime mode uid gid size nr_inodes nr_blocks mpol"
    ).split()
)


class MountPlan:
    """One mount of a container. `name` is the volume's ("" for bind and tmpfs), `source` a host path
    (a volume's is known once it exists), `mode` what the user wrote, as inspect repeats it.

    `anonymous` volumes go away with their container if asked; `copy` fills an empty volume from the
    image; `hidden` (`--tmpfs`) is not listed by inspect; of a `sourceless` one (a volume of image or config)
    the list of containers does not tell the source."""

    __slots__ = (
        "anonymous",
        "copy",
        "create",
        "driver",
        "hidden",
        "kind",
        "labels",
        "mode",
        "must_exist",
        "name",
        "options",
        "propagation",
        "read_only",
        "source",
        "sourceless",
        "target",
        "tmpfs",
    )

    def __init__(self, kind: str, target: str, *, source: str = "", name: str = "", read_only: bool = False) -> None:
        self.kind = kind
        self.target = target
        self.source = source
        self.name = name
        self.read_only = read_only
        self.mode = ""
        self.driver = ""
        self.propagation = ""
        self.anonymous = False
        self.copy = False
        self.create = False  # the volume is to be created with the container
        self.must_exist = False  # a bind's source: `--mount` requires it, `-v` creates it
        self.hidden = False
        self.sourceless = False
        self.tmpfs = ""
        self.labels: Mapping[str, str] | None = None
        self.options: Mapping[str, str] | None = None

    @property
    def depth(self) -> int:
        """How deep below the root it is: what is mounted below another mount comes after that."""
        return self.target.count("/")

    def shown(self) -> dict[str, Any]:
        """What inspect says of it."""
        shown: dict[str, Any] = {"Type": self.kind}
        if self.kind == VOLUME:
            shown["Name"] = self.name
        shown["Source"] = self.source
        shown["Destination"] = self.target
        if self.kind == VOLUME:
            shown["Driver"] = self.driver
        shown["Mode"] = self.mode
        shown["RW"] = not self.read_only
        shown["Propagation"] = self.propagation
        return shown


def check_volume_name(name: str) -> None:
    """Raises BadRequest for a name the local driver does not take."""
    if _VOLUME_NAME.fullmatch(name) is None:
        if len(name) == 1 and name.isalnum() and name.isascii():
            raise BadRequest(
                f"create {name}: volume name is too short, names should be at least two alphanumeric characters"
            )
        raise BadRequest(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
        )


def planned(
    config: ContainerConfig, host: HostConfig, find: Callable[[str], Container], new_id: Callable[[], str]
) -> Iterator[MountPlan]:
    """What a container mounts, one after another; `find` looks up `--volumes-from`, `new_id` names anonymous
    volumes. A later mount takes the place of another container's at the same target.

    1. Other containers' mounts. 2. `-v`. 3. `--mount`. 4. `--tmpfs`. 5. Volumes of image and config,
    where nothing else is mounted. Raises `ApiError` with dockerd's sentence at the mount that is wrong: the
    volumes of those before it have been made by then, and stay."""
    taken: set[str] = set()
    for spec in host.VolumesFrom or ():
        for mount in _from_container(spec, find):
            taken.add(mount.target)
            yield mount
    asked = set(host.Tmpfs or ())
    for mount, target in _asked(host, new_id):
        if mount.target in asked:
            raise BadRequest(f"Duplicate mount point: {target}")
        asked.add(mount.target)
        yield mount
    for target, options in (host.Tmpfs or {}).items():
        _check_absolute(target)
        mount = MountPlan(TMPFS, target)
        mount.hidden = True
        mount.tmpfs = f"{TMPFS_DEFAULTS},{options}" if options else TMPFS_DEFAULTS
        yield mount
    for target in config.Volumes or ():
        cleaned = posixpath.normpath(target)
        if cleaned not in taken | asked:
            asked.add(cleaned)
            mount = _volume("", cleaned, new_id)
            mount.driver = host.VolumeDriver
            mount.sourceless = True
            yield mount


def _asked(host: HostConfig, new_id: Callable[[], str]) -> Iterator[tuple[MountPlan, str]]:
    """Each `-v` and `--mount`, with the target as dockerd writes it when it complains."""
    for raw in host.Binds or ():
        mount = parse_bind(raw, host.VolumeDriver, new_id)
        yield mount, mount.target
    for model in host.Mounts or ():
        yield from_model(model, new_id, BadRequest), model.Target


def check_models(host: HostConfig, exists: Callable[[str], bool]) -> None:
    """Raises BadRequest for a `--mount` that cannot be, or whose source is not there: found out before anything
    is made."""
    for model in host.Mounts or ():
        mount = from_model(model, str, BadRequest)
        if mount.must_exist and not exists(mount.source):
            raise no_source(mount)


def no_source(mount: MountPlan) -> BadRequest:
    """What is said of a bind mount whose source has to exist and does not."""
    return BadRequest(f'invalid mount config for type "bind": bind source path does not exist: {mount.source}')


def _volume(name: str, target: str, new_id: Callable[[], str]) -> MountPlan:
    mount = MountPlan(VOLUME, target, name=name or new_id())
    mount.anonymous = not name
    mount.create = mount.copy = True
    return mount


def parse_bind(raw: str, volume_driver: str, new_id: Callable[[], str]) -> MountPlan:
    """One `-v`: `/target`, `source:/target` or `source:/target:mode`."""
    parts = raw.split(":")
    invalid = InternalError(f"invalid volume specification: '{raw}'")
    if not parts[0] or len(parts) > 3 or (len(parts) == 2 and valid_mode(parts[1])):
        raise invalid
    source = parts[0] if len(parts) > 1 else ""
    target = parts[1] if len(parts) > 1 else parts[0]
    mode = parts[2] if len(parts) > 2 else ""
    if not valid_mode(mode):
        raise InternalError(f"invalid mode: {mode}")
    options = mode.split(",")
    propagation = next((option for option in options if option in _PROPAGATION), "")
    model = Mount(
        Type=BIND if source.startswith("/") else VOLUME,
        Source=source,
        Target=target,
        ReadOnly="ro" in options,
        VolumeOptions={"NoCopy": True} if "nocopy" in options else None,
        BindOptions={"Propagation": propagation} if propagation else None,
    )
    try:
        mount = from_model(model, new_id, InternalError)
    except InternalError as error:
        raise InternalError(f"{invalid.message}: {error.message}") from None
    mount.mode = mode or mount.mode
    mount.must_exist = False
    if mount.kind == VOLUME:
        mount.driver = volume_driver
    return mount


def valid_mode(mode: str) -> bool:
    """Whether each option of `ro,z,nocopy` is known and none contradicts another."""
    if not mode:
        return True
    seen = set()
    for option in mode.split(","):
        group = next((number for number, group in enumerate(_MODE_GROUPS) if option in group), None)
        if group is None or group in seen:
            return False
        seen.add(group)
    return True


def from_model(model: Mount, new_id: Callable[[], str], error: type[ApiError]) -> MountPlan:
    """One `--mount`. Raises `error` for what dockerd's linux parser refuses."""
    try:
        _check(model)
    except ValueError as fault:
        raise error(f'invalid mount config for type "{model.Type}": {fault}') from None
    target = posixpath.normpath(model.Target)
    if model.Type == VOLUME:
        mount = _volume(model.Source, target, new_id)
        mount.mode = "z"  # dockerd relabels volumes it manages
        mount.read_only = model.ReadOnly
        options = model.VolumeOptions or {}
        mount.copy = not options.get("NoCopy")
        mount.labels = options.get("Labels")
        driver: Mapping[str, Any] = options.get("DriverConfig") or {}
        mount.driver = str(driver.get("Name") or "")
        mount.options = driver.get("Options")
    elif model.Type == BIND:
        mount = MountPlan(BIND, target, source=posixpath.normpath(model.Source), read_only=model.ReadOnly)
        mount.propagation = str((model.BindOptions or {}).get("Propagation") or "rprivate")
        mount.must_exist = True
    else:
        mount = MountPlan(TMPFS, target, read_only=model.ReadOnly)
        mount.tmpfs = _tmpfs_options(model)
    return mount


def _check(model: Mount) -> None:
    if not model.Target:
        raise ValueError("field Target must not be empty")
    if posixpath.normpath(model.Target) == "/":
        raise ValueError("invalid specification: destination can't be '/'")
    _check_absolute(model.Target, ValueError)
    if model.Type == BIND:
        if not model.Source:
            raise ValueError("field Source must not be empty")
        propagation = (model.BindOptions or {}).get("Propagation")
        if propagation and propagation not in _PROPAGATION:
            raise ValueError(f"invalid propagation mode: {propagation}")
        _forbid(model, "VolumeOptions")
        _check_absolute(model.Source, ValueError)
    elif model.Type == VOLUME:
        _forbid(model, "BindOptions")
        if not model.Source and model.ReadOnly:
            raise ValueError("must not set ReadOnly mode when using anonymous volumes")
    elif model.Type == TMPFS:
        _forbid(model, "BindOptions")
        _forbid(model, "Source")
    else:
        raise ValueError("mount type unknown")


def _forbid(model: Mount, field: str) -> None:
    if getattr(model, field):
        raise ValueError(f"field {field} must not be specified")


def _check_absolute(path: str, error: type[Exception] = BadRequest) -> None:
    if not path.startswith("/"):
        raise error(f"invalid mount path: '{path}' mount path must be absolute")


def _tmpfs_options(model: Mount) -> str:
    options = model.TmpfsOptions or {}
    text = "ro," if model.ReadOnly else ""
    text += TMPFS_DEFAULTS
    if mode := options.get("Mode"):
        text += f",mode={mode:o}"
    if size := options.get("SizeBytes"):
        text += f",size={size}"
    return text


def check_tmpfs(options: str) -> None:
    """Raises InternalError for what `mount -t tmpfs -o` does not take; dockerd finds out at start."""
    unknown = [option for option in options.split(",") if option and option.partition("=")[0] not in _TMPFS_FLAGS]
    if unknown:
        raise InternalError(f'invalid tmpfs option ["{unknown[0]}"]')


def _from_container(spec: str, find: Callable[[str], Container]) -> list[MountPlan]:
    """The mounts of another container (`--volumes-from NAME[:mode]`)."""
    if not spec:
        raise BadRequest("volumes-from specification cannot be an empty string")
    name, colon, mode = spec.partition(":")
    if colon and (not valid_mode(mode) or "nocopy" in mode or any(word in _PROPAGATION for word in mode.split(","))):
        raise BadRequest(f"invalid mode: {mode}")
    try:
        other = find(name)
    except ApiError as error:
        raise BadRequest(error.message) from None
    copies = []
    for mount in other.mounts:
        if mount.hidden:
            continue
        copy = MountPlan(
            mount.kind,
            mount.target,
            source=mount.source,
            name=mount.name,
            read_only=mount.read_only or "ro" in mode.split(","),
        )
        copy.driver, copy.propagation, copy.tmpfs = mount.driver, mount.propagation, mount.tmpfs
        copy.anonymous = mount.anonymous
        copies.append(copy)
    return copies
