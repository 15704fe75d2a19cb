"""The drivers that a simulated machine's daemon stands on, by role and name.

Docker's own names are the machine's own drivers: storage `overlay2`, runtime `runc`, network `bridge`, volume
`local`. Another is a class that is made with the machine and has the methods of its role's protocol (`ports.py`);
it is registered here, or a package brings it as an entry point of the group `simdocker.drivers`, named `ROLE.NAME`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.backends.sim.machine import Machine

GROUP = "simdocker.drivers"
OWN = {"storage": "overlay2", "runtime": "runc", "network": "bridge", "volume": "local"}
"""Role and name of the drivers that a machine has; each is its attribute of that name."""

Maker = Callable[["Machine"], Any]
"""Makes a driver for a machine: usually its class."""

DRIVERS: dict[tuple[str, str], Maker] = {}
"""Registered drivers by role and name."""


def driver(role: str, name: str) -> Callable[[Maker], Maker]:
    """Decorator: register a driver for a role (storage, runtime, network or volume) under a name, which a host of a
    scenario chooses with `drivers: {ROLE: NAME}`. Raises UserError for another role and for the name of the own."""
    if role not in OWN:
        raise UserError(f"a driver's role is one of {', '.join(OWN)}, not {role!r}")
    if name == OWN[role]:
        raise UserError(f"{name!r} is the machine's own {role} driver; give yours another name")

    def register(maker: Maker) -> Maker:
        DRIVERS[role, name] = maker
        return maker

    return register


def chosen(role: str, name: str, machine: Machine) -> Any:
    """The driver of that name on a machine. Raises UserError when nobody has brought one."""
    if name == OWN[role]:
        return getattr(machine, role)
    maker = DRIVERS.get((role, name))
    if maker is None:
        for point in entry_points(group=GROUP, name=f"{role}.{name}"):
            maker = point.load()
    if maker is None:
        known = _known(role)
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise UserError(f"world: hosts: {machine.name}: drivers: there is no {role} driver {name!r}: {hint}")
    return maker(machine)


def _known(role: str) -> list[str]:
    brought = {point.name for point in entry_points(group=GROUP)} | {f"{of}.{name}" for of, name in DRIVERS}
    return [OWN[role], *sorted(name.removeprefix(f"{role}.") for name in brought if name.startswith(f"{role}."))]
