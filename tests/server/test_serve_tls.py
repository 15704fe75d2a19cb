"""`serve --tcp --tlsverify`: the docker client and docker-py with certificates, and who has none."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from simdocker.cli.doors import opened
from simdocker.errors import UserError
from tests.server.serve_command import Serving, a_port, serve


class Papers(NamedTuple):
    """A certificate authority's directory: ca.pem, and for each name `NAME.pem` and `NAME-key.pem`."""

    directory: Path

    def of(self, name: str) -> tuple[str, str]:
        return f"{self.directory}/{name}.pem", f"{self.directory}/{name}-key.pem"

    @property
    def ca(self) -> str:
        return f"{self.directory}/ca.pem"

    def client(self, name: str) -> list[str]:
        certificate, key = self.of(name)
        return ["--tlsverify", f"--tlscacert={self.ca}", f"--tlscert={certificate}", f"--tlskey={key}"]


def authority(directory: Path, *names: str) -> Papers:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    directory.mkdir()

    def openssl(*argv: str) -> None:
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=directory)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=lab")
    for name in names:
        openssl("req", *new, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", "names"),
        )
    return Papers(directory)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return authority(tmp_path_factory.mktemp("tls") / "lab", "server", "ann")


@pytest.fixture(scope="module")
def secured(papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, int]]:
    """A served world, and the port at which it speaks TLS. It listens on every address of this machine."""
    port = a_port()
    with serve(tmp_path_factory.mktemp("serve"), "--tcp", f"0.0.0.0:{port}", *papers.client("server")) as serving:
        yield serving, port


def docker(port: int, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    command = ["docker", "-H", f"tcp://127.0.0.1:{port}", *argv]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)


def test_the_docker_client_with_a_certificate_is_let_in(papers: Papers, secured: tuple[Serving, int]) -> None:
    _, port = secured
    with_papers = papers.client("ann")
    done = docker(port, *with_papers, "run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n"), done.stderr  # it has half-closed the connection before
    done = docker(port, *with_papers, "run", "-i", "--rm", "busybox", "cat", stdin="one\n" * 50_000)
    assert (done.returncode, done.stdout) == (0, "one\n" * 50_000)
    assert "Server:" in docker(port, *with_papers, "version").stdout


def test_docker_py_with_a_certificate_is_let_in(
    papers: Papers, secured: tuple[Serving, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # it would believe these before its own argument
        monkeypatch.delenv(name, raising=False)
    docker_py = pytest.importorskip("docker")
    tls = docker_py.tls.TLSConfig(ca_cert=papers.ca, client_cert=papers.of("ann"), verify=True)
    client = docker_py.DockerClient(base_url=f"https://127.0.0.1:{secured[1]}", tls=tls)
    try:
        assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
        box = client.containers.run("busybox", ["sleep", "1000"], detach=True)
        assert box.exec_run(["echo", "there"]).output == b"there\n"
        box.remove(force=True)
    finally:
        client.close()


def test_who_shows_no_certificate_or_another_authoritys_is_not_let_in(
    papers: Papers, secured: tuple[Serving, int], tmp_path: Path
) -> None:
    _, port = secured
    strangers = authority(tmp_path / "other", "eve")
    certificate, key = strangers.of("eve")
    eve = ["--tlsverify", f"--tlscacert={papers.ca}", f"--tlscert={certificate}", f"--tlskey={key}"]
    assert docker(port, *eve, "version").returncode == 1
    plain = docker(port, "version")
    assert plain.returncode == 1 and "Server:" not in plain.stdout
    context = ssl.create_default_context(cafile=papers.ca)
    with (
        suppress(OSError),
        context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as nobody,
    ):
        nobody.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        assert nobody.recv(100) == b""
    assert docker(port, *papers.client("ann"), "ps").returncode == 0  # the others are still served


def test_slow_and_senseless_strangers_disturb_nobody(papers: Papers, secured: tuple[Serving, int]) -> None:
    _, port = secured
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        for garbage in (b"\0" * 1000, b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b"GET / HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port)) as loud:
                loud.settimeout(20)
                loud.sendall(garbage)
        assert docker(port, *papers.client("ann"), "ps").returncode == 0
    finally:
        for connection in silent:
            connection.close()


def test_registries_beyond_this_machine_want_a_certificate_too(papers: Papers, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    port = a_port()
    with serve(tmp_path, *papers.client("server"), port=port, at="0.0.0.0"):
        certificate, key = papers.of("ann")
        command = ["curl", "-s", "--cacert", papers.ca, f"https://localhost:{port}/v2/"]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
        done = subprocess.run([*command, "--cert", certificate, "--key", key], capture_output=True, check=False)
        assert done.stdout == b"{}\n"


def test_what_is_wrong_with_the_papers_is_said(papers: Papers, tmp_path: Path) -> None:
    tcp = "127.0.0.1:2376"
    ca, (certificate, key) = Path(papers.ca), (Path(text) for text in papers.of("server"))
    (tmp_path / "no.pem").write_text("no certificate\n")
    subprocess.run(
        ["openssl", "ec", "-aes128", "-passout", "pass:word", "-in", key, "-out", tmp_path / "locked.pem"],
        check=True,
        capture_output=True,
    )
    for files, said in (
        ((ca, certificate, tmp_path / "missing.pem"), "--tlskey .*missing.pem: No such file"),
        ((tmp_path / "no.pem", certificate, key), "--tlscacert .*no.pem: .* PEM"),
        ((ca, certificate, papers.directory / "ann-key.pem"), "--tlskey .*ann-key.pem: .* fits the certificate"),
        ((ca, certificate, tmp_path / "locked.pem"), "--tlskey .*: the key is encrypted"),
        ((ca, tmp_path / "no.pem", key), "--tlskey|--tlscert"),
    ):
        with pytest.raises(UserError, match=said):
            opened(tcp, None, True, *files)
    with pytest.raises(UserError, match="only with --tlsverify"):
        opened(tcp, None, False, ca, None, None)
    with pytest.raises(UserError, match="nothing is served over TLS"):
        opened(None, "5000", True, ca, certificate, key)
    with pytest.raises(UserError, match="would be root"):
        opened(tcp, None, False, None, None, None, real=True)
    assert opened("192.0.2.1:2376", None, True, ca, certificate, key, real=True).tls is not None
