"""`GET /containers/{id}/stats`: what a container uses, sampled once a second.

The numbers are the kernel's counters (cgroup and network interfaces); a share of a processor is the
difference between two samples, which is why even one answer takes a second or two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.query import truthy
from simdocker.api import Request, Response, Stream
from simdocker.api.times import rfc3339
from simdocker.backends.ports import Process, Usage

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon

S = 1_000_000_000
NEVER = "0001-01-01T00:00:00Z"
BLOCK_IO = (
    "io_service_bytes_recursive", "io_serviced_recursive", "io_queue_recursive", "io_service_time_recursive",
    "io_wait_time_recursive", "io_merged_recursive", "io_time_recursive", "sectors_recursive",
)  # fmt: skip


class Stats:
    """The statistics of one daemon's containers."""

    __slots__ = ("daemon",)

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [Route("GET", "/containers/{id}/stats", self.get)]

    def get(self, request: Request, id: str) -> Reply:
        """Process: one sample for `stream=0`, else one a second until the client hangs up or the
        container is gone. A container that does not run answers at once, with nothing in it."""
        container = self.daemon.containers.get(id)
        streaming = truthy(request.query.get("stream", "1"))
        yield self.daemon.work("api.inspect")
        if not streaming:
            if not container.running:
                return Response(200, _empty(container))
            if truthy(request.query.get("one-shot")):  # at once, held against nothing
                return Response(200, self._sample(container, None))
            before = self._now(container)
            yield self.daemon.env.timeout(S)
            return Response(200, self._sample(container, before))
        stream = Stream(self.daemon.env)
        self.daemon.env.process(self._follow(container, stream))
        return Response(200, stream=stream, headers={"Content-Type": "application/json"})

    def _follow(self, container: Container, stream: Stream) -> Process:
        before: tuple[int, Usage] | None = None
        while not stream.cancelled and not container.state.removing:
            stream.write(self._sample(container, before) if container.running else _empty(container))
            before = self._now(container)
            yield self.daemon.env.timeout(S)
        stream.close()

    def _now(self, container: Container) -> tuple[int, Usage]:
        return self.daemon.env.now, self.daemon.runtime.usage(container.id)

    def _sample(self, container: Container, before: tuple[int, Usage] | None) -> dict[str, Any]:
        """One sample; `before` is the one it is held against."""
        daemon = self.daemon
        at, usage = self._now(container)
        memory = usage.memory
        return {
            "read": rfc3339(at),
            "preread": rfc3339(before[0]) if before is not None else NEVER,
            "pids_stats": {"current": usage.processes},
            "blkio_stats": {name: [] for name in BLOCK_IO},
            "num_procs": 0,
            "storage_stats": {},
            "cpu_stats": self._processor(at, usage),
            "precpu_stats": self._processor(*before) if before is not None else _no_processor(),
            "memory_stats": {
                "usage": memory,
                "max_usage": usage.peak,
                "stats": {"cache": 0, "rss": memory, "total_cache": 0, "total_inactive_file": 0, "total_rss": memory},
                "limit": container.host.Memory or int(daemon.system.fact("MemTotal")),
            },
            "name": "/" + container.name,
            "id": container.id,
            "networks": {name: _interface(name, usage.received, usage.sent) for name in usage.received},
        }

    def _processor(self, at: int, usage: Usage) -> dict[str, Any]:
        cpus = int(self.daemon.system.fact("NCPU"))
        return {
            "cpu_usage": {
                "total_usage": usage.cpu_ns,
                "percpu_usage": [usage.cpu_ns, *[0] * (cpus - 1)],
                "usage_in_kernelmode": 0,
                "usage_in_usermode": usage.cpu_ns,
            },
            "system_cpu_usage": at * cpus,
            "online_cpus": cpus,
            "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
        }


def _no_processor() -> dict[str, Any]:
    return {
        "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    }


def _nothing() -> dict[str, Any]:
    """The sample of a container that does not run."""
    return {
        "read": NEVER,
        "preread": NEVER,
        "pids_stats": {},
        "blkio_stats": dict.fromkeys(BLOCK_IO),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _no_processor(),
        "precpu_stats": _no_processor(),
        "memory_stats": {},
    }


def _empty(container: Container) -> dict[str, Any]:
    return _nothing() | {"name": "/" + container.name, "id": container.id}


def _interface(name: str, received: Mapping[str, int], sent: Mapping[str, int]) -> dict[str, int]:
    faults = {"rx_errors": 0, "rx_dropped": 0, "tx_errors": 0, "tx_dropped": 0}
    return {"rx_bytes": received[name], "rx_packets": 0, "tx_bytes": sent[name], "tx_packets": 0} | faults
