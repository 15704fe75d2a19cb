"""Sizes, durations, columns and times as docker writes them."""

from __future__ import annotations

import pytest

from simdocker.actors.client.format.natural import natural_key
from simdocker.actors.client.format.table import align
from simdocker.actors.client.format.units import S, bytes_size, ellipsis, human_duration, human_size, short_id
from simdocker.actors.client.timestamps import timestamp

HOUR = 3600 * S
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "Less than a second"),
        (S - 1, "Less than a second"),
        (S, "1 second"),
        (59 * S, "59 seconds"),
        (60 * S, "About a minute"),
        (119 * S, "About a minute"),
        (120 * S, "2 minutes"),
        (3600 * S - 1, "59 minutes"),
        (HOUR, "About an hour"),
        (HOUR + HOUR // 2, "2 hours"),
        (47 * HOUR, "47 hours"),
        (48 * HOUR, "2 days"),
        (14 * DAY, "2 weeks"),
        (60 * DAY, "2 months"),
        (730 * DAY, "2 years"),
        (-5 * S, "Less than a second"),
    ],
)
def test_a_duration_is_rounded_to_its_largest_unit(ns: int, text: str) -> None:
    assert human_duration(ns) == text


def test_sizes_count_in_thousands_and_memory_in_1024s() -> None:
    assert [human_size(size, 3) for size in (0, 999, 1000, 1984132, 52_400_000, 10**12)] == [
        "0B",
        "999B",
        "1kB",
        "1.98MB",
        "52.4MB",
        "1TB",
    ]
    assert human_size(1984132) == "1.984MB"
    assert bytes_size(25276502016) == "23.54GiB"


def test_a_long_command_ends_in_an_ellipsis_that_counts_as_a_cell() -> None:
    assert ellipsis("sh -c 'sleep 2; exit 1'", 20) == "sh -c 'sleep 2; exi…"
    assert ellipsis("x" * 20, 20) == "x" * 20
    assert ellipsis("世界" * 6, 20) == "世界" * 4 + "世" + "…"


def test_an_id_is_short_without_its_algorithm() -> None:
    assert short_id("sha256:" + "ab" * 32) == short_id("ab" * 32) == "abababababab"


def test_a_column_ends_where_a_line_lacks_it() -> None:
    assert align("a\tb\nccccccccccccc\td\nx\ny\tz\n") == ("a               b\nccccccccccccc   d\nx\ny         z\n")


def test_numbers_in_names_sort_as_numbers() -> None:
    assert sorted(["v10", "v2", "data", "v2a"], key=natural_key) == ["data", "v2", "v2a", "v10"]


def test_since_takes_durations_dates_and_unix_time() -> None:
    now = 1_795_486_661 * S + 5
    assert timestamp("1m", now) == "1795486601"
    assert timestamp("0s", now) == "1795486661"
    assert timestamp("1795486601.5", now) == "1795486601.5"
    assert timestamp("2026-11-24T02:17:00.25", now) == "1795486620.250000000"
    with pytest.raises(ValueError, match='failed to parse value as time or duration: "soon"'):
        timestamp("soon", now)
