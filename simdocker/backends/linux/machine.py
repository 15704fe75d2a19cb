"""This machine as a daemon's host: the drivers that act on its kernel."""

from __future__ import annotations

import os
import shutil
from random import Random
from typing import TYPE_CHECKING, Any

from simdocker.backends.linux.journal import RUN_DIRECTORY, Journal, clean
from simdocker.backends.linux.network import NetworkDriver
from simdocker.backends.linux.pools import daemon_config
from simdocker.backends.linux.runtime import Runtime
from simdocker.backends.linux.storage import StorageDriver
from simdocker.backends.linux.volumes import VolumeDriver

if TYPE_CHECKING:
    from pathlib import Path

    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace


EXECUTORS = ("runc", "crun")
"""What --runtime may name where it is installed."""


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
        self.network = NetworkDriver(name, env, trace, Random(name), self.journal)
        self.volume = VolumeDriver(name, env, trace, self.journal, data_root)

    def facts(self) -> dict[str, Any]:
        """What `docker info` says of the machine."""
        pages = os.sysconf("SC_PHYS_PAGES")
        return {
            "Name": self.name, "NCPU": os.cpu_count() or 1, "MemTotal": pages * os.sysconf("SC_PAGE_SIZE"),
            "KernelVersion": os.uname().release, "Runtimes": [name for name in EXECUTORS if shutil.which(name)],
        }  # fmt: skip

    def daemon_config(self) -> dict[str, Any]:
        """What its daemon.json has to say here: addresses that lead nowhere yet. Raises OSError."""
        return daemon_config()

    def close(self) -> None:
        """End all that runs and remove all that was made."""
        self.runtime.close()
        self.volume.close()
        self.network.close()
        self.storage.close()
        self.journal.close()
