"""`simdocker cleanup`: remove what killed runs left in the kernel, on disk and on engines, and say what."""

from __future__ import annotations

import os

from simdocker.backends.linux.cleanup import KINDS, remove_leftovers
from simdocker.scenario.realhost.journal import clean_up_all, described


def clean_up() -> int:
    """Print what was removed and what could not be → exit code."""
    engines = clean_up_all()
    removed = [described(entry) for entry in engines.entries]
    failed = [f"{described(entry)}: {error.strerror}" for entry, error in engines.failures]
    if os.geteuid() == 0:
        undone = remove_leftovers()
        removed += [f"{KINDS.get(kind, kind)} {name}" for kind, name in undone.entries]
        failed += [
            f"{KINDS.get(entry.kind, entry.kind)} {entry.name}: {error.strerror}" for entry, error in undone.failures
        ]
    for what in removed:
        print(f"removed {what}")
    for what in failed:
        print(f"cannot remove {what}")
    if not removed and not failed:
        print("nothing to remove: no run that has ended left anything")
    if os.geteuid() != 0:
        print("what runs on the Linux backend made as root takes root to remove: sudo simdocker cleanup")
    return 1 if failed else 0
