"""Pulls from registries that really are there: Debian's docker-registry, one with TLS, and one that fails."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from simdocker.actors.distribution.protocol import basic
from simdocker.scenario.load import ScenarioError, from_yaml
from tests.registry.real import (
    IMAGE,
    MANIFEST,
    NAME,
    PASSWORD,
    USER,
    Faulty,
    a_port,
    answer,
    digest_of,
    docker_registry,
    outcome,
    played,
    put,
)


def test_an_image_is_pulled_from_a_real_registry(tmp_path: Path):
    with docker_registry(tmp_path) as address:
        put(address, IMAGE)
        run = played(
            f"{{url: 'http://{address}'}}",
            f"docker pull {NAME}/team/web:1",
            f"docker image inspect -f '{{{{.Id}}}} {{{{index .RepoDigests 0}}}}' {NAME}/team/web:1",
            f"docker pull {NAME}/team/web:1",
            f"docker create --name box {NAME}/team/web:1 && docker export box | tar tf -",
            f"docker pull {NAME}/team/none:1",
        )
    pulled, inspected, again, exported, missing = run.steps
    assert pulled.exit == 0
    assert pulled.stdout.count("Pull complete") == 2
    assert inspected.stdout == f"{IMAGE.config} {NAME}/team/web@{digest_of(IMAGE.manifest)}\n"
    assert "Image is up to date" in again.stdout
    assert {"one", "two"} <= set(exported.stdout.split())
    assert (missing.exit, missing.stderr) == (
        1,
        f"Error response from daemon: manifest for {NAME}/team/none:1 not found: manifest unknown: manifest unknown\n",
    )


def test_a_private_registry_wants_a_password(tmp_path: Path):
    with docker_registry(tmp_path, users=True) as address:
        put(address, IMAGE)
        code, _, said = outcome(f"{{url: 'http://{address}'}}")
        assert (code, said.count("no basic auth credentials")) == (1, 1)
        login = f"echo {PASSWORD} | docker login -u {USER} --password-stdin {NAME}"
        run = played(f"{{url: 'http://{address}'}}", login, f"docker pull -q {NAME}/team/web:1")
        assert [step.exit for step in run.steps] == [0, 0], run.steps[0].stderr
        assert outcome(f"{{url: 'http://{address}', username: {USER}, password: {PASSWORD}}}")[0] == 0
        assert outcome(f"{{url: 'http://{address}', username: {USER}, password: wrong}}")[0] == 1


def test_a_registry_with_tls_has_to_be_trusted(tmp_path: Path):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-days", "2", "-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with docker_registry(tmp_path, tls=(certificate, key)) as address:
        put(address, IMAGE, trust=ssl.create_default_context(cafile=str(certificate)))
        code, _, said = outcome(f"{{url: 'https://{address}'}}")
        assert (code, said) == (
            1,
            f'Error response from daemon: Get "https://{NAME}/v2/": x509: certificate signed by unknown authority\n',
        )
        assert outcome(f"{{url: 'https://{address}', ca: {certificate}}}")[0] == 0
        assert outcome(f"{{url: 'https://{address}', insecure: true}}")[0] == 0
        code, _, said = outcome(f"{{url: 'http://{address}'}}")
        assert code == 1 and "Client sent an HTTP request to an HTTPS server" in said


LARGE = IMAGE.layers[0]


def test_a_blob_that_is_cut_off_is_gone_on_with():
    blob = IMAGE.blobs[LARGE]

    def cut(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        if LARGE not in to.path:
            return False
        start = int((to.headers.get("Range") or "bytes=0-").split("=")[1].rstrip("-"))
        part = blob[start : start + 100_000]
        to.send_response(206 if start else 200)
        to.send_header("Content-Length", str(len(blob) - start))
        if start:
            to.send_header("Content-Range", f"bytes {start}-{len(blob) - 1}/{len(blob)}")
        to.end_headers()
        to.wfile.write(part)
        return True

    with Faulty(cut) as registry:
        code, said, error = outcome(f"{{url: '{registry.url}'}}")
        assert code == 0, error
    ranges = [headers.get("Range") for path, headers in registry.asked if LARGE in path]
    assert ranges == [None, *(f"bytes={at}-" for at in range(100_000, len(blob), 100_000))]
    assert said.count("Pull complete") == 2


def test_a_wrong_blob_is_refused_after_some_attempts():
    def wrong(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        return LARGE in to.path and answer(to, 200, b"x" * 1000)

    with Faulty(wrong) as registry:
        code, _, said = outcome(f"{{url: '{registry.url}'}}")
    assert (code, said) == (1, f"filesystem layer verification failed for digest {LARGE}\n")
    assert registry.times(LARGE) == 6  # dockerd's max-download-attempts is 5


def test_a_wrong_manifest_is_refused():
    def wrong(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        return "/manifests/sha256:" in to.path and answer(to, 200, b"{}", {"Content-Type": MANIFEST})

    def digest(to: BaseHTTPRequestHandler, registry: Faulty) -> bool:
        if to.command == "HEAD":
            return answer(to, 200, b"", {"Docker-Content-Digest": digest_of(IMAGE.manifest)})
        return wrong(to, registry)

    with Faulty(digest) as registry:
        code, _, said = outcome(f"{{url: '{registry.url}'}}")
    assert code == 1
    assert said == f"Error response from daemon: manifest verification failed for digest {digest_of(IMAGE.manifest)}\n"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b"busy", "received unexpected HTTP status: 503 Service Unavailable"),
        (
            429,
            b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}',
            "toomanyrequests: slow down",
        ),
        (404, b"<html>", "error parsing HTTP 404 response body: invalid character '<' looking for beginning of value"),
    ],
)
def test_a_refusal_is_told_in_dockerds_words(status: int, body: bytes, said: str):
    def refuse(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        return "/manifests/" in to.path and answer(to, status, body)

    with Faulty(refuse) as registry:
        code, _, error = outcome(f"{{url: '{registry.url}'}}")
    assert code == 1
    assert error.startswith(f"Error response from daemon: {said}")


def test_a_redirect_is_followed_without_the_password():
    with Faulty(lambda _to, _registry: False) as elsewhere:

        def redirect(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
            if "Authorization" not in to.headers:
                return answer(to, 401, b"", {"WWW-Authenticate": 'Basic realm="lab"'})
            return "/blobs/" in to.path and answer(to, 307, b"", {"Location": f"{elsewhere.url}{to.path}"})

        with Faulty(redirect) as registry:
            code, _, error = outcome(f"{{url: '{registry.url}', username: {USER}, password: {PASSWORD}}}")
            assert code == 0, error
    assert elsewhere.times("/blobs/") == 3
    assert not any("Authorization" in headers for _, headers in elsewhere.asked)


def test_a_token_is_fetched_where_the_challenge_says():
    def token(to: BaseHTTPRequestHandler, registry: Faulty) -> bool:
        if to.path.startswith("/auth/token?"):
            known = to.headers.get("Authorization") == basic(USER, PASSWORD)
            return answer(to, 200, b'{"access_token": "t0k"}') if known else answer(to, 401, b'{"details": "who?"}')
        if to.headers.get("Authorization") == "Bearer t0k":
            return False
        challenge = f'Bearer realm="{registry.url}/auth/token",service="lab"'
        return answer(to, 401, b"{}", {"WWW-Authenticate": challenge})

    with Faulty(token) as registry:
        assert outcome(f"{{url: '{registry.url}', username: {USER}, password: {PASSWORD}}}")[0] == 0
        asked = next(path for path, _ in registry.asked if path.startswith("/auth/token"))
        assert "service=lab" in asked and "scope=repository%3Ateam%2Fweb%3Apull" in asked
        code, _, said = outcome(f"{{url: '{registry.url}'}}")
        assert code == 1 and said.endswith("unauthorized: who?\n")


def test_nobody_answers():
    port = a_port()
    code, _, said = outcome(f"{{url: 'http://127.0.0.1:{port}'}}")
    assert code == 1
    assert said.endswith(f'Get "https://{NAME}/v2/": dial tcp 127.0.0.1:{port}: connect: connection refused\n')


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ("{url: 'ftp://x'}", "http://HOST:PORT"),
        ("{url: 'http://h:1/path'}", "http://HOST:PORT"),
        ("{url: 'http://h:1', users: {ann: x}}", "users"),
        ("{username: ann}", "a registry with a url"),
        ("{url: 'http://h:1', password: x}", "username"),
    ],
)
def test_what_a_real_registry_cannot_be_is_refused(registry: str, said: str):
    with pytest.raises(ScenarioError, match=said):
        played(registry, "docker ps")


def test_nothing_breaks_in_a_real_registry_at_will():
    world = f"world: {{registries: {{'{NAME}': {{url: 'http://h:1'}}}}}}"
    with pytest.raises(ScenarioError, match="real one"):
        from_yaml(f"title: t\n{world}\nsteps:\n  - fault: {{registry: '{NAME}', down: true}}\n", "t.yaml")
