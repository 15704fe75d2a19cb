"""HTTP as Go's server speaks it, where clients notice; and who is not spoken to at all."""

from __future__ import annotations

import gzip
import os
import resource
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator

import pytest

from tests.server.serve_command import Serving, a_port, serve
from tests.server.test_serve_tls import Papers, authority
from tests.server.wire import Wire

PING = b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
CREATE = b"POST /volumes/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return authority(tmp_path_factory.mktemp("tls") / "lab", "server", "ann")


@pytest.fixture(scope="module")
def open_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, int]]:
    """A daemon on a socket and on the loopback."""
    port = a_port()
    with serve(tmp_path_factory.mktemp("serve"), "--tcp", f"127.0.0.1:{port}") as serving:
        yield serving, port


def said_to(serving: Serving, data: bytes, *, half_close: bool = True) -> bytes:
    """All that comes back over the socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(serving.socket.removeprefix("unix://"))
        return heard(connection, data, half_close)


def heard(connection: socket.socket, data: bytes, half_close: bool = True) -> bytes:
    connection.settimeout(30)
    connection.sendall(data)
    if half_close:
        connection.shutdown(socket.SHUT_WR)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def over_tcp(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return heard(connection, data)


# -- as Go's server ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 30])
def test_all_requests_before_a_half_close_are_answered(open_port: tuple[Serving, int], number: int) -> None:
    serving, port = open_port
    assert said_to(serving, PING * number).count(b"HTTP/1.1 200 OK") == number
    assert over_tcp(port, PING * number).count(b"HTTP/1.1 200 OK") == number
    both = said_to(serving, CREATE + b"\r\n{}" + PING)
    assert both.startswith(b"HTTP/1.1 201 ") and both.endswith(b"OK")


def test_a_body_that_waits_for_leave_gets_it(open_port: tuple[Serving, int]) -> None:
    serving, _ = open_port
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(serving.socket.removeprefix("unix://"))
        connection.sendall(CREATE + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert heard(connection, b"{}").startswith(b"HTTP/1.1 201 ")
    assert said_to(serving, CREATE + b"Expect: tea\r\n\r\n{}").startswith(b"HTTP/1.1 417 ")


def test_a_line_may_be_as_long_as_go_takes_it(open_port: tuple[Serving, int]) -> None:
    serving, _ = open_port
    long = b"GET /containers/json?x=" + b"a" * 500_000 + b" HTTP/1.1\r\nHost: d\r\nX: " + b"b" * 500_000 + b"\r\n\r\n"
    assert said_to(serving, long).startswith(b"HTTP/1.1 200 ")
    longer = said_to(serving, b"GET /" + b"a" * 1_200_000, half_close=False)
    assert longer.endswith(b"\r\n\r\n431 Request Header Fields Too Large")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"BAD\r\n\r\n",
        b"GET /_ping HTTP/1.1\r\n\r\n",
        PING[:-2] + b"Host: other\r\n\r\n",
        PING[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        PING[:-2] + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        PING[:-2] + b"Content-Length : 5\r\n\r\nabcde",
        PING[:-2] + b"Transfer-Encoding: xchunked\r\n\r\nabcde",
        PING[:-2] + b"X: a\r\n continued\r\n\r\n",
    ],
)
def test_what_two_servers_might_read_in_two_ways_is_not_answered(
    open_port: tuple[Serving, int], garbage: bytes
) -> None:
    said = said_to(open_port[0], garbage + PING)
    assert said.count(b"HTTP/1.") == 1 and said.endswith(b"\r\n\r\n400 Bad Request"), said


@pytest.mark.parametrize(
    ("line", "status"),
    [(b"GET http://other/_ping", b"200"), (b"OPTIONS *", b"200"), (b"CONNECT d:80", b"301")],
)
def test_a_path_may_be_an_address_or_none(open_port: tuple[Serving, int], line: bytes, status: bytes) -> None:
    assert said_to(open_port[0], line + b" HTTP/1.1\r\nHost: d\r\n\r\n").split(b" ")[1] == status


def test_a_body_is_not_inflated_because_a_client_says_so(open_port: tuple[Serving, int]) -> None:
    bomb = gzip.compress(bytes(1 << 20))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = Wire(open_port[0].directory / "docker.sock").ask("POST", "/volumes/create", bomb, headers)
    assert (answer.status, answer.json["message"][:17]) == (400, "invalid character")


# -- who comes in --------------------------------------------------------------------------------------


def test_the_socket_is_its_owners_and_groups(open_port: tuple[Serving, int]) -> None:
    assert stat.S_IMODE((open_port[0].directory / "docker.sock").stat().st_mode) == 0o660


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Host: localhost:2375", 200),
        (b"Host: 127.0.0.1", 200),
        (b"Host: [::1]:2375\r\nOrigin: http://localhost:8000", 200),
        (b"Host: localhost\r\nOrigin: http://evil.example", 403),
        (b"Host: localhost\r\nOrigin: null", 403),
        (b"Host: localhost\r\nOrigin: http://localhost.evil.example", 403),
        (b"Host: localhost\r\nOrigin: http://[", 403),
        (b"Host: evil.example:2375", 403),
        (b"Host: 127.0.0.1.evil.example", 403),
        (b"Host: evil.example:2375\r\nOrigin: http://evil.example:2375", 403),
    ],
)
def test_a_page_from_elsewhere_commands_nothing_on_this_machine(
    open_port: tuple[Serving, int], headers: bytes, status: int
) -> None:
    serving, port = open_port
    for at, path in ((port, b"/_ping"), (serving.port, b"/v2/")):
        said = over_tcp(at, b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n\r\n")
        assert said.split(b" ")[1] == b"%d" % status
    attach = b"GET /containers/x/attach/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    assert (over_tcp(port, attach + headers + b"\r\n\r\n").split(b" ")[1] == b"403") == (status == 403)
    assert said_to(serving, b"GET /_ping HTTP/1.1\r\n" + headers + b"\r\n\r\n").split(b" ")[1] == b"200"  # not TCP


def test_a_registry_of_the_world_may_be_dialled_by_its_name(open_port: tuple[Serving, int]) -> None:
    said = over_tcp(open_port[0].port, b"GET /v2/ HTTP/1.1\r\nHost: docker.io\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 401 ")  # as Docker Hub asks for a token


def test_there_are_as_many_connections_as_the_system_allows(open_port: tuple[Serving, int]) -> None:
    soft, hard = resource.prlimit(open_port[0].process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


# -- certificates ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secured(papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = a_port()
    with serve(tmp_path_factory.mktemp("tls"), "--tcp", f"127.0.0.1:{port}", *papers.client("server")):
        yield port


def certified(papers: Papers, name: str, days: str, extension: str) -> tuple[str, str]:
    """A certificate of the authority for that time (days from now) and use."""

    def openssl(*argv: str) -> None:
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=papers.directory)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", *new, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (papers.directory / "use").write_text(extension)
    openssl(
        *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"),
        *("-out", f"{name}.pem", "-days", days, "-extfile", "use"),
    )
    return papers.of(name)


def over_tls(papers: Papers, port: int, pair: tuple[str, str] | None, data: bytes = PING) -> bytes:
    context = ssl.create_default_context(cafile=papers.ca)
    if pair is not None:
        context.load_cert_chain(*pair)
    with (
        socket.create_connection(("127.0.0.1", port), 30) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as secret,
    ):
        secret.sendall(data)
        return secret.recv(65536)


@pytest.mark.parametrize(
    ("days", "use", "welcome"),
    [
        ("2", "extendedKeyUsage=clientAuth\n", True),
        ("2", "basicConstraints=CA:FALSE\n", True),
        ("-1", "extendedKeyUsage=clientAuth\n", False),
        ("2", "extendedKeyUsage=serverAuth\n", False),
    ],
    ids=["a client's", "anybody's", "expired", "a server's"],
)
def test_a_clients_certificate_is_one_for_clients_and_for_now(
    papers: Papers, secured: int, days: str, use: str, welcome: bool
) -> None:
    pair = certified(papers, f"x{abs(hash((days, use)))}", days, use)
    try:
        answered = over_tls(papers, secured, pair).startswith(b"HTTP/1.1 200 ")
    except ssl.SSLError:
        answered = False
    assert answered is welcome


def test_who_leaves_without_a_word_leaves_nothing_behind(papers: Papers, secured: int) -> None:
    context = ssl.create_default_context(cafile=papers.ca)
    context.load_cert_chain(*papers.of("ann"))
    for greet in (False, True):
        for data in (b"", b"\x16", b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", secured), 30) as connection:
                if not greet:
                    connection.sendall(data)
                    continue
                with context.wrap_socket(connection, server_hostname="localhost") as secret:
                    secret.sendall(data)
                    os.dup2(os.open("/dev/null", os.O_RDONLY), secret.fileno())  # gone, without close_notify
    assert over_tls(papers, secured, papers.of("ann")).startswith(b"HTTP/1.1 200 ")
