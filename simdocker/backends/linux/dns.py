"""Docker's embedded DNS: sockets at 127.0.0.11 inside a container's namespace, answered by the engine.

A socket stays in the namespace it was opened in, whoever reads it: two sockets and a port redirection are
all there is in the container. Names the resolver does not know go to the host's servers (RFC 1035, 4.2:
a message over UDP is a datagram, over TCP it has its length in two bytes before it).
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from simdocker.backends.linux.netns import NetworkNamespace
from simdocker.backends.linux.nft import lead_to_dns
from simdocker.des.clock import S

if TYPE_CHECKING:
    from simdocker.backends.ports import Process, Resolver
    from simdocker.des.wall import WallClock

EMBEDDED = "127.0.0.11"
RESOLV_CONF = Path("/etc/resolv.conf")
TTL = 600  # seconds; libnetwork's respTTL
PATIENCE = 4 * S  # for one of the host's servers; libnetwork's extIOTimeout
A, PTR, AAAA, INTERNET = 1, 12, 28, 1
ANSWER, NO_ERROR, SERVER_FAILURE = 0x8080, 0, 2  # QR and RA
RECURSION_DESIRED = 0x0100
LARGEST = 65_535


class Question(NamedTuple):
    """What a query asks: `end` is where its question section ends."""

    name: str
    type: int
    end: int


def listen(namespace: NetworkNamespace) -> tuple[socket.socket, socket.socket]:
    """Sockets for UDP and TCP in a namespace, where port 53 leads to them. For a worker thread: it goes there."""
    with namespace.entered():
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        udp.bind((EMBEDDED, 0))
        tcp.bind((EMBEDDED, 0))
        tcp.listen()
        lead_to_dns(udp.getsockname()[1], tcp.getsockname()[1])
    return udp, tcp


class EmbeddedDns:
    """The name server of one namespace, on the sockets that `listen` opened there."""

    def __init__(
        self, env: WallClock, random: Random, resolver: Resolver, udp: socket.socket, tcp: socket.socket
    ) -> None:
        self.env = env
        self._resolver = resolver
        self._random = random
        self._udp = udp
        self._tcp = tcp
        self._open = True
        self._connections: set[socket.socket] = set()
        env.process(self._datagrams())
        env.process(self._accept())

    def close(self) -> None:
        self._open = False
        for open_socket in (self._udp, self._tcp, *self._connections):
            if open_socket.fileno() >= 0:
                self.env.forget(open_socket.fileno())
            open_socket.close()

    def _datagrams(self) -> Process:
        """Process: every query that comes over UDP, each in a process of its own."""
        while self._open:
            yield self.env.readable(self._udp.fileno())
            try:
                query, peer = self._udp.recvfrom(LARGEST)
            except OSError:
                continue
            self.env.process(self._reply(query, peer))

    def _reply(self, query: bytes, peer: tuple[str, int]) -> Process:
        answer = yield from self._answer(query)
        if answer and self._open:
            self._udp.sendto(answer, peer)

    def _accept(self) -> Process:
        """Process: every connection over TCP."""
        while self._open:
            yield self.env.readable(self._tcp.fileno())
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                continue
            connection.setblocking(False)
            self._connections.add(connection)
            self.env.process(self._converse(connection))

    def _converse(self, connection: socket.socket) -> Process:
        """Process: one query after another on a connection."""
        while self._open:
            query = yield from _receive(self.env, connection)
            if not query:
                break
            answer = yield from self._answer(query)
            if answer and self._open:
                connection.send(_framed(answer))
        self._connections.discard(connection)
        connection.close()

    def _answer(self, query: bytes) -> Process:
        """Process → what to answer, b"" for what is no query."""
        try:
            question = parse(query)
        except (ValueError, IndexError, struct.error):
            return b""
        found = self._resolver(question.name)
        if found:
            return answer(query, question, self._random.sample(found, len(found)))
        forwarded = yield from self._forward(query)
        return forwarded or _header(query, SERVER_FAILURE, 0) + query[12 : question.end]

    def _forward(self, query: bytes) -> Process:
        """Process → what the first of the host's servers that answers says; b"" when none does."""
        for server in name_servers():
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as upstream:
                try:
                    upstream.connect((server, 53))
                    upstream.send(query)
                    readable = self.env.readable(upstream.fileno())
                    yield readable | self.env.timeout(PATIENCE)
                    self.env.forget(upstream.fileno())
                    if readable.triggered:
                        return upstream.recv(LARGEST)
                except OSError:  # unreachable, or nobody listens there
                    continue
        return b""


def name_servers() -> list[str]:
    """The host's, from its resolv.conf(5)."""
    lines = RESOLV_CONF.read_text().splitlines() if RESOLV_CONF.exists() else []
    words = (line.split() for line in lines)
    return [entry[1] for entry in words if len(entry) > 1 and entry[0] == "nameserver"]


def parse(query: bytes) -> Question:
    """The first question of a query. Raises ValueError, IndexError or struct.error when it is none."""
    _id, flags, questions = struct.unpack_from("!HHH", query)
    if flags & 0x8000 or questions != 1:
        raise ValueError("not a query with one question")
    labels, offset = [], 12
    while length := query[offset]:
        if length > 63:
            raise ValueError("a question's name is not compressed")
        labels.append(query[offset + 1 : offset + 1 + length].decode("latin-1"))
        offset += 1 + length
    type, _class = struct.unpack_from("!HH", query, offset + 1)
    return Question(".".join(labels), type, offset + 5)


def answer(query: bytes, question: Question, found: list[str]) -> bytes:
    """The answer for a name that is known: what was found, or for a type of record it has not, that there
    are none."""
    if question.type == A:
        records = [socket.inet_aton(address) for address in found]
    elif question.type == PTR:
        records = [_name(name) for name in found]
    else:
        records = []
    pointer = 0xC000 | 12  # the name, as in the question
    text = b"".join(
        struct.pack("!HHHIH", pointer, question.type, INTERNET, TTL, len(record)) + record for record in records
    )
    return _header(query, NO_ERROR, len(records)) + query[12 : question.end] + text


def _header(query: bytes, code: int, answers: int) -> bytes:
    id, flags = struct.unpack_from("!HH", query)
    return struct.pack("!HHHHHH", id, ANSWER | flags & RECURSION_DESIRED | code, 1, answers, 0, 0)


def _name(name: str) -> bytes:
    labels = (label.encode("latin-1") for label in name.split("."))
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _framed(message: bytes) -> bytes:
    return struct.pack("!H", len(message)) + message


def _receive(env: WallClock, connection: socket.socket) -> Process:
    """Process → the next message of a connection, b"" at its end."""
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        yield env.readable(connection.fileno())
        try:
            more = connection.recv(LARGEST)
        except OSError:
            return b""
        if not more:
            return b""
        data += more
    return data[2 : 2 + int.from_bytes(data[:2], "big")]
