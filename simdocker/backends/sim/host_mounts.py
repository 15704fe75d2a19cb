"""What a volume's options ask the host to mount: mount(2) as the local driver calls it.

A host here knows directories to bind, filesystems in memory, and block devices that are not there; a
filesystem that its kernel has no driver for, such as NFS, is refused as a real kernel does it.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from simdocker.backends.ports import DriverError
from simdocker.backends.sim import mounts
from simdocker.backends.sim.lan import NAME_SERVER
from simdocker.backends.sim.namespace import Mount
from simdocker.content import mount_options
from simdocker.content.changeset import DIRECTORY

if TYPE_CHECKING:
    from simdocker.backends.sim.kernel import Kernel

ON_DISK = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "iso9660", "squashfs")
OVER_NETWORK = ("nfs", "cifs")


def mount(kernel: Kernel, device: str, path: str, fstype: str, options: str) -> Mount:
    """What is mounted at `path`. Raises DriverError with the local driver's sentence."""
    flags, data = mount_options.parsed(options)
    if fstype in OVER_NETWORK:
        _resolve(data)
    try:
        return _mounted(kernel, device, path, fstype, flags, ",".join(data))
    except OSError as error:
        raise DriverError(mount_options.failure(device, path, flags, data, error)) from None


def _mounted(kernel: Kernel, device: str, path: str, fstype: str, flags: int, data: str) -> Mount:
    read_only = bool(flags & mount_options.READ_ONLY)
    if flags & mount_options.BIND:
        node = kernel.host_node(device)
        if node.kind != DIRECTORY:
            raise NotADirectoryError(0, "not a directory")
        return Mount(mounts.DISK, path, "ext4", node, read_only=read_only)
    if fstype == "tmpfs":
        return mounts.tmpfs(kernel, path, data, read_only=read_only, hardened=False)
    if fstype not in ON_DISK:
        raise OSError(0, "no such device")
    kernel.host_node(device)
    raise OSError(0, "block device required")


def _resolve(data: list[str]) -> None:
    """A server's name must have an address before the kernel is asked. Raises DriverError."""
    for option in data:
        name, _, server = option.partition("=")
        if name != "addr":
            continue
        try:
            IPv4Address(server)
        except AddressValueError:
            raise DriverError(
                f"error resolving passed in network volume address: lookup {server} on {NAME_SERVER}:53: no such host"
            ) from None
