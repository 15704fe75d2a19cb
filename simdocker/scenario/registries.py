"""The registries of a scenario's world, and what is published there before its first step.

They are actors on every backend: a play on a real machine talks to the same registries as a simulated one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from simdocker.actors.distribution.directory import HTTP, Directory
from simdocker.actors.registry.catalogue import hub
from simdocker.actors.registry.catalogue.plugins import plugins
from simdocker.actors.registry.proxy import PullThrough
from simdocker.actors.registry.registry import REFUSED, Registry
from simdocker.content.reference import DEFAULT_TAG, HUB
from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.actors.registry.front import Front
    from simdocker.backends.distribution import RemoteRegistry
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.worldspec import Registry as RegistrySpec
    from simdocker.trace import Trace


def opened(
    scenario: Scenario,
    directory: Directory,
    env: Environment,
    trace: Trace,
    profile: CostProfile,
    streams: RandomStreams,
) -> dict[str, Registry]:
    """The scenario's registries by name, listed in `directory`, with the scenario's images; real ones are listed
    alone. Raises UserError for a
    Dockerfile that cannot be built."""
    registries: dict[str, Registry] = {}
    for name, spec in scenario.world.registries.items():
        if spec.url:
            directory.add(_real(name, spec, env))
            continue
        registries[name] = _opened(name, spec, directory, env, trace, profile, streams)
        directory.add(registries[name])
    if scenario.images:
        from simdocker.scenario.publish import publish

        for name, image in scenario.images.items():
            publish(name, image, registries)
    return registries


def front(
    name: str,
    scheme: str,
    host: str,
    registries: Mapping[str, Registry],
    directory: Directory,
    env: Environment,
    trace: Trace,
    profile: CostProfile,
    streams: RandomStreams,
) -> Front:
    """The door for real clients to a world's registries. The registry `name` is its own: the world's, or a new one on
    `host` that is open to all. Raises UserError for a name that is taken by a real registry."""
    from simdocker.actors.registry.front import Front

    own = registries.get(name)
    if own is None:
        if directory.get(name) is not None:
            raise UserError(f"--registry: the world's {name} is a real registry; choose another port")
        own = Registry(name, env, trace, profile, streams)
        directory.add(own, host, also=name.replace("localhost:", "127.0.0.1:"))
    return Front(own, registries, directory.network, trace, scheme)


def _real(name: str, spec: RegistrySpec, env: Environment) -> RemoteRegistry:
    from simdocker.backends.distribution import RemoteRegistry

    return RemoteRegistry(
        name, env, spec.url, username=spec.username, password=spec.password, ca=spec.ca, insecure=spec.insecure
    )


def _opened(
    name: str,
    spec: RegistrySpec,
    directory: Directory,
    env: Environment,
    trace: Trace,
    profile: CostProfile,
    streams: RandomStreams,
) -> Registry:
    contents = hub() if name == HUB else None
    registry: Registry
    if spec.proxy:
        way = partial(directory.connect, name, spec.proxy, actor=f"registry@{name}")
        registry = PullThrough(name, env, trace, profile, streams, spec.proxy, way)
    else:
        registry = Registry(name, env, trace, profile, streams, contents, users=spec.users, way=spec.auth)
    if name == HUB:
        for repository, plugin in plugins():
            registry.publish(repository, DEFAULT_TAG, plugin)
    if not spec.tls:
        registry.scheme = HTTP
    if spec.rate_limit is not None:
        registry.set_rate_limit(spec.rate_limit)
    if spec.down:
        registry.set_outage(REFUSED)
    return registry
