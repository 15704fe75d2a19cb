"""What a profile says of the machine that it was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> dict[str, str]:
    """Processors, memory and kernel of this machine."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": str(os.cpu_count()),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def engine(address: str) -> dict[str, str]:
    """Version and drivers of the Docker Engine at `address`. Raises UserError when nobody answers there."""
    from simdocker.backends.engine.asking import Engine

    info = Engine(address).get("/info") or {}
    return {
        "engine": f"Docker {info.get('ServerVersion', '?')}, {info.get('OperatingSystem', '?')}",
        "storage driver": str(info.get("Driver", "?")),
        "cgroups": f"v{info.get('CgroupVersion', '?')}, {info.get('CgroupDriver', '?')}",
        "runtime": str(info.get("DefaultRuntime", "?")),
    }


def _field(path: str, name: str) -> str:
    """The value of the first line `name : value` in a file of /proc; "" where there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
