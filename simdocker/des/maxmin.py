"""Max-min fair rates on any network, by progressive filling.

All flows grow together until a channel is full; its flows stop there, and the rest grow on.
The result is the one allocation in which no flow can gain without taking from a flow that has
no more than itself. Flows over the same channels are solved as one class with a count.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush


def max_min(paths: Sequence[Sequence[int]], counts: Sequence[int], capacity: Sequence[int]) -> list[float]:
    """The rate of one flow of each class.

    Class `i` is `counts[i]` flows over the channels `paths[i]` (at least one), numbered from
    zero; `capacity[c]` is what channel `c` carries, in the unit of the rates.
    """
    rates = [0.0] * len(paths)
    settled = [False] * len(paths)
    members: list[list[int]] = [[] for _ in capacity]
    flows = [0] * len(capacity)
    for i, path in enumerate(paths):
        for c in path:
            members[c].append(i)
            flows[c] += counts[i]
    left: list[float] = list(capacity)
    # Fair shares only grow while filling, so an entry that is out of date is too low: it comes
    # up early, is put back with the share of that moment, and nothing is missed.
    heap = [(left[c] / flows[c], c) for c in range(len(capacity)) if flows[c]]
    heapify(heap)
    while heap:
        share, c = heappop(heap)
        if not flows[c]:
            continue
        actual = max(left[c] / flows[c], 0.0)
        if actual > share and heap and actual > heap[0][0]:
            heappush(heap, (actual, c))
            continue
        for i in members[c]:
            if not settled[i]:
                settled[i] = True
                rates[i] = actual
                for other in paths[i]:
                    flows[other] -= counts[i]
                    left[other] -= actual * counts[i]
    return rates
