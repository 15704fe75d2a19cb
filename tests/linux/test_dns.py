"""The embedded DNS at 127.0.0.11, asked by busybox inside a sandbox."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from threading import Thread

import pytest

from simdocker.backends.linux import dns
from tests.linux.lab import Lab

pytestmark = [pytest.mark.root, pytest.mark.busybox]

NAMES = {"db": ["192.0.2.3"], "many": ["192.0.2.4", "192.0.2.5"], "3.2.0.192.in-addr.arpa": ["db.net0"]}


def ask(lab: Lab, name: str, *options: str) -> str:
    web, _ = lab.container(lab.created(), 2, lambda name: NAMES.get(name, []))
    return lab.busybox(web, "nslookup", *options, name, "127.0.0.11").stdout


def test_a_name_on_the_network_has_its_address(lab: Lab) -> None:
    assert "Name:\tdb\nAddress: 192.0.2.3\n" in ask(lab, "db")


def test_an_alias_of_several_containers_has_all_their_addresses(lab: Lab) -> None:
    said = ask(lab, "many")
    assert "Address: 192.0.2.4\n" in said
    assert "Address: 192.0.2.5\n" in said


def test_an_address_has_the_name_of_its_container(lab: Lab) -> None:
    assert "3.2.0.192.in-addr.arpa\tname = db.net0\n" in ask(lab, "3.2.0.192.in-addr.arpa", "-type=ptr")


def test_a_known_name_has_no_ipv6_address_which_is_no_error(lab: Lab) -> None:
    assert "NXDOMAIN" not in ask(lab, "db", "-type=aaaa")


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host's name server is one that knows every name."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("127.0.53.53", 53))
    except OSError as error:
        server.close()
        pytest.skip(f"port 53 of 127.0.53.53 cannot be had: {error}")
    monkeypatch.setattr(dns, "name_servers", lambda: ["127.0.53.53"])

    def serve() -> None:
        while True:
            query, peer = server.recvfrom(512)
            if not query:
                return
            server.sendto(dns.answer(query, dns.parse(query), ["192.0.2.77"]), peer)

    thread = Thread(target=serve)
    thread.start()
    yield
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
        stop.sendto(b"", server.getsockname())
    thread.join()
    server.close()


@pytest.mark.usefixtures("upstream")
def test_other_names_are_asked_of_the_hosts_servers(lab: Lab) -> None:
    assert "Name:\texample.org\nAddress: 192.0.2.77\n" in ask(lab, "example.org", "-type=a")


def test_when_no_server_answers_the_lookup_fails_and_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "name_servers", list)
    assert "SERVFAIL" in ask(lab, "example.org", "-type=a")


def test_it_answers_over_tcp_too_and_the_container_keeps_its_own_port_53(lab: Lab) -> None:
    web, endpoint = lab.container(lab.created(), 2, lambda name: NAMES.get(name, []))
    with lab.serving(web, 53, "mine"):
        assert lab.busybox(web, "nc", "-w", "2", endpoint.address, "53").stdout == "mine\n"
        assert lab.outside(
            "nsenter", f"--net={web.namespace}", "python3", "-c", ASK_OVER_TCP
        ).stdout == "192.0.2.3\n"  # fmt: skip


ASK_OVER_TCP = r"""
import socket, struct
query = bytes.fromhex("abcd01000001000000000000") + b"\x02db\x00" + bytes.fromhex("00010001")
with socket.create_connection(("127.0.0.11", 53)) as connection:
    framed = struct.pack("!H", len(query)) + query
    connection.send(framed[:5])
    connection.send(framed[5:])
    answer = connection.recv(512)
assert answer[2:4] == query[:2]
print(socket.inet_ntoa(answer[-4:]))
"""


def test_a_resolver_given_later_is_served_from_then_on(lab: Lab) -> None:
    web, _ = lab.container(lab.created(), 2)
    assert lab.busybox(web, "nslookup", "db", "127.0.0.11").returncode != 0
    web.resolver = lambda name: NAMES.get(name, [])
    answers = (lab.busybox(web, "nslookup", "db", "127.0.0.11").stdout for _ in range(10))
    assert any("Address: 192.0.2.3" in answer for answer in answers)


@pytest.mark.parametrize("datagram", [b"", b"\0" * 11, b"\xff" * 12, b"\0\0\1\0\0\1" + b"\0" * 6 + b"\x3fshort"])
def test_what_is_no_query_is_recognised(datagram: bytes) -> None:
    with pytest.raises((ValueError, IndexError, struct.error)):
        dns.parse(datagram)
