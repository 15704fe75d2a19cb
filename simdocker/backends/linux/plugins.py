"""Plugins on the real machine: there are none. Those of the catalogue are models of programs that this machine
does not have. The twin of this file runs them.
"""

from __future__ import annotations

from collections.abc import Sequence

from simdocker.backends.ports import DriverError, Process, RootFS
from simdocker.content.changeset import Node


class PluginHost:
    """Refuses to start one, in one sentence."""

    def start(self, id: str, entrypoint: Sequence[str], env: Sequence[str], propagated: str, root: Node) -> Process:
        """Process: fails at once. Raises DriverError."""
        raise DriverError("plugins are programs of the simulator: this machine has none that stands for them")
        yield

    def stop(self, id: str) -> None:
        """None runs."""

    def remove(self, id: str) -> None:
        """None has stored anything."""

    def directory(self, id: str) -> str:
        return ""

    def holds(self, rootfs: RootFS, path: str) -> bool:
        return False

    def copy_up(self, rootfs: RootFS, path: str, target: str) -> Process:
        """Process: nothing to copy."""
        return
        yield
