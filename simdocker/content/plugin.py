"""What a Docker plugin is made of: a configuration, and a root filesystem in one layer.

In a registry a plugin lies as an image does (manifest, configuration, layer); only the type of its
configuration says that it is to be run by the Engine itself. The fields and their names are those of
the plugin's `config.json` (docs.docker.com/engine/extend/config) and of the Engine API's `Plugin`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from simdocker.content.image import Layer
from simdocker.content.manifest import (
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    Descriptor,
    DockerManifest,
    Document,
    Manifest,
    RootFS,
)

PLUGIN_CONFIG = "application/vnd.docker.plugin.v1+json"
SettableFields = tuple[str, ...] | None


class PluginInterface(msgspec.Struct, frozen=True):
    """What the plugin is (`docker.volumedriver/1.0`), and the socket it listens on."""

    Socket: str = ""
    Types: tuple[str, ...] = ()


class PluginNetwork(msgspec.Struct, frozen=True):
    Type: str = ""


class PluginDevice(msgspec.Struct, frozen=True):
    Description: str = ""
    Name: str = ""
    Path: str | None = None
    Settable: SettableFields = None


class PluginLinux(msgspec.Struct, frozen=True):
    AllowAllDevices: bool = False
    Capabilities: tuple[str, ...] = ()
    Devices: tuple[PluginDevice, ...] = ()


class PluginMount(msgspec.Struct, frozen=True):
    Description: str = ""
    Destination: str = ""
    Name: str = ""
    Options: tuple[str, ...] = ()
    Settable: SettableFields = None
    Source: str | None = None
    Type: str = ""


class PluginEnv(msgspec.Struct, frozen=True):
    Description: str = ""
    Name: str = ""
    Settable: SettableFields = None
    Value: str = ""


class PluginArgs(msgspec.Struct, frozen=True):
    Description: str = ""
    Name: str = ""
    Settable: SettableFields = None
    Value: tuple[str, ...] = ()


class PluginUser(msgspec.Struct, frozen=True, omit_defaults=True):
    UID: int = 0
    GID: int = 0


class PluginConfig(Document, frozen=True, omit_defaults=False):
    """A plugin's configuration document."""

    Args: PluginArgs = PluginArgs()
    Description: str = ""
    DockerVersion: str = ""
    Documentation: str = ""
    Entrypoint: tuple[str, ...] = ()
    Env: tuple[PluginEnv, ...] = ()
    Interface: PluginInterface = PluginInterface()
    IpcHost: bool = False
    Linux: PluginLinux = PluginLinux()
    Mounts: tuple[PluginMount, ...] = ()
    Network: PluginNetwork = PluginNetwork()
    PidHost: bool = False
    PropagatedMount: str = ""
    User: PluginUser = PluginUser()
    WorkDir: str = ""
    rootfs: RootFS = RootFS("layers")

    @property
    def capabilities(self) -> list[str]:
        """`volumedriver` of `docker.volumedriver/1.0`: what the plugin can be used as."""
        return [kind.removeprefix("docker.").partition("/")[0] for kind in self.Interface.Types]

    def privileges(self) -> list[dict[str, Any]]:
        """What it wants to be allowed beyond a plain container, in dockerd's order and words."""
        asked: list[tuple[str, str, list[str]]] = []
        if self.Network.Type not in ("", "none", "null", "bridge"):
            asked.append(("network", "permissions to access a network", [self.Network.Type]))
        if self.IpcHost:
            asked.append(("host ipc namespace", "allow access to host ipc namespace", ["true"]))
        if self.PidHost:
            asked.append(("host pid namespace", "allow access to host pid namespace", ["true"]))
        asked += [("mount", "host path to mount", [it.Source]) for it in self.Mounts if it.Source is not None]
        asked += [("device", "host device to access", [it.Path]) for it in self.Linux.Devices if it.Path is not None]
        if self.Linux.AllowAllDevices:
            asked.append(("allow-all-devices", "allow 'rwm' access to all devices", ["true"]))
        if self.Linux.Capabilities:
            capabilities = list(self.Linux.Capabilities)
            asked.append(("capabilities", "list of additional capabilities required", capabilities))
        return [{"Name": name, "Description": text, "Value": value} for name, text, value in asked]


class PluginImage:
    """A plugin ready to publish or to install: its configuration and its layer."""

    def __init__(self, config: PluginConfig, layer: Layer) -> None:
        self.layers = (layer,)
        self._config = config

    @cached_property
    def config(self) -> PluginConfig:
        """The configuration, with the digest of the layer in it."""
        return msgspec.structs.replace(self._config, rootfs=RootFS("layers", (self.layers[0].diff_id,)))

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest as dockerd pushes it."""
        return DockerManifest(
            2,
            DOCKER_MANIFEST,
            Descriptor(PLUGIN_CONFIG, self.config.digest, self.config.size),
            tuple(Descriptor(DOCKER_LAYER, layer.digest, layer.size) for layer in self.layers),
        )
