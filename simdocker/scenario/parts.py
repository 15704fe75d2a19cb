"""What the parts of a scenario file are made of: quantities written with their units, and their base.

A quantity is read by msgspec's `dec_hook`; in the part it becomes a plain int: ns, bytes, bits a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice

import msgspec

from simdocker.scenario import units

FOREVER = 0
MANY = 20  # names in an error's sentence


class Quantity(int):
    """A number written with its unit. Once the part it stands in is built it is a plain int."""

    read: Callable[[object], int]


class Duration(Quantity):
    """Nanoseconds, written as `20ms`."""

    read = staticmethod(units.duration)


class Size(Quantity):
    """Bytes, written as `80MB`."""

    read = staticmethod(units.size)


class Rate(Quantity):
    """A disk's bytes a second, written as `500MB/s`."""

    read = staticmethod(units.rate)


class Bandwidth(Quantity):
    """Bits a second, written as `100Mbit/s`; 0 is `unlimited`."""

    read = staticmethod(lambda value: units.bandwidth(value) or 0)


class Outage(Quantity):
    """How long something is down, in ns; `true` is FOREVER, which is until an `up`."""

    @staticmethod
    def read(value: object) -> int:
        """Raises ValueError."""
        if value is True:
            return FOREVER
        if value is False:
            raise ValueError("down: false says nothing; to mend it write up: true")
        if not (duration := units.duration(value)):
            raise ValueError("down takes some time, such as 10s; true is until it is up again")
        return duration


def read(kind: type[Quantity], value: object) -> Quantity:
    """What `value` means as one of the kinds above: msgspec's `dec_hook`. Raises ValueError."""
    return kind(kind.read(value))


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Base: an unknown key is an error."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Quantity):
                setattr(self, name, int(value))


def must_compile(pattern: str) -> None:
    """Raises ValueError for what is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


def listed(names: Iterable[str]) -> str:
    """The names, or of very many the first few."""
    few = list(islice(names, MANY + 1))
    return ", ".join(few[:MANY]) + (" …" if len(few) > MANY else "")
