"""Platforms: how they are read, and which image of an index is chosen (as dockerd 20.10.24 did with a registry
that held these indexes)."""

from __future__ import annotations

import pytest

from simdocker.content.manifest import MANIFEST, Descriptor, Platform
from simdocker.content.platforms import choose, normalized, of_machine, parse, suits

V6, V7, ARM64, AMD64 = (parse(text) for text in ("linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/amd64"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("linux", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("LINUX/AARCH64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("windows", "windows/amd64"),
        ("linux/bogus", "linux/bogus"),
    ],
)
def test_a_platform_is_completed_by_what_is_usual(text: str, meant: str) -> None:
    assert normalized(text) == meant


def test_a_system_alone_is_the_local_machines() -> None:
    assert parse("linux", "arm64") == Platform("arm64", "linux")
    assert str(of_machine("aarch64")) == "linux/arm64/v8"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bogus", '"bogus": unknown operating system or architecture: invalid argument'),
        ("linux/foo/bar/baz", '"linux/foo/bar/baz": cannot parse platform specifier: invalid argument'),
    ],
)
def test_what_is_no_platform_is_said_in_containerds_words(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as fault:
        parse(text)
    assert str(fault.value) == sentence


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("linux/arm", V7),  # v7 is what arm means
        ("linux/arm/v6", V6),
        ("linux/arm/v8", V6),  # no such variant is known: the first of the architecture
        ("linux/arm/v5", V6),
        ("linux/arm64", None),
        ("linux/amd64", None),
    ],
)
def test_an_index_is_searched_as_dockerd_does(wanted: str, chosen: Platform | None) -> None:
    entries = [
        Descriptor(MANIFEST, f"sha256:{variant}", 1, Platform("arm", "linux", variant)) for variant in ("v6", "v7")
    ]
    found = choose(entries, parse(wanted))
    assert (found.platform if found is not None else None) == chosen


def test_which_image_serves_for_a_container() -> None:
    assert suits(parse("linux/arm"), V6) and not suits(V6, V7)
    assert suits(ARM64, V6) and suits(ARM64, Platform("arm64", "linux", "v8"))
    assert not suits(AMD64, ARM64)
