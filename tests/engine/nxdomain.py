"""A DNS server that knows no name: it stands for the network outside in recordings.

Containers ask it for names that the engine itself does not know, and get NXDOMAIN at once.
"""

from __future__ import annotations

import socket
import sys


def answer(query: bytes) -> bytes:
    """Return the NXDOMAIN answer to `query`."""
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12 : end + 5]
    return query[:2] + b"\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00" + question


def main() -> None:
    """Serve on the address given on the command line until ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((sys.argv[1], 53))
        while True:
            query, client = server.recvfrom(512)
            try:
                server.sendto(answer(query), client)
            except IndexError:
                continue


if __name__ == "__main__":
    main()
