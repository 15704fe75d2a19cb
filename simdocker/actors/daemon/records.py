"""A daemon's objects as plain data, and back: what their files hold.

What leads elsewhere is told by name or id; what lives only while a container runs (its process, its sandbox, who is
attached) is left out. Who reads a record made by an earlier version gets the defaults for what that did not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon.container import Container, State
from simdocker.actors.daemon.endpoints import EndpointState
from simdocker.actors.daemon.health import Health
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.mounts import MountPlan
from simdocker.actors.daemon.network import Network
from simdocker.actors.daemon.volumes import Volume
from simdocker.api.models import ContainerConfig, EndpointSettings, HostConfig, NetworkCreateBody

if TYPE_CHECKING:
    from simdocker.actors.daemon.ipam import AddressPool

_encode = msgspec.json.Encoder().encode


class MountRecord(msgspec.Struct):
    """A `MountPlan`."""

    kind: str
    target: str
    source: str = ""
    name: str = ""
    read_only: bool = False
    mode: str = ""
    driver: str = ""
    propagation: str = ""
    anonymous: bool = False
    copy: bool = False
    create: bool = False
    must_exist: bool = False
    hidden: bool = False
    sourceless: bool = False
    tmpfs: str = ""
    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None


class EndpointRecord(msgspec.Struct):
    """An `EndpointState` without its connection."""

    network: str  # its id, "" before the first connection
    settings: EndpointSettings
    aliases: list[str] | None = None


class HealthRecord(msgspec.Struct):
    """A `Health`."""

    status: str
    failing_streak: int
    log: list[dict[str, Any]]


class ContainerRecord(msgspec.Struct):
    """A `Container` (dockerd's config.v2.json and hostconfig.json)."""

    id: str
    image: str  # its id, "" for none
    image_ref: str
    config: ContainerConfig
    host: HostConfig
    created_ns: int
    path: str
    args: list[str]
    name: str
    state: State
    platform: str
    mounts: list[MountRecord]
    networking: dict[str, EndpointSettings]
    endpoints: dict[str, EndpointRecord]
    sandbox_id: str = ""
    health: HealthRecord | None = None
    logged: bool = False
    manually_stopped: bool = False
    restart_count: int = 0


class ImageRecord(msgspec.Struct):
    """An `Image`; `orphan` when it was deleted while a container stands on its layers."""

    document: bytes
    size: int
    parent: str = ""
    last_tagged_ns: int = -1
    orphan: bool = False


class NetworkRecord(msgspec.Struct):
    """A `Network` that somebody created."""

    id: str
    name: str
    driver: str
    body: NetworkCreateBody
    created_ns: int
    ipam: list[dict[str, Any]]
    pools: list[tuple[int, int]] = []


class VolumeRecord(msgspec.Struct):
    """A `Volume` of the local driver."""

    name: str
    created_ns: int
    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None


def encoded(thing: Container | Image | Network | Volume) -> bytes:
    """The text of an object's file."""
    if isinstance(thing, Container):
        return _encode(_container(thing))
    if isinstance(thing, Image):
        parent = thing.parent.id if thing.parent is not None else ""
        return _encode(
            ImageRecord(thing.document.encoded, thing.size, parent, thing.last_tagged_ns, orphan=thing.orphan)
        )
    if isinstance(thing, Network):
        assert thing.body is not None  # Docker's own three are made anew
        subnets = [(pool.subnet, pool.length) for pool in thing.pools]
        return _encode(
            NetworkRecord(thing.id, thing.name, thing.driver, thing.body, thing.created_ns, thing.ipam, subnets)
        )
    return _encode(VolumeRecord(thing.name, thing.created_ns, _plain(thing.labels), _plain(thing.options)))


def table(rows: Mapping[str, Any]) -> bytes:
    """The text of a table's file."""
    return _encode(rows)


def _container(it: Container) -> ContainerRecord:
    state = it.state
    if state.running and it.process is None:  # it waits to be restarted, or its end is being cleared up
        state = msgspec.structs.replace(state, running=False, restarting=False)
    health = it.health
    return ContainerRecord(
        it.id, it.image.id if it.image is not None else "", it.image_ref, it.config, it.host, it.created_ns, it.path,
        it.args, it.name, state, it.platform, [_mount(mount) for mount in it.mounts], dict(it.networking),
        {name: _endpoint(endpoint) for name, endpoint in it.endpoints.items()}, it.sandbox_id,
        HealthRecord(health.status, health.failing_streak, health.log) if health is not None else None,
        it.log.opened, it.manually_stopped, it.restart_count,
    )  # fmt: skip


def _mount(plan: MountPlan) -> MountRecord:
    return MountRecord(**{name: getattr(plan, name) for name in MountPlan.__slots__})


def _endpoint(state: EndpointState) -> EndpointRecord:
    return EndpointRecord(state.network.id if state.network is not None else "", state.settings, state.aliases)


def _plain(mapping: Mapping[str, str] | None) -> dict[str, str] | None:
    return dict(mapping) if mapping is not None else None


# -- and back ----------------------------------------------------------------------------------------------


def container(record: ContainerRecord, image: Image | None, networks: Mapping[str, Network]) -> Container:
    """The container, which does not run."""
    made = Container(
        record.id, image, record.image_ref, record.config, record.host, record.created_ns, record.path, record.args,
        state=record.state, platform=record.platform, mounts=[_plan(mount) for mount in record.mounts],
        networking=record.networking, endpoints={}, sandbox_id=record.sandbox_id,
        manually_stopped=record.manually_stopped, restart_count=record.restart_count,
    )  # fmt: skip
    made.call(record.name)
    for name, one in record.endpoints.items():
        made.endpoints[name] = EndpointState(made, networks.get(one.network), one.settings, one.aliases)
    if record.health is not None:
        made.health = Health()
        made.health.status, made.health.failing_streak = record.health.status, record.health.failing_streak
        made.health.log = record.health.log
    return made


def _plan(record: MountRecord) -> MountPlan:
    plan = MountPlan(record.kind, record.target)
    for name in MountPlan.__slots__:
        setattr(plan, name, getattr(record, name))
    return plan


def network(record: NetworkRecord, pools: list[AddressPool]) -> Network:
    """The network, with nobody on it."""
    return Network(
        record.id, record.name, record.driver, record.body, created_ns=record.created_ns, pools=pools, ipam=record.ipam
    )
