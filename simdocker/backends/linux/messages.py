"""What the engine and the processes that it starts tell each other: a value and descriptors, in one packet.

Their sockets are of type SEQPACKET. Python's `socket` module is not used: what it imports is a quarter of what the fork
server is made of, and each container's first process starts as a copy of that.
"""

from __future__ import annotations

import marshal
import os
import struct
from _socket import AF_UNIX, CMSG_SPACE, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LONGEST = 1 << 22  # bytes of a packet: arguments and environment may take a quarter of the stack's 8 MiB
MAX_DESCRIPTORS = 253  # SCM_MAX_FD
INT = struct.calcsize("i")
DESCRIPTORS = CMSG_SPACE(MAX_DESCRIPTORS * INT)

_room = mmap(-1, LONGEST, MAP_PRIVATE | MAP_ANONYMOUS)  # takes no memory before it is written to


def tell(end: int, value: Any, descriptors: Sequence[int] = ()) -> None:
    """Send a packet through the socket that the descriptor `end` is. Raises OSError."""
    if not descriptors:
        os.write(end, marshal.dumps(value))
        return
    rights = (SOL_SOCKET, SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))
    _socket(end, "sendmsg", [marshal.dumps(value)], [rights])


def hear(end: int) -> tuple[Any, Sequence[int]] | None:
    """Receive a packet → what is in it; None when the other side is gone. Raises OSError."""
    length, rights, _, _ = _socket(end, "recvmsg_into", [_room], DESCRIPTORS, MSG_CMSG_CLOEXEC)
    if not length:
        return None
    descriptors: tuple[int, ...] = ()
    for _, _, data in rights:
        descriptors += struct.unpack(f"{len(data) // INT}i", data)
    return marshal.loads(_room[:length]), descriptors


def _socket(end: int, call: str, *args: Any) -> Any:
    """A call of a socket that stays open. Made with all that is known of it, it asks the kernel for nothing."""
    here = socket(AF_UNIX, SOCK_SEQPACKET, 0, end)
    try:
        return getattr(here, call)(*args)
    finally:
        here.detach()
