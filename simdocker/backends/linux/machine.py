"""This machine as a daemon's host: the drivers that act on its kernel."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from simdocker.backends.linux.journal import RUN_DIRECTORY, Journal, clean
from simdocker.backends.linux.runtime import Runtime
from simdocker.backends.linux.storage import StorageDriver

if TYPE_CHECKING:
    from pathlib import Path

    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace


class LinuxMachine:
    """The machine we run on, under the name `name`. `data_root` is where its daemon keeps its things: a
    directory of its own that it deletes again. What earlier runs were killed over is removed first."""

    def __init__(
        self, name: str, env: WallClock, trace: Trace, *, data_root: str, run_directory: Path = RUN_DIRECTORY
    ) -> None:
        self.name = name
        clean(run_directory)
        self.journal = Journal(run_directory)
        self.runtime = Runtime(name, env, trace, self.journal, data_root)
        self.storage = StorageDriver(name, env, trace, self.journal, data_root)

    def facts(self) -> dict[str, Any]:
        """What `docker info` says of the machine."""
        pages = os.sysconf("SC_PHYS_PAGES")
        return {
            "Name": self.name, "NCPU": os.cpu_count() or 1, "MemTotal": pages * os.sysconf("SC_PAGE_SIZE"),
            "KernelVersion": os.uname().release,
        }  # fmt: skip

    def close(self) -> None:
        """End all that runs and remove all that was made."""
        self.runtime.close()
        self.storage.close()
        self.journal.close()
