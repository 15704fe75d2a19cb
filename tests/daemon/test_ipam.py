"""Addresses and subnets, as a real engine hands them out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from simdocker.actors.daemon.ipam import (
    DEFAULT_POOLS,
    AddressPool,
    AddressSpace,
    dotted,
    mac_of,
    parse_address,
    parse_subnet,
    pool_for,
)
from simdocker.api import Forbidden, NotFound


@given(st.integers(0, 2**32 - 1))
def test_dotted_notation_and_back(address: int) -> None:
    assert parse_address(dotted(address)) == address


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.04", "a.b.c.d", "1.2.3.4/8", "::1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert parse_address(text) is None


def test_a_mac_address_is_derived_from_the_ip_address() -> None:
    address = parse_address("172.17.0.2")
    assert address is not None
    assert mac_of(address) == "02:42:ac:11:00:02"


def test_host_bits_of_a_subnet_are_ignored() -> None:
    assert parse_subnet("10.66.0.5/24") == parse_subnet("10.66.0.0/24")


def small() -> AddressPool:
    subnet = parse_subnet("10.71.0.0/29")
    assert subnet is not None
    return AddressPool(subnet)


def test_the_lowest_free_address_is_given_and_a_released_one_comes_back_first() -> None:
    # Recorded on a real engine with --subnet 10.71.0.0/29.
    pool = small()
    gateway, first, second, third = (pool.allocate() for _ in range(4))
    assert [dotted(address) for address in (gateway, first, third)] == ["10.71.0.1", "10.71.0.2", "10.71.0.4"]
    pool.release(first)
    assert pool.allocate() == first
    pool.release(second)
    pool.release(first)
    assert pool.allocate() == first
    assert [dotted(pool.allocate()) for _ in range(3)] == ["10.71.0.3", "10.71.0.5", "10.71.0.6"]
    with pytest.raises(LookupError, match="No available addresses"):
        pool.allocate()


def test_neither_the_subnets_number_nor_its_broadcast_address_can_be_asked_for() -> None:
    pool = small()
    for text in ("10.71.0.0", "10.71.0.7"):
        address = parse_address(text)
        assert address is not None
        with pytest.raises(LookupError, match="already in use"):
            pool.reserve(address)


def test_an_ip_range_is_where_addresses_come_from_the_gateway_too() -> None:
    # Recorded: --subnet 10.71.0.0/24 --ip-range 10.71.0.128/29 --aux-address a=10.71.0.130
    pool = pool_for(AddressSpace(), "10.71.0.0/24", "10.71.0.128/29", "", {"a": "10.71.0.130"})
    assert pool.gateway == "10.71.0.128"
    assert [dotted(pool.allocate()) for _ in range(3)] == ["10.71.0.129", "10.71.0.131", "10.71.0.132"]
    asked = parse_address("10.71.0.9")
    assert asked is not None
    pool.reserve(asked)
    with pytest.raises(LookupError):
        pool.reserve(asked)
    pool.release(asked)
    pool.reserve(asked)


def test_default_subnets_go_round_robin_and_a_removed_one_is_not_the_next() -> None:
    space = AddressSpace()
    first = space.request()
    assert dotted(first[0]) == "172.18.0.0"
    space.release(first)
    assert dotted(space.request()[0]) == "172.19.0.0"


def test_default_subnets_are_fourteen_wide_and_sixteen_narrow_ones_and_then_there_are_none() -> None:
    space = AddressSpace()
    given_out = [space.request() for _ in range(30)]
    assert sorted(given_out) == sorted(DEFAULT_POOLS[1:])
    with pytest.raises(NotFound, match="non-overlapping IPv4 address pool"):
        space.request()
    space.release(given_out[3])
    assert space.request() == given_out[3]


def test_a_refused_subnet_is_not_kept() -> None:
    space = AddressSpace()
    with pytest.raises(Forbidden):
        pool_for(space, "10.9.0.0/24", "", "", {"a": "10.8.0.1"})
    pool_for(space, "10.9.0.0/24", "", "", {})


@given(st.integers(0, 2**32 - 1), st.integers(1, 32), st.integers(0, 2**32 - 1), st.integers(1, 32))
def test_two_subnets_overlap_exactly_when_they_share_an_address(a: int, p: int, b: int, q: int) -> None:
    one, two = parse_subnet(f"{dotted(a)}/{p}"), parse_subnet(f"{dotted(b)}/{q}")
    assert one is not None and two is not None
    low = max(one[0], two[0])
    high = min(one[0] + 2 ** (32 - p), two[0] + 2 ** (32 - q))
    space = AddressSpace()
    space.release(DEFAULT_POOLS[0])
    space.claim(one)
    if low < high:
        with pytest.raises(Forbidden):
            space.claim(two)
    else:
        space.claim(two)


class Addresses(RuleBasedStateMachine):
    """Any history of allocate, reserve and release over a /28, compared with a set."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = AddressPool((10 << 24, 28))
        self.taken: set[int] = set()
        self.every = set(range((10 << 24) + 1, (10 << 24) + 15))

    @rule()
    def allocate(self) -> None:
        left = self.every - self.taken
        if left:
            address = self.pool.allocate()
            assert address == min(left)
            self.taken.add(address)
        else:
            with pytest.raises(LookupError):
                self.pool.allocate()

    @rule(offset=st.integers(-2, 17))
    def reserve(self, offset: int) -> None:
        address = (10 << 24) + offset
        if address in self.every - self.taken:
            self.pool.reserve(address)
            self.taken.add(address)
        else:
            with pytest.raises(LookupError):
                self.pool.reserve(address)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.taken)))
        self.pool.release(address)
        self.taken.remove(address)

    @invariant()
    def nothing_outside_is_ever_taken(self) -> None:
        assert self.taken <= self.every


TestAddresses = Addresses.TestCase
