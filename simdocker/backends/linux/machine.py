"""This machine as a daemon's host: the drivers that act on its kernel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from simdocker.backends.linux.cgroups import leash
from simdocker.backends.linux.journal import RUN_DIRECTORY, Journal, Undone, clean
from simdocker.backends.linux.network import NetworkDriver
from simdocker.backends.linux.plugins import PluginHost
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
    directory of its own that it deletes again, or with `kept` one that another machine goes on with. What earlier runs
    were killed over is removed first."""

    def __init__(
        self,
        name: str,
        env: WallClock,
        trace: Trace,
        *,
        data_root: str,
        run_directory: Path = RUN_DIRECTORY,
        journal: Journal | None = None,
        kept: Path | None = None,
    ) -> None:
        self.name = name
        if journal is None:  # else the run has one already, and has looked for what others left
            clean(run_directory)
            journal = Journal(run_directory)
        self.journal = journal
        self.runtime = Runtime(name, env, trace, self.journal, data_root)
        lasting = str(kept or data_root)
        self.storage = StorageDriver(name, env, trace, self.journal, lasting, kept=kept is not None)
        self.network = NetworkDriver(name, env, trace, Random(name), self.journal)
        self.volume = VolumeDriver(name, env, trace, self.journal, lasting)
        self.plugins = PluginHost()

    def facts(self) -> dict[str, Any]:
        """What `docker info` says of the machine."""
        pages = os.sysconf("SC_PHYS_PAGES")
        return {
            "Name": self.name, "NCPU": os.cpu_count() or 1, "MemTotal": pages * os.sysconf("SC_PAGE_SIZE"),
            "KernelVersion": os.uname().release, "Architecture": os.uname().machine,
            "Runtimes": [name for name in EXECUTORS if shutil.which(name)],
        }  # fmt: skip

    def daemon_config(self, before: Sequence[str] = ()) -> dict[str, Any]:
        """What its daemon.json has to say here: addresses that lead nowhere yet, first of all those that it had
        `before`. Raises OSError."""
        return daemon_config(self.journal, before)

    def leash(self) -> Path | None:
        """A file to write 0 into: who does is killed, with all it starts, when the run is over. None: all are."""
        return leash(self.journal)

    def close(self) -> Undone:
        """End all that runs and remove all that was made → what the journal had left to remove."""
        for part in (self.runtime, self.volume, self.network, self.storage):
            with suppress(OSError):  # it is in the journal, which tries again and tells
                part.close()
        return self.journal.close()
