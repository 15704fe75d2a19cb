"""`docker update`: other limits or another restart policy for existing containers."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.each import container_name
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.options.policies import restart_policy
from simdocker.actors.client.options.sizes import BYTES, DECIMAL, SWAP
from simdocker.actors.client.values import INT, STRING, UINT16

NOT_CHANGED = {
    "CgroupParent": "", "BlkioWeightDevice": None, "BlkioDeviceReadBps": None, "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None, "BlkioDeviceWriteIOps": None, "Devices": None, "DeviceCgroupRules": None,
    "DeviceRequests": None, "MemorySwappiness": None, "OomKillDisable": None, "Ulimits": None, "CpuCount": 0,
    "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0,
}  # fmt: skip
"""What the request names without asking for anything."""


@command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Update configuration of one or more containers",
    args=at_least(1),
    aliases="docker container update, docker update",
    flags=[
        Flag("blkio-weight", "", UINT16, "Block IO (relative weight), between 10 and 1000, or 0 to disable", shown="0"),
        Flag("cpu-period", "", INT, "Limit CPU CFS (Completely Fair Scheduler) period"),
        Flag("cpu-quota", "", INT, "Limit CPU CFS (Completely Fair Scheduler) quota"),
        Flag("cpu-rt-period", "", INT, "Limit the CPU real-time period in microseconds"),
        Flag("cpu-rt-runtime", "", INT, "Limit the CPU real-time runtime in microseconds"),
        Flag("cpu-shares", "c", INT, "CPU shares (relative weight)"),
        Flag("cpus", "", DECIMAL, "Number of CPUs"),
        Flag("cpuset-cpus", "", STRING, "CPUs in which to allow execution (0-3, 0,1)"),
        Flag("cpuset-mems", "", STRING, "MEMs in which to allow execution (0-3, 0,1)"),
        Flag("kernel-memory", "", BYTES, "Kernel memory limit", hidden=True),
        Flag("memory", "m", BYTES, "Memory limit"),
        Flag("memory-reservation", "", BYTES, "Memory soft limit"),
        Flag("memory-swap", "", SWAP, "Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
        Flag("pids-limit", "", INT, "Tune container pids limit (set -1 for unlimited)"),
        Flag("restart", "", STRING, "Restart policy to apply when a container exits"),
    ],
)
def update(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: the same change to each container, one after another."""
    if not flags.given:
        raise CommandError("you must provide one or more flags when using this command")
    try:
        policy = restart_policy(flags.text("restart"))
    except ValueError as fault:
        raise CommandError(str(fault)) from None
    body = _body(flags) | {"RestartPolicy": {"Name": policy.Name, "MaximumRetryCount": policy.MaximumRetryCount}}
    complaints: list[str] = []
    warnings: list[str] = []
    for name in args:
        response = yield from cli.try_call("POST", f"/containers/{container_name(name)}/update", {}, dict(body))
        if response.failed:
            complaints.append(error_text(response))
            continue
        cli.out(name + "\n")
        warnings += response.body.get("Warnings") or []
    if warnings:
        cli.out("\n".join(warnings) + "\n")
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0


def _body(flags: Flags) -> dict[str, Any]:
    """The request's body, its fields in the order in which the CLI writes them."""
    return {
        "CpuShares": flags.number("cpu-shares"),
        "Memory": flags.number("memory"),
        "NanoCpus": flags.number("cpus"),
        "CgroupParent": "",
        "BlkioWeight": flags.number("blkio-weight"),
        "CpuPeriod": flags.number("cpu-period"),
        "CpuQuota": flags.number("cpu-quota"),
        "CpuRealtimePeriod": flags.number("cpu-rt-period"),
        "CpuRealtimeRuntime": flags.number("cpu-rt-runtime"),
        "CpusetCpus": flags.text("cpuset-cpus"),
        "CpusetMems": flags.text("cpuset-mems"),
        "MemoryReservation": flags.number("memory-reservation"),
        "MemorySwap": flags.number("memory-swap"),
        "PidsLimit": flags.number("pids-limit") if flags.changed("pids-limit") else None,
        **({"KernelMemory": flags.number("kernel-memory")} if flags.changed("kernel-memory") else {}),
        **NOT_CHANGED,
    }
