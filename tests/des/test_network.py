"""Routes, messages and transfers against closed forms."""

import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest
import simpy
from simpy.events import Event

from simdocker.des import MS, Environment, LinkDown, Network, NoRoute, S

MBIT = 1_000_000
MB = 1_000_000
DAYS = 86_400 * S

Process = Generator[Event, Any, Any]


@pytest.fixture(params=[0, 40 * DAYS], ids=["at the start", "after 40 days"])
def env(request: pytest.FixtureRequest) -> Environment:
    return Environment(request.param)


@pytest.fixture
def net(env: Environment) -> Network:
    return Network(env)


def timed(net: Network, a: str, b: str, nbytes: int, after: int = 0, **how: Any) -> simpy.Process:
    """A process whose value is the instant, from now, at which the transfer ended."""
    env = net.env
    start = env.now

    def process() -> Process:
        yield env.timeout(after)
        yield from net.transfer(a, b, nbytes, **how)
        return env.now - start

    return env.process(process())


def close(actual: int, expected: float) -> bool:
    return abs(actual - expected) <= expected * 1e-9 + 10


def test_a_route_is_the_quickest_and_among_those_the_shortest(net: Network) -> None:
    net.add_link("a", "b", 10 * MS)
    net.add_link("b", "c", 10 * MS)
    net.add_link("a", "c", 30 * MS)
    assert net.route("a", "c").hosts == ("a", "b", "c")
    net.set_link("a", "c", latency_ns=20 * MS)
    assert net.route("a", "c").hosts == ("a", "c")
    assert net.route("c", "a").hosts == ("c", "a")
    assert net.latency("a", "c") == 20 * MS


def test_a_new_link_opens_a_shorter_way(net: Network) -> None:
    for a, b in ("ab", "bc", "cd", "de"):
        net.add_link(a, b, MS)
    assert net.latency("a", "e") == 4 * MS
    net.add_link("b", "e", MS)
    assert net.route("a", "e").hosts == ("a", "b", "e")
    assert net.route("e", "a").hosts == ("e", "b", "a")


def test_hosts_at_the_ends_of_a_star_reach_each_other_and_the_middle(net: Network) -> None:
    for leaf in "abc":
        net.add_link(leaf, "hub", MS)
    assert net.route("a", "b").hosts == ("a", "hub", "b")
    assert net.route("a", "hub").hosts == ("a", "hub")
    assert net.route("hub", "b").hosts == ("hub", "b")
    assert net.route("a", "a").hosts == ("a",)
    assert net.message_delay("a", "a", 100) == 0


def test_many_racks_that_ask_for_one_registry_share_the_search(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    for rack in range(20):
        net.add_link("core", f"rack{rack}", MS)
        for host in range(40):
            net.add_link(f"rack{rack}", f"host{rack}-{host}", MS)
    net.add_link("core", "registry", MS)
    roots = []
    search = Network._dijkstra
    monkeypatch.setattr(Network, "_dijkstra", lambda self, root, down: roots.append(root) or search(self, root, down))
    assert {net.latency(f"host{rack}-{host}", "registry") for rack in range(20) for host in range(40)} == {3 * MS}
    assert len(roots) <= 2


def test_no_route_names_the_two_ends(net: Network) -> None:
    net.add_link("a", "b", MS)
    net.add_host("c")
    with pytest.raises(NoRoute, match="no route from a to c") as caught:
        net.route("a", "c")
    assert isinstance(type(caught.value)(*caught.value.args), NoRoute)
    with pytest.raises(NoRoute):
        net.route("a", "nowhere")


def test_a_link_that_is_down_is_routed_around_or_not_at_all(net: Network) -> None:
    net.add_link("a", "b", MS)
    net.add_link("a", "c", 5 * MS)
    net.add_link("c", "b", 5 * MS)
    net.set_link("a", "b", up=False)
    assert net.route("a", "b").hosts == ("a", "c", "b")
    net.set_link("c", "b", up=False)
    with pytest.raises(NoRoute):
        net.message_delay("a", "b", 1)
    net.set_link("a", "b", up=True)
    assert net.latency("a", "b") == MS


def test_a_message_pays_latency_and_its_size_over_the_narrowest_link(net: Network) -> None:
    net.add_link("a", "b", 3 * MS, 8 * MBIT)
    net.add_link("b", "c", 2 * MS, 80 * MBIT)
    net.add_link("c", "d", 1 * MS)
    assert net.message_delay("a", "d", 1000) == 6 * MS + 1 * MS
    assert net.message_delay("c", "d", 10**9) == 1 * MS
    assert net.message_delay("a", "b", 0) == 3 * MS


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_equal_flows_on_one_uplink_end_together_at_n_times_one(net: Network, n: int) -> None:
    net.add_link("registry", "core", MS, 100 * MBIT)
    for i in range(n):
        net.add_link("core", f"h{i}", MS)
    ends = [timed(net, "registry", f"h{i}", MB) for i in range(n)]
    net.env.run()
    assert {p.value for p in ends} == {ends[0].value}
    assert close(ends[0].value, n * MB * 8 / (100 * MBIT) * S + 2 * MS)


def test_equal_flows_through_nic_rack_and_uplink_are_held_by_the_narrowest(net: Network) -> None:
    net.add_link("registry", "core", MS, 1000 * MBIT)
    for i in range(1000):
        if i % 40 == 0:
            net.add_link("core", f"rack{i // 40}", MS, 400 * MBIT)
        net.add_link(f"rack{i // 40}", f"h{i}", MS, 100 * MBIT)
    ends = [timed(net, "registry", f"h{i}", MB) for i in range(1000)]
    net.env.run()
    assert all(close(p.value, 1000 * MB * 8 / (1000 * MBIT) * S + 3 * MS) for p in ends)


def test_two_bottlenecks_share_max_min_fairly(net: Network) -> None:
    """f1 over A, f2 over A and B, f3 over B; A = 10, B = 30 Mbit/s: rates 5, 5, 25."""
    net.add_link("a", "b", 0, 10 * MBIT)
    net.add_link("b", "c", 0, 30 * MBIT)
    f1, f2, f3 = timed(net, "a", "b", MB), timed(net, "a", "c", MB), timed(net, "b", "c", MB)
    net.env.run()
    assert close(f3.value, 8 * MB / (25 * MBIT) * S)
    assert close(f1.value, 8 * MB / (5 * MBIT) * S)
    assert close(f2.value, 8 * MB / (5 * MBIT) * S)


def test_a_late_flow_takes_its_share_from_then_on(net: Network) -> None:
    """8 Mbit/s: 1 MB alone takes 1 s. A second one starts at 0.5 s; they share until the first ends at 1.5 s."""
    net.add_link("a", "b", 0, 8 * MBIT)
    first, second = timed(net, "a", "b", MB), timed(net, "a", "b", MB, after=S // 2)
    net.env.run()
    assert close(first.value, 1.5 * S)
    assert close(second.value, 2 * S)


def test_the_two_directions_of_a_link_do_not_share(net: Network) -> None:
    net.add_link("a", "b", 0, 8 * MBIT)
    there, back = timed(net, "a", "b", MB), timed(net, "b", "a", MB)
    net.env.run()
    assert close(there.value, S)
    assert close(back.value, S)


def test_hosts_that_send_to_each_other_in_a_ring_share_as_no_tree_can(net: Network) -> None:
    for host in "abcd":
        net.add_link(host, "hub", 0, 8 * MBIT)
    ends = [timed(net, a, b, MB) for a, b in ("ab", "bc", "cd", "da", "ac")]
    net.env.run()
    # a→c shares a's way up with a→b and c's way down with b→c: three flows at half rate.
    assert [round(p.value / S, 6) for p in ends] == [2.0, 2.0, 1.0, 1.0, 2.0]


def test_uploads_share_the_uplink_as_downloads_do(net: Network) -> None:
    net.add_link("registry", "core", 0, 80 * MBIT)
    for i in range(10):
        net.add_link("core", f"h{i}", 0, 80 * MBIT)
    ends = [timed(net, f"h{i}", "registry", MB, after=i) for i in range(10)]
    net.env.run()
    assert all(abs(p.value - S) < 100 for p in ends)  # they start 1 ns apart
    assert not net.fluid._mesh


def test_without_a_limit_a_transfer_is_its_latency_and_nothing_takes_no_time(net: Network) -> None:
    net.add_link("a", "b", 7 * MS)
    net.add_link("b", "c", 0, 8 * MBIT)
    quick, empty, local = timed(net, "a", "b", 10**12), timed(net, "a", "c", 0), timed(net, "a", "a", MB)
    net.env.run()
    assert (quick.value, empty.value, local.value) == (7 * MS, 7 * MS, 0)


def test_a_flow_over_a_link_that_goes_down_waits_until_it_is_up(net: Network) -> None:
    net.add_link("a", "b", 0, 8 * MBIT)
    end = timed(net, "a", "b", MB)
    net.env.run(net.env.now + S // 2)
    net.set_link("a", "b", up=False)
    net.env.run(net.env.now + 5 * S)
    assert net.fluid.remaining(next(iter(net.fluid))) == MB // 2
    late = timed(net, "a", "b", MB)
    net.set_link("a", "b", up=True)
    net.env.run()
    assert close(end.value, 6.5 * S)
    assert close(late.value, 1.5 * S)


def carried(net: Network, nbytes: int, **how: Any) -> simpy.Process:
    """A process whose value is the instant, from now, at which a connection has brought that much from a to b."""
    start = net.env.now

    def process() -> Process:
        yield from net.carry("a", "b", nbytes, **how)
        return net.env.now - start

    return net.env.process(process())


def test_what_a_connection_carries_pays_like_a_message_or_when_it_is_much_like_a_transfer(net: Network) -> None:
    net.add_link("a", "b", 10 * MS, 8 * MBIT)
    little, much = carried(net, 1000), carried(net, MB)
    net.env.run()
    assert little.value == net.message_delay("a", "b", 1000) == 11 * MS
    assert close(much.value, S + 10 * MS)


def test_what_was_sent_before_comes_when_it_would_have_and_after_what_was_sent_before_it(net: Network) -> None:
    net.add_link("a", "b", 10 * MS, 8 * MBIT)
    now = net.env.now
    early = carried(net, 1000, sent_at=now - 5 * MS)
    behind = carried(net, 1000, sent_at=now - 5 * MS, busy_until=now + 8 * MS)
    net.env.run()
    assert (early.value, behind.value) == (6 * MS, 9 * MS)


def test_a_connection_brings_nothing_over_a_link_that_is_down_and_all_of_it_afterwards(net: Network) -> None:
    net.add_link("a", "b", 10 * MS)
    env = net.env

    def fault() -> Process:
        yield env.timeout(5 * MS)
        net.set_link("a", "b", up=False)
        yield env.timeout(S)
        net.set_link("a", "b", up=True)

    env.process(fault())
    on_its_way = carried(net, 100)
    sent_meanwhile = carried(net, 100, sent_at=env.now + 20 * MS)
    env.run()
    assert on_its_way.value == sent_meanwhile.value == S + 15 * MS


def test_links_changed_together_change_all_or_none(net: Network) -> None:
    for host in ("a", "b"):
        net.add_link(host, "hub", MS, 8 * MBIT)
    with pytest.raises(ValueError, match="no link between a and b"):
        net.set_links([("a", "hub"), ("a", "b")], bandwidth_bps=4 * MBIT)
    whole = timed(net, "a", "b", MB)
    assert close(net.env.run(whole), S + 2 * MS)
    halved = timed(net, "a", "b", MB, after=0)
    net.env.run(net.env.now + S // 2)
    net.set_links([("a", "hub"), ("b", "hub")], bandwidth_bps=4 * MBIT)
    assert close(net.env.run(halved), 1.5 * S + 2 * MS)


def test_a_flow_that_asked_to_fails_when_its_link_goes_down(net: Network) -> None:
    net.add_link("a", "b", 0, 8 * MBIT)
    end = timed(net, "a", "b", MB, on_down="fail")
    other = timed(net, "a", "b", MB)
    net.env.run(net.env.now + S // 2)
    net.set_link("a", "b", up=False)
    with pytest.raises(LinkDown, match="between a and b is down"):
        net.env.run(end)
    assert len(net.fluid) == 1
    with pytest.raises(LinkDown):
        net.env.run(timed(net, "a", "b", MB, on_down="fail"))
    net.set_link("a", "b", up=True)
    net.env.run()
    assert close(other.value, 0.5 * S + 0.75 * S)


def test_a_change_of_bandwidth_reaches_the_flows_under_way(net: Network) -> None:
    net.add_link("a", "b", 0, 8 * MBIT)
    end = timed(net, "a", "b", 2 * MB)
    net.env.run(net.env.now + S)
    net.set_link("a", "b", bandwidth_bps=80 * MBIT)
    net.env.run()
    assert close(end.value, 1.1 * S)
    end = timed(net, "a", "b", 20 * MB)
    net.env.run(net.env.now + S)
    net.set_link("a", "b", bandwidth_bps=None)
    net.env.run()
    assert close(end.value, S)


def test_a_limit_set_under_an_unlimited_flow_takes_hold(net: Network) -> None:
    net.add_link("a", "b", 0, 8 * MBIT)
    net.add_link("b", "c", 0)
    end = timed(net, "a", "c", 2 * MB)
    net.env.run(net.env.now + S)
    net.set_link("b", "c", bandwidth_bps=4 * MBIT)
    net.env.run()
    assert close(end.value, 3 * S)


@pytest.mark.parametrize("how", ["interrupt", "close"])
def test_a_cancelled_transfer_gives_its_share_back(net: Network, how: str) -> None:
    net.add_link("a", "b", 0, 8 * MBIT)
    stays = timed(net, "a", "b", MB)
    env = net.env

    def victim() -> Process:
        transfer = net.transfer("a", "b", MB)
        try:
            if how == "interrupt":
                yield from transfer
            else:
                next(transfer)
                yield env.timeout(S)
                transfer.close()
        except simpy.Interrupt:
            pass

    process = env.process(victim())

    def killer() -> Process:
        yield env.timeout(S)
        process.interrupt()

    if how == "interrupt":
        env.process(killer())
    env.run()
    assert close(stays.value, 1.5 * S)
    assert len(net.fluid) == 0


def test_a_transfer_that_starts_and_ends_at_one_instant_costs_one_event(net: Network) -> None:
    net.add_link("a", "b", MS)
    transfer = net.transfer("a", "b", MB)
    events = list(transfer)
    assert len(events) == 1


def test_a_mistaken_link_is_refused_with_a_sentence(net: Network) -> None:
    net.add_link("a", "b", 0)
    for arguments in (("a", "a", 0), ("a", "b", 0), ("a", "c", -1), ("a", "c", 0, 0), ("a", "c", 0, 1.5)):
        with pytest.raises(ValueError, match=" "):
            net.add_link(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no link between a and z"):
        net.set_link("a", "z", up=False)


SCRIPT = """
from random import Random
from simdocker.des import *
env, random = Environment(), Random(1)
net = Network(env)
hosts = [f"h{i}" for i in range(30)]
for i, host in enumerate(hosts):
    net.add_link(host, f"rack{i % 3}", MS, 10**8)
for i in range(3):
    net.add_link(f"rack{i}", "core", MS, 5 * 10**8)
for r in ("r1", "r2"):
    net.add_link(r, "core", MS, 10**9)
def pull(a, b, n, at):
    yield env.timeout(at)
    yield from net.transfer(a, b, n)
    print(env.now, a, b)
for _ in range(200):
    a = random.choice(["r1", "r1", "r2", *hosts[:2]])
    b = random.choice(hosts[2:])
    env.process(pull(a, b, random.randrange(10**7), random.randrange(S)))
env.run()
"""


def test_the_same_run_is_the_same_under_any_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, check=True,
        ).stdout
        for seed in ("0", "1", "random")
    }  # fmt: skip
    assert len(outputs) == 1
    assert outputs.pop().count(b"\n") == 200
