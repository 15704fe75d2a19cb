"""Random streams and cost profiles."""

from pathlib import Path
from random import Random

import pytest

from simdocker.des import Cost, CostProfile, RandomStreams


def sample(stream: Random, median: int, p10: int, p90: int) -> int:
    return CostProfile("one", {"step": Cost(median, p10, p90)}).draw("step", stream)


def test_a_stream_depends_on_the_seed_and_its_name_only() -> None:
    a, b = RandomStreams(7), RandomStreams(7)
    b.stream("another").random()
    assert [a.stream("pull/latency").random() for _ in range(5)] == [
        b.stream("pull/latency").random() for _ in range(5)
    ]
    assert a.stream("x").random() != RandomStreams(8).stream("x").random()
    assert a.stream("x") is a.stream("x")


def test_the_first_numbers_are_the_same_on_every_machine_and_python() -> None:
    stream = RandomStreams(7).stream("pull/latency")
    assert [sample(stream, 1_000_000, 500_000, 4_000_000) for _ in range(4)] == PINNED


PINNED = [853893, 9734638, 453558, 1304461]


def test_draws_have_the_quantiles_asked_for() -> None:
    stream = RandomStreams(1).stream("x")
    draws = sorted(sample(stream, 10_000_000, 8_000_000, 15_000_000) for _ in range(20_001))
    for q, expected in ((0.1, 8e6), (0.5, 10e6), (0.9, 15e6)):
        assert draws[int(q * 20_000)] == pytest.approx(expected, rel=0.02)
    assert all(type(d) is int for d in draws[:10])


def test_a_cost_without_spread_draws_nothing() -> None:
    stream = RandomStreams(1).stream("x")
    state = stream.getstate()
    assert sample(stream, 5, 5, 5) == 5
    assert sample(stream, 0, 0, 0) == 0
    assert stream.getstate() == state
    assert sample(stream, 1000, 0, 1000) >= 0


def test_the_default_profile_is_what_was_measured() -> None:
    profile = CostProfile.load("default")
    assert profile.costs["client.startup"].median == 12_944_000
    rng = RandomStreams(1).stream("x")
    assert all(profile.draw(name, rng) >= 0 for name in profile.costs)


def test_the_parts_of_a_run_add_up_to_the_measured_whole() -> None:
    """`docker run --rm busybox true` on a bridge: 339 ms at the median, 296 to 375 for eight in ten."""
    costs = CostProfile.load("default").costs
    parts = """client.startup api.ping container.create container.attach api.wait storage.mount network.endpoint
        network.sandbox runtime.start network.join runtime.exit runtime.reap network.leave storage.unmount
        container.remove client.exit""".split()
    assert sum(costs[name].median for name in parts) == pytest.approx(339e6, rel=0.1)


def test_medians_take_the_chance_out_and_instant_the_time() -> None:
    rng = RandomStreams(1).stream("x")
    medians = CostProfile.load("default").medians()
    assert {medians.draw("container.create", rng) for _ in range(5)} == {15_174_000}
    instant = CostProfile.load("instant")
    assert {instant.draw(name, rng) for name in instant.costs} == {0}


def test_an_unknown_profile_or_cost_is_named_with_what_is_known() -> None:
    with pytest.raises(ValueError, match="no cost profile 'fast'; known are default, instant"):
        CostProfile.load("fast")
    with pytest.raises(KeyError, match=r"did you mean container\.create"):
        CostProfile.load("default").draw("container.creat", RandomStreams(1).stream("x"))


def test_a_calibrated_profile_is_a_file_that_overrides_the_default(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    CostProfile("mine", {"api.ping": Cost(2, 1, 3)}).save(path)
    mine = CostProfile.load(path)
    assert mine.name == "mine"
    assert mine.costs["api.ping"] == Cost(2, 1, 3)
    assert mine.costs["container.create"] == CostProfile.load("default").costs["container.create"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"name": 1}', '{"name": "x", "costs": {"a": {"median": 1, "p10": 2, "p90": 3}}}']
)
def test_a_broken_profile_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a cost profile"):
        CostProfile.load(path)
