"""IP address management (libnetwork's IPAM): which subnet a network gets, which address an endpoint.

Addresses are plain integers: an allocation lies on the path of every `docker run`. Rules are those
measured on Docker Engine 20.10.24: subnets are handed out round-robin from Docker's default pools;
addresses lowest free first, the gateway before all others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import overload

from simdocker.api import ApiError, Forbidden, InternalError, NotFound
from simdocker.api.gotext import digits

Subnet = tuple[int, int]
"""(first address, prefix length)."""

OVERLAP = "Pool overlaps with other one on this address space"
IN_USE = "Address already in use"
OUT_OF_RANGE = "Requested address is out of range"
NONE_LEFT = "No available addresses on this pool"


def _defaults() -> tuple[Subnet, ...]:
    """Docker's default address pools: 172.17–172.31 as /16, then 192.168 as sixteen /20."""
    wide = [(172 << 24 | second << 16, 16) for second in range(17, 32)]
    narrow = [(192 << 24 | 168 << 16 | third << 8, 20) for third in range(0, 256, 16)]
    return (*wide, *narrow)


DEFAULT_POOLS = _defaults()


class Pools(Sequence[Subnet]):
    """The subnets that networks get by default: parts of equal size of each base, in order."""

    def __init__(self, bases: Sequence[tuple[Subnet, int]]) -> None:
        self._bases = bases  # (base, prefix length of its parts)

    def __len__(self) -> int:
        return sum(1 << (size - length) for (_, length), size in self._bases)

    @overload
    def __getitem__(self, index: int) -> Subnet: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Subnet]: ...
    def __getitem__(self, index: int | slice) -> Subnet | Sequence[Subnet]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        for (first, length), size in self._bases:
            count = 1 << (size - length)
            if 0 <= index < count:
                return first + (index << (32 - size)), size
            index -= count
        raise IndexError(index)


_IPV4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


def parse_address(text: str) -> int | None:
    """Dotted IPv4 → integer; None when it is not one."""
    match = _IPV4.fullmatch(text)
    if match is None:
        return None
    address = 0
    for part in match.groups():
        if int(part) > 255 or (len(part) > 1 and part[0] == "0"):
            return None
        address = address << 8 | int(part)
    return address


def parse_subnet(text: str) -> Subnet | None:
    """CIDR notation → (first address, prefix length), host bits cleared; None when it is not one."""
    address_text, slash, length = text.partition("/")
    address = parse_address(address_text)
    if address is None or not slash or not digits(length) or int(length) > 32:
        return None
    return address & mask(int(length)), int(length)


def mask(length: int) -> int:
    """The netmask of a prefix length, as an integer."""
    return 0xFFFFFFFF << (32 - length) & 0xFFFFFFFF


@lru_cache(maxsize=1 << 16)
def dotted(address: int) -> str:
    """Integer → dotted IPv4. Kept: containers that come and go are given the same few addresses."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


@lru_cache(maxsize=1 << 16)
def mac_of(address: int) -> str:
    """The MAC address the bridge driver derives from an IPv4 address: 02:42 and its four bytes."""
    return "02:42:" + address.to_bytes(4, "big").hex(":")


def is_ipv6(text: str) -> bool:
    """Whether `text` is an IPv6 address."""
    from ipaddress import IPv6Address  # only reached for a user's own --ip6

    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


class AddressPool:
    """The addresses of one subnet; `allocate` gives the lowest free one of the allocation range.

    Everything in the range below `_next` is taken, except what is in `_free`; `_ahead` holds what
    was asked for by address and lies at or above `_next`, or outside the range.
    """

    __slots__ = ("_ahead", "_first", "_free", "_last", "_next", "gateway", "length", "subnet")

    def __init__(self, subnet: Subnet, allocation_range: Subnet | None = None) -> None:
        self.subnet, self.length = subnet
        self.gateway = ""  # who has been given the gateway's address writes it here
        last = self.subnet | ~mask(self.length) & 0xFFFFFFFF
        first = self.subnet + 1  # a subnet's own number and its broadcast address are no one's
        last -= 1
        if allocation_range is not None and self.contains(allocation_range[0]):
            first = max(first, allocation_range[0])
            last = min(last, allocation_range[0] | ~mask(allocation_range[1]) & 0xFFFFFFFF)
        self._first = self._next = first
        self._last = last
        self._free: list[int] = []
        self._ahead: set[int] | None = None

    @property
    def cidr(self) -> str:
        """The subnet in CIDR notation."""
        return f"{dotted(self.subnet)}/{self.length}"

    def contains(self, address: int) -> bool:
        """Whether `address` lies in the subnet."""
        return address & mask(self.length) == self.subnet

    def allocate(self) -> int:
        """Take the lowest free address. Raises LookupError when there is none."""
        if self._free:
            return heappop(self._free)
        address = self._next
        if self._ahead:
            while address in self._ahead:
                self._ahead.remove(address)
                address += 1
        if address > self._last:
            self._next = address
            raise LookupError(NONE_LEFT)
        self._next = address + 1
        return address

    def reserve(self, address: int) -> None:
        """Take one particular address. Raises LookupError when it is taken or not of this subnet."""
        if not self.contains(address):
            raise LookupError(OUT_OF_RANGE)
        if address in (self.subnet, self.subnet | ~mask(self.length) & 0xFFFFFFFF):
            raise LookupError(IN_USE)
        if self._first <= address < self._next:
            if address not in self._free:
                raise LookupError(IN_USE)
            self._free.remove(address)
            heapify(self._free)
            return
        if self._ahead is None:
            self._ahead = set()
        if address in self._ahead:
            raise LookupError(IN_USE)
        self._ahead.add(address)

    def release(self, address: int) -> None:
        """Give an address back."""
        if self._ahead and address in self._ahead:
            self._ahead.remove(address)
        elif self._first <= address < self._next:
            heappush(self._free, address)


class AddressSpace:
    """The subnets in use on one host. A new one is looked for after the last one handed out, as in
    libnetwork, so a removed network's subnet is not given out again at once."""

    __slots__ = ("_cursor", "_pools", "_used")

    def __init__(self, pools: Sequence[Subnet] = DEFAULT_POOLS, docker0: Subnet = DEFAULT_POOLS[0]) -> None:
        self._pools = pools
        self._used: list[Subnet] = [docker0]
        self._cursor = 0

    def request(self) -> Subnet:
        """The next default subnet that overlaps none in use. Raises NotFound when there is none."""
        pools = self._pools
        for step in range(len(pools)):
            index = (self._cursor + step) % len(pools)
            subnet = pools[index]
            if not self._overlaps(subnet):
                self._cursor = index + 1
                self._used.append(subnet)
                return subnet
        raise NotFound(
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network"
        )

    def claim(self, subnet: Subnet) -> None:
        """Use a subnet of the user's choice. Raises Forbidden when it overlaps one in use."""
        if self._overlaps(subnet):
            raise Forbidden(OVERLAP)
        self._used.append(subnet)

    def rewind(self) -> None:
        """Look for the next one from the first again."""
        self._cursor = 0

    def release(self, subnet: Subnet) -> None:
        """A network is gone."""
        self._used.remove(subnet)

    def _overlaps(self, subnet: Subnet) -> bool:
        address, length = subnet
        for used, used_length in self._used:
            common = mask(min(length, used_length))
            if address & common == used & common:
                return True
        return False


def pool_for(
    space: AddressSpace, subnet_text: str, range_text: str, gateway_text: str, auxiliary: dict[str, str]
) -> AddressPool:
    """Claim the subnet a user described and take its gateway.

    Raises `ApiError` with libnetwork's sentence and gives the subnet back if anything is wrong."""
    subnet = parse_subnet(subnet_text)
    if subnet is None:
        raise InternalError(f"Invalid subnet {subnet_text} : invalid CIDR address: {subnet_text}")
    gateway = parse_address(gateway_text) if gateway_text else None
    if gateway_text and gateway is None:
        raise InternalError(f"invalid gateway address {gateway_text} in Ipam configuration")
    allocation_range = parse_subnet(range_text) if range_text else None
    if range_text and allocation_range is None:
        raise InternalError(
            f'failed to parse pool request for address space "LocalDefault" pool "{subnet_text}" '
            f'subpool "{range_text}": Invalid Address SubPool'
        )
    space.claim(subnet)
    pool = AddressPool(subnet, allocation_range)
    try:
        try:
            if gateway is None:
                gateway = pool.allocate()
            else:
                pool.reserve(gateway)
        except LookupError as error:
            raise InternalError(f"failed to allocate gateway ({gateway_text}): {error.args[0]}") from None
        for name, text in auxiliary.items():
            address = parse_address(text)
            if address is None or not pool.contains(address):
                raise Forbidden(f"auxiliary address: ({name}:{text}) must belong to the master pool: {subnet_text}")
            try:
                pool.reserve(address)
            except LookupError as error:
                raise Forbidden(f"failed to allocate secondary ip address ({name}:{text}): {error.args[0]}") from None
    except ApiError:
        space.release(subnet)
        raise
    pool.gateway = dotted(gateway)
    return pool
