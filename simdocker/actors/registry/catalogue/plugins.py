"""The plugins of the built-in Docker Hub: a volume driver and a network driver."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import program
from simdocker.content.plugin import (
    PluginConfig,
    PluginDevice,
    PluginEnv,
    PluginImage,
    PluginInterface,
    PluginLinux,
    PluginMount,
    PluginNetwork,
)

CREATED = "2018-01-15T18:30:00Z"
DOCUMENTATION = "https://docs.docker.com/engine/extend/plugins/"
DOCKER_VERSION = "18.05.0-ce"


def plugins() -> Iterator[tuple[str, PluginImage]]:
    """Every plugin with its repository."""
    yield "vieux/sshfs", _sshfs()
    yield "simdocker/segment", _segment()


@cache
def _sshfs() -> PluginImage:
    """github.com/vieux/docker-volume-sshfs, configured as its config.json says."""
    entrypoint = "/docker-volume-sshfs"
    layer = files(8_100_000, "", {entrypoint: program(6_291_456, "docker-volume-sshfs")}, modified=CREATED)
    return PluginImage(
        PluginConfig(
            Description="sshFS plugin for Docker",
            DockerVersion=DOCKER_VERSION,
            Documentation=DOCUMENTATION,
            Entrypoint=(entrypoint,),
            Env=(PluginEnv(Name="DEBUG", Settable=("value",), Value="0"),),
            Interface=PluginInterface("sshfs.sock", ("docker.volumedriver/1.0",)),
            Linux=PluginLinux(Capabilities=("CAP_SYS_ADMIN",), Devices=(PluginDevice(Path="/dev/fuse"),)),
            Mounts=(
                PluginMount(
                    Destination="/mnt/state", Options=("rbind",), Source="/var/lib/docker/plugins/", Type="bind"
                ),
                PluginMount("", "/root/.ssh", "sshkey", ("rbind",), ("source",), "", "bind"),
            ),
            Network=PluginNetwork("host"),
            PropagatedMount="/mnt/volumes",
        ),
        layer,
    )


@cache
def _segment() -> PluginImage:
    entrypoint = "/docker-net-segment"
    layer = files(4_200_000, "", {entrypoint: program(4_194_304, "docker-net-segment")}, modified=CREATED)
    return PluginImage(
        PluginConfig(
            Description="Networks that end at the host",
            DockerVersion=DOCKER_VERSION,
            Documentation=DOCUMENTATION,
            Entrypoint=(entrypoint,),
            Interface=PluginInterface("segment.sock", ("docker.networkdriver/1.0",)),
            Linux=PluginLinux(Capabilities=("CAP_NET_ADMIN", "CAP_SYS_ADMIN")),
            Network=PluginNetwork("host"),
        ),
        layer,
    )
