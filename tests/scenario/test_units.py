"""Durations, sizes and bandwidths as people write them."""

import pytest

from simdocker.scenario.units import bandwidth, duration, show_duration, size


@pytest.mark.parametrize(
    ("text", "ns"), [("20ms", 20_000_000), ("1m30s", 90 * 10**9), ("1.5h", 5400 * 10**9), ("0", 0), ("7us", 7000)]
)
def test_a_duration_is_whole_nanoseconds(text: str, ns: int) -> None:
    assert duration(text) == ns


@pytest.mark.parametrize("text", ["5", "5x", "ms", "", "1 2s", "-3s", True])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


def test_sizes_know_powers_of_two_and_of_ten() -> None:
    assert (size("4GiB"), size("80MB"), size(17)) == (4 << 30, 80_000_000, 17)


def test_bandwidth_is_bits_a_second() -> None:
    assert (bandwidth("100Mbit/s"), bandwidth("12.5MB/s"), bandwidth("10Gbps")) == (10**8, 10**8, 10**10)
    assert bandwidth("unlimited") is None
    with pytest.raises(ValueError, match="is not a bandwidth"):
        bandwidth("100Mbit")


def test_durations_are_shown_short() -> None:
    assert [show_duration(ns) for ns in (5, 1500, 340_000_000, 1_250_000_000, 125 * 10**9)] == [
        "5 ns", "1.5 µs", "340 ms", "1.25 s", "2 min 5 s",
    ]  # fmt: skip
