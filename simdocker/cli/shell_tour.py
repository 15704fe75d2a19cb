"""`:world`: what there is in a world and what runs where, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from simdocker.scenario.units import show_duration

if TYPE_CHECKING:
    from simdocker.des.network import Link
    from simdocker.scenario.world import World

MOST = 20  # hosts, links: of a larger world the first so many are told


def tour(world: World) -> Iterator[Text]:
    """Line by line: hosts with their containers, registries, links."""
    yield from _told("hosts", [line for name in world.machines for line in _host(world, name)])
    yield from _told("registries", [_registry(world, name) for name in world.registries])
    graph = world.network.graph
    yield from _told("links", [_link(graph.edges[ends]["link"]) for ends in graph.edges])


def _told(title: str, lines: list[Text]) -> Iterator[Text]:
    yield Text(title, "bold")
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield Text(f"  … and {len(lines) - MOST} more", "dim")


def _host(world: World, name: str) -> Iterator[Text]:
    kernel = world.machines[name].kernel
    yield (
        Text(f"  {name}")
        .append(f"  {kernel.cpus} CPUs, {kernel.memory / 2**30:.3g} GiB", "dim")
        .append("  docker daemon" if name in world.daemons else "  no daemon of its own", "dim")
    )
    if name not in world.daemons:
        return
    for container in world.daemons[name].containers.all():
        yield Text(f"    {container.name}", "cyan" if container.state.running else "dim").append(
            f"  {container.image_ref}  {container.state.status}", "dim"
        )


def _registry(world: World, name: str) -> Text:
    registry = world.registries[name]
    count = len(registry.repositories())
    line = Text(f"  {name}").append(f"  {count} {'repository' if count == 1 else 'repositories'}", "dim")
    if registry.limit is not None:
        line.append(f"  at most {registry.limit} pulls", "yellow")
    return line.append("  down", "red") if registry.outage else line


def _link(link: Link) -> Text:
    bandwidth = link.channels[link.ends[0]].bandwidth
    rate = f"{bandwidth / 1e6:.4g} Mbit/s" if bandwidth is not None else "unlimited"
    line = Text(f"  {' — '.join(link.ends)}").append(f"  {show_duration(link.latency)}, {rate}", "dim")
    return line if link.up else line.append("  down", "red")
