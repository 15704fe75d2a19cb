"""The tree and the mesh must divide bandwidth alike, and both as max-min fairness demands."""

from collections.abc import Callable, Generator
from math import isclose
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from simpy.events import Event

from simdocker.des import Environment, S
from simdocker.des.fluid import BYTE, Channel, Flow, Fluid
from simdocker.des.maxmin import max_min
from simdocker.des.mesh import Mesh
from simdocker.des.tree import Tree

DAYS = 86_400 * S


def assert_max_min(flows: list[tuple[Flow, float]]) -> None:
    """No channel is overfull; every flow has a full channel on which none has more than it."""
    load: dict[Channel, float] = {}
    top: dict[Channel, float] = {}
    for flow, rate in flows:
        for channel in flow.chain:
            load[channel] = load.get(channel, 0.0) + rate
            top[channel] = max(top.get(channel, 0.0), rate)
    for channel, used in load.items():
        assert used <= (channel.capacity or 0) * (1 + 1e-9)
    for flow, rate in flows:
        assert any(load[c] >= (c.capacity or 0) * (1 - 1e-9) and rate >= top[c] * (1 - 1e-9) for c in flow.chain), (
            f"{flow.chain} has no bottleneck"
        )


capacities = st.one_of(st.integers(1, 12), st.integers(1, 10**11), st.just(0))


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[Channel, ...]]:
    """Chains from leaf to root over random trees of depth up to four."""
    channels: list[Channel] = []
    chains: list[tuple[Channel, ...]] = []
    for i in range(draw(st.integers(1, 14))):
        parent = draw(st.integers(-1, i - 1))
        channel = Channel((str(i), str(parent)), draw(capacities))
        channels.append(channel)
        above = chains[parent] if parent >= 0 and len(chains[parent]) < 4 else ()
        chains.append((channel, *above))
    return chains


Play = list[tuple[int, int, int, int]]  # (what, which, amount, wait)
plays = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 100), st.integers(1, 10**7), st.sampled_from([0, 0, 1, 1000, 10**9])),
    max_size=40,
)


def churn(
    sharing: Tree | Mesh, chains: list[tuple[Channel, ...]], play: Play, start: int, check: Callable[[list[Flow]], None]
) -> list[tuple[int, int]]:
    """Start and cancel flows as the play says, let them end; returns (flow, instant of its end)."""
    now, ends, live = start, [], list[Flow]()
    env = Environment()

    def run_to(until: int | None) -> None:
        nonlocal now
        while True:
            at = sharing.next_finish(now)
            if at is None or (until is not None and at > until):
                break
            assert at >= now
            now = at
            for flow in sharing.finish(now):
                ends.append((flow.seq, now))
                live.remove(flow)
            check(live)
        if until is not None:
            now = until

    for seq, (what, which, amount, wait) in enumerate(play, 1):
        if what == 0 and live:
            flow = live.pop(which % len(live))
            sharing.remove(flow, now)
            flow.over = True
        else:
            chain = chains[which % len(chains)]
            flow = Flow(seq, chain, float(amount * BYTE), env.event(), 0, False)
            flow.chain = chain
            sharing.add(flow, now)
            live.append(flow)
        if isinstance(sharing, Mesh):
            for flow in sharing.finish(now):
                ends.append((flow.seq, now))
                live.remove(flow)
        check(live)
        run_to(now + wait)
    run_to(None)
    return ends


@given(forests(), plays, st.sampled_from([0, 1, 30 * DAYS]))
def test_the_tree_is_max_min_fair_after_every_change(chains: list[tuple[Channel, ...]], play: Play, start: int) -> None:
    tree = Tree()
    churn(tree, chains, play, start, lambda live: assert_max_min([(f, tree.rate(f)) for f in live]))


@given(forests(), plays, st.sampled_from([0, 30 * DAYS]))
def test_tree_and_mesh_end_every_flow_at_the_same_time(
    chains: list[tuple[Channel, ...]], play: Play, start: int
) -> None:
    by_tree = dict(churn(Tree(), chains, play, start, lambda live: None))
    by_mesh = dict(churn(Mesh(), chains, play, start, lambda live: None))
    assert by_tree.keys() == by_mesh.keys()
    for seq, end in by_tree.items():
        # Ends are whole ns; each of up to forty ends before may have shifted it by a rounding.
        assert isclose(end - start, by_mesh[seq] - start, rel_tol=1e-9, abs_tol=100)


@given(st.data())
def test_the_general_solver_is_max_min_fair_on_any_network(data: st.DataObject) -> None:
    capacity = data.draw(st.lists(capacities, min_size=1, max_size=8))
    paths = data.draw(
        st.lists(st.lists(st.integers(0, len(capacity) - 1), min_size=1, max_size=4, unique=True), max_size=12)
    )
    counts = [data.draw(st.integers(1, 5)) for _ in paths]
    rates = max_min(paths, counts, capacity)
    channels = [Channel((str(i), ""), c) for i, c in enumerate(capacity)]
    flows = []
    for path, count, rate in zip(paths, counts, rates, strict=True):
        flow = Flow(0, tuple(channels[c] for c in path), 1.0, Environment().event(), 0, False)
        flows += [(flow, rate)] * count
    assert_max_min(flows)


class MeshOnly(Fluid):
    """A fluid that never sees a tree."""

    def _enter(self, flow: Flow) -> None:
        limits = tuple(c for c in flow.path if c.capacity is not None)
        if limits and flow.amount > 0:
            self._put(flow, self._mesh, limits)
        else:
            self._end(flow)


def play_fluid(fluid: Fluid, env: Environment, channels: list[Channel], acts: list[Any]) -> dict[int, int]:
    """Start, cancel and change links as `acts` say; returns the instant each flow ended."""
    ends: dict[int, int] = {}
    flows: list[Flow] = []

    def actor() -> Generator[Event, Any, None]:
        for i, (what, path, size, wait) in enumerate(acts):
            if what == "start":
                flow = fluid.start([channels[c % len(channels)] for c in path], size)
                flow.done.callbacks.append(lambda _, i=i: ends.setdefault(i, env.now))  # type: ignore[misc]
                flows.append(flow)
            elif what == "cancel" and flows:
                fluid.cancel(flows[size % len(flows)])
            elif what == "limit":
                channel = channels[path[0] % len(channels)]
                channel.bandwidth = size
                fluid.changed([channel])
            elif what in ("down", "up"):
                channel = channels[path[0] % len(channels)]
                channel.up = what == "up"
                fluid.changed([channel])
            yield env.timeout(wait)
            if wait:  # the mesh is solved at the end of an instant
                assert_max_min([(flow, fluid.rate(flow)) for flow in fluid])
        for channel in channels:
            channel.up = True
        fluid.changed(channels)

    env.process(actor())
    env.run()
    assert len(fluid) == 0
    return ends


acts = st.lists(
    st.tuples(
        st.sampled_from(["start", "start", "start", "cancel", "limit", "down", "up"]),
        st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True),
        st.integers(1, 10**7),
        st.sampled_from([0, 1, 1000, 10**9, 10**10]),
    ),
    max_size=30,
)


@given(
    st.lists(st.one_of(st.none(), st.integers(1, 10**9)), min_size=8, max_size=8), acts, st.sampled_from([0, 30 * DAYS])
)
def test_whichever_way_flows_are_kept_they_end_at_the_same_time(
    limits: list[int | None], acts: list[Any], start: int
) -> None:
    """Trees, trees turned round, and the mesh: flows move between them as others come, and nobody notices."""

    def ends(kind: type[Fluid]) -> dict[int, int]:
        env = Environment(start)
        channels = [Channel((str(i), ""), limit) for i, limit in enumerate(limits)]
        return play_fluid(kind(env), env, channels, acts)

    mixed, meshed = ends(Fluid), ends(MeshOnly)
    assert mixed.keys() == meshed.keys()
    for i, end in mixed.items():
        assert isclose(end - start, meshed[i] - start, rel_tol=1e-9, abs_tol=200)


@given(st.data())
def test_no_capacity_is_wasted_or_invented_whatever_the_network(data: st.DataObject) -> None:
    """All flows of a fluid end, in the order and at the times their amounts and one shared link dictate."""
    env = Environment(data.draw(st.sampled_from([0, 30 * DAYS])))
    start = env.now
    fluid = Fluid(env)
    channels = [
        Channel((str(i), ""), c)
        for i, c in enumerate(data.draw(st.lists(st.integers(1, 10**10), min_size=2, max_size=6)))
    ]
    neck = Channel(("neck", ""), data.draw(st.integers(1, 10**10)))
    total = 0

    def send(path: list[Channel], nbytes: int, at: int) -> None:
        nonlocal total
        total += nbytes

        def process() -> Generator[Event, Any, None]:
            yield env.timeout(at)
            yield fluid.start(path, nbytes).done

        env.process(process())

    for _ in range(data.draw(st.integers(1, 12))):
        others = data.draw(st.lists(st.integers(0, len(channels) - 1), max_size=3, unique=True))
        cut = data.draw(st.integers(0, len(others)))
        path = [channels[i] for i in others]
        send([*path[:cut], neck, *path[cut:]], data.draw(st.integers(0, 10**8)), data.draw(st.integers(0, S)))
    env.run()
    assert len(fluid) == 0
    narrowest = min(neck.bandwidth or 0, *(c.bandwidth or 0 for c in channels))
    assert env.now - start >= int(total * BYTE / (neck.bandwidth or 1) * (1 - 1e-9)) - 100
    assert env.now - start <= S + int(total * BYTE / narrowest * (1 + 1e-9)) + 100
