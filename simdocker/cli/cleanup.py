"""`simdocker cleanup`: remove what killed runs left in the kernel and on disk, and say what."""

from __future__ import annotations

import os

from simdocker.backends.linux.cleanup import KINDS, remove_leftovers
from simdocker.errors import UserError


def clean_up() -> int:
    """Print what was removed and what could not be → exit code. Raises UserError."""
    if os.geteuid() != 0:
        raise UserError("cleanup removes what runs made as root, so it has to be root too: sudo simdocker cleanup")
    undone = remove_leftovers()
    for kind, name in undone.entries:
        print(f"removed {KINDS.get(kind, kind)} {name}")
    for entry, error in undone.failures:
        print(f"cannot remove {KINDS.get(entry.kind, entry.kind)} {entry.name}: {error.strerror}")
    if not undone.entries and not undone.failures:
        print("nothing to remove: no run that has ended left anything")
    return 1 if undone.failures else 0
