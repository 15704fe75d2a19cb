"""What `simdocker cleanup` and every start do: remove what killed runs left, and nothing else.

The modules that make things say how each kind is removed; here they are all loaded.
"""

from __future__ import annotations

from pathlib import Path

from simdocker.backends.linux import cgroups, forwarding, links, netns, nft, pools, storage
from simdocker.backends.linux.journal import RUN_DIRECTORY, Undone, clean

KINDS = {
    links.BRIDGE: "network bridge",
    netns.NETNS: "network namespace",
    nft.TABLE: "nftables table",
    cgroups.CGROUP: "cgroup",
    storage.MOUNT: "mount",
    storage.FOLDER: "directory",
    forwarding.FORWARDING: "the machine's leading packets on",
    pools.CLAIM: "claim to the addresses",
}
"""Every kind of thing that a run makes, as a person calls it."""


def remove_leftovers(directory: Path | str = RUN_DIRECTORY) -> Undone:
    """Undo what dead runs recorded. Raises OSError when the journals cannot be read."""
    return clean(directory)
