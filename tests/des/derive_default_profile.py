"""Derives the default cost profile from the recorded phases of a real engine.

    python tests/des/derive_default_profile.py engine-phases.json [simdocker/des/profiles/default.json]

Each line of `derive` is one cost and where it comes from. A phase that contains another is
taken apart by `minus`: medians subtract, and of the spreads what is left in quadrature, as for
independent parts. The reference was recorded on a shared two-core machine with Engine 20.10:
its ratios carry over, its milliseconds do not.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from simdocker.des.profile import Cost, CostProfile

MIB = 1 << 20
ABOUT = (
    "Debian docker.io 20.10.24, overlay2, cgroup v1, runc 1.1.5, two shared virtual cores. "
    "Derived by tests/des/derive_default_profile.py. Names ending in .mib and .file are per MiB and per file."
)


class Phase(NamedTuple):
    """A measured phase in ms: median, 10 % and 90 % points, and how it was come by."""

    median: float
    p10: float
    p90: float
    source: str

    def minus(self, other: "Phase") -> "Phase":
        median = max(self.median - other.median, 0.0)

        def width(mine: float, theirs: float) -> float:
            return max(mine**2 - theirs**2, 0.0) ** 0.5

        below = width(self.median - self.p10, other.median - other.p10)
        above = width(self.p90 - self.median, other.p90 - other.median)
        return Phase(median, max(median - below, median / 10), median + above, f"{self.source} − {other.source}")

    def like(self, other: "Phase") -> "Phase":
        """This median with the relative spread of another phase."""
        scale = self.median / other.median if other.median else 0.0
        return Phase(self.median, other.p10 * scale, other.p90 * scale, self.source)

    def over(self, n: float, unit: str) -> "Phase":
        return Phase(self.median / n, self.p10 / n, self.p90 / n, f"({self.source}) / {unit}")

    def cost(self) -> Cost:
        return Cost(*(round(ms * 1e6) for ms in self[:3]), self.source)


def derive(reference: dict[str, Any]) -> dict[str, Phase]:
    def phase(group: str, name: str) -> Phase:
        m = reference[group][name]
        return Phase(m["median"], m["p10"], m["p90"], f"{group}/{name}")

    def bridge(name: str) -> Phase:
        return phase("docker_run_rm_true_bridge", name)

    def none(name: str) -> Phase:
        return phase("docker_run_rm_true_none", name)

    def host(name: str) -> Phase:
        return phase("docker_run_rm_true_host", name)

    def api(name: str) -> Phase:
        return phase("api_lifecycle_bridge", name)

    def bare(name: str) -> Phase:
        return phase("api_lifecycle_none", name)

    def misc(name: str) -> Phase:
        return phase("misc", name)

    def build(name: str) -> Phase:
        return phase("classic_build_steps", name)

    def pull(name: str) -> Phase:
        m = reference["pull_from_local_registry"]["phases"][name]
        return Phase(m["median"], m["p10"], m["p90"], f"pull/{name}")

    def extract(layer: int, what: str) -> Phase:
        layers = list(reference["pull_from_local_registry"]["layers"].values())
        m = layers[layer]["extract_ms"]
        return Phase(m["median"], m["p10"], m["p90"], f"pull/extract {what}")

    def served(path: str) -> Phase:
        """A registry request: one log line each, so the spread is borrowed from resolving a manifest."""
        requests = reference["pull_from_local_registry"]["registry_requests_last_pull"]
        line = next(r for r in requests if path in r[1])
        text = line[2].strip('"')
        ms = float(text[:-2]) / 1000 if text.endswith("µs") else float(text[:-2])
        log = Phase(ms, ms, ms, f"pull/registry log {line[0]} {path}")
        return log.like(pull('resolve_manifest(req->"Pulling from")'))

    def speed(low: float, typical: float, high: float, what: str) -> Phase:
        """ms per MiB from GB/s, as noted in linux-runtime.md and ARCHITECTURE.md."""
        return Phase(*(MIB / gbs / 1e6 for gbs in (typical, high, low)), what)

    # The end of a container: die → network.disconnect → destroy, with and without a bridge.
    reap = none("event:container.die->network.disconnect")
    leave = bridge("event:container.die->network.disconnect").minus(reap)
    remove = api("remove_exited")
    unmount = bridge("event:network.disconnect->container.destroy").minus(remove)
    # Extraction: 5 and 20 MiB of one file give the slope per byte; a thousand files of 512 bytes
    # give the cost per file; what is left is the cost of registering any layer.
    per_mib = extract(3, "20 MiB").minus(extract(2, "5 MiB")).over(15, "15 MiB").like(extract(3, "20 MiB"))
    base = extract(2, "5 MiB").minus(Phase(*(5 * ms for ms in per_mib[:3]), "5 layer.extract.mib"))
    per_file = extract(5, "1000 files").minus(base).over(1000, "1000 files").like(extract(5, "1000 files"))
    return {
        # the command line client
        "client.startup": bridge("cli_startup_to_first_request"),
        "client.exit": bridge("cli_exit_after_wait_result"),
        # quick questions, answered from memory
        "api.ping": bridge("ping"),
        "api.wait": bridge("wait_until_headers"),
        "api.version": misc("version"),
        "api.info": misc("info"),
        "api.inspect": api("inspect"),
        "api.logs": api("logs"),
        "api.list": misc("containers_list"),
        "api.stats": misc("stats_one-shot=1").minus(Phase(1000, 1000, 1000, "the 1 s sample")),
        # a container's life
        "container.create": bridge("create"),
        "container.attach": bridge("attach_until_101"),
        "container.remove": remove,
        "container.pause": api("pause"),
        "container.unpause": api("unpause"),
        # stop is kill plus the time TERM takes to be heard
        "container.stop": bare("stop(trap TERM,<=50ms)").minus(bare("kill")),
        # without a network a kill is: the signal, the reaping, the unmount
        "container.kill": bare("kill").minus(reap).minus(unmount),
        "container.commit": api("commit"),
        "exec.create": api("exec_create"),
        "exec.start": api("exec_start(true)_attached_until_eof"),
        "exec.inspect": api("exec_inspect"),
        # the parts of a start: with the host's network it is mount and runc; a private namespace
        # adds the sandbox; a bridge adds the endpoint before the connect event and the veth after
        "storage.mount": none("event:container.attach->network.connect"),
        "storage.unmount": unmount,
        "runtime.start": host("event:network.connect->container.start"),
        "runtime.exit": bridge("event:container.start->container.die"),
        "runtime.reap": reap,
        "network.sandbox": none("event:network.connect->container.start").minus(
            host("event:network.connect->container.start")
        ),
        "network.endpoint": bridge("event:container.attach->network.connect").minus(
            none("event:container.attach->network.connect")
        ),
        "network.join": bridge("event:network.connect->container.start").minus(
            none("event:network.connect->container.start")
        ),
        "network.leave": leave,
        # networks and volumes as objects; connect and disconnect are of a running container
        "network.create": misc("network_create"),
        "network.connect": misc("network_connect_running"),
        "network.disconnect": misc("network_disconnect_running"),
        "network.remove": misc("network_remove"),
        "volume.create": misc("volume_create"),
        "volume.remove": misc("volume_remove"),
        # images
        "image.list": misc("images_list"),
        "image.tag": misc("tag"),
        "image.untag": misc("untag"),
        # the daemon's own part: what the registry takes for its answers is charged there
        "pull.resolve": pull('resolve_manifest(req->"Pulling from")')
        .minus(served("/v2/"))
        .minus(served("/manifests/sha256:"))
        .minus(served("/manifests/sha256:")),
        "pull.config": pull('config+layer_list(first "Pulling fs layer")')
        .minus(pull('resolve_manifest(req->"Pulling from")'))
        .minus(served("/blobs/sha256:")),
        "pull.finalize": pull("finalize(last Pull complete -> end)"),
        "layer.extract": base,
        "layer.extract.mib": per_mib,
        "layer.extract.file": per_file,
        "registry.ping": served("/v2/"),
        "registry.manifest": served("/manifests/sha256:"),
        "registry.blob": served("/blobs/sha256:"),
        # the classic builder, per instruction; RUN and COPY contain their container and commit
        "build.cached": build("step_latest"),
        "build.step": build("step_ENV"),
        "build.copy": build("step_COPY"),
        "build.run": build("step_RUN"),
        # bytes
        "digest.mib": speed(1.3, 1.5, 1.7, "linux-runtime.md: sha256 1.3–1.7 GB/s"),
        "gunzip.mib": speed(0.25, 0.3, 0.35, "linux-runtime.md: gunzip 0.3 GB/s"),
        "gzip.mib": speed(0.08, 0.09, 0.1, "linux-runtime.md: gzip -1 0.09 GB/s"),
        "disk.read.mib": speed(0.45, 0.5, 0.55, "ARCHITECTURE.md: a laptop disk reads 500 MB/s"),
        "disk.write.mib": speed(0.27, 0.3, 0.33, "ARCHITECTURE.md: a laptop disk writes 300 MB/s"),
    }


def main(reference: str, target: str = "simdocker/des/profiles/default.json") -> None:
    phases = derive(json.loads(Path(reference).read_text()))
    CostProfile("default", {name: phase.cost() for name, phase in phases.items()}, ABOUT).save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
