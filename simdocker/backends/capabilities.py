"""Linux capabilities by name: the bits of /proc/<pid>/status (capabilities(7))."""

from __future__ import annotations

from collections.abc import Iterable

NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
BITS = {name: 1 << number for number, name in enumerate(NAMES)}


CHOWN, DAC_OVERRIDE, FOWNER, KILL = BITS["CHOWN"], BITS["DAC_OVERRIDE"], BITS["FOWNER"], BITS["KILL"]
NET_ADMIN, NET_BIND_SERVICE, NET_RAW = BITS["NET_ADMIN"], BITS["NET_BIND_SERVICE"], BITS["NET_RAW"]
MKNOD, SYS_ADMIN, SYS_RESOURCE = BITS["MKNOD"], BITS["SYS_ADMIN"], BITS["SYS_RESOURCE"]
ALL = (1 << len(NAMES)) - 1

DEFAULT = 0x00000000A80425FB
"""Docker's default 14, as /proc/<pid>/status shows them."""


def mask(names: Iterable[str]) -> int:
    """The capabilities called so (with or without `CAP_`) as one number."""
    return sum(BITS.get(name.upper().removeprefix("CAP_"), 0) for name in names)
