"""A plugin as the daemon keeps it: what it is made of, its settings, and its process while it is enabled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from simdocker.api import InternalError

if TYPE_CHECKING:
    from simdocker.backends.ports import PluginProcess
    from simdocker.content.plugin import PluginImage
    from simdocker.content.reference import Reference


class Plugin:
    """One plugin. `remote` is where it came from, `image` what it is made of,
    `process` is there while it is enabled."""

    __slots__ = ("args", "devices", "env", "id", "image", "mounts", "name", "process", "remote")

    def __init__(self, id: str, name: Reference, remote: Reference, image: PluginImage) -> None:
        self.id = id
        self.name = name
        self.process: PluginProcess | None = None
        self.become(remote, image)

    def become(self, remote: Reference, image: PluginImage) -> None:
        """Take what it is made of, with the settings that it has by itself."""
        config = image.config
        self.remote = remote
        self.image = image
        self.args = list(config.Args.Value)
        self.env = {env.Name: env.Value for env in config.Env}
        self.mounts = list(config.Mounts)
        self.devices = list(config.Linux.Devices)

    @property
    def enabled(self) -> bool:
        return self.process is not None

    @property
    def variables(self) -> list[str]:
        """The environment of its process."""
        return [f"{name}={value}" for name, value in self.env.items()]

    def set(self, settings: Sequence[str]) -> None:
        """`docker plugin set`: `NAME=VALUE`, `NAME.source=PATH`, `NAME.path=PATH`, `args=…`. Raises
        InternalError; then nothing is set."""
        parsed = [_parsed(setting) for setting in settings]
        for name, field, _ in parsed:
            self._check(name, field)
        for name, _, value in parsed:
            if name in self.env:
                self.env[name] = value
            elif name == self.image.config.Args.Name:
                self.args = value.split()
            self.mounts = [replace(mount, Source=value) if mount.Name == name else mount for mount in self.mounts]
            self.devices = [replace(device, Path=value) if device.Name == name else device for device in self.devices]

    def _check(self, name: str, field: str) -> None:
        config = self.image.config
        for parts, usual in (
            (config.Env, "value"), (config.Mounts, "source"), (config.Linux.Devices, "path"), ((config.Args,), "value"),
        ):  # fmt: skip
            for part in parts:
                if part.Name == name:
                    if (field or usual) not in (part.Settable or ()):
                        raise InternalError(f'"{name}" is not settable')
                    return
        raise InternalError(f'setting "{name}" not found in the plugin configuration')

    def view(self) -> dict[str, Any]:
        """The plugin as the API shows it."""
        config = msgspec.to_builtins(self.image.config, order="sorted")
        return {
            "Config": {name: value for name, value in config.items() if name != "DockerVersion" or value},
            "Enabled": self.enabled,
            "Id": self.id,
            "Name": self.name.familiar,
            "PluginReference": self.remote.canonical,
            "Settings": {
                "Args": list(self.args),
                "Devices": [msgspec.to_builtins(device) for device in self.devices],
                "Env": self.variables,
                "Mounts": [msgspec.to_builtins(mount) for mount in self.mounts],
            },
        }


def _parsed(setting: str) -> tuple[str, str, str]:
    """`name.field=value` in its parts. Raises InternalError."""
    left, equals, value = setting.partition("=")
    if not left or not equals:
        raise InternalError(f'invalid plugin option format: "{setting}"')
    name, _, field = left.partition(".")
    return name, field, value
