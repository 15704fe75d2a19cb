"""Pushes to registries that really are there: Debian's docker-registry, and one that fails as it is told to."""

from __future__ import annotations

import gzip
import json
import re
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from simdocker.actors.distribution.protocol import basic
from tests.registry.real import PASSWORD, USER, Faulty, answer, digest_of, docker_registry, played
from tests.registry.tokens import TokenServer

NAME = "registry.lab:5000"
MAKE = f"docker run --name made busybox sh -c 'echo kept > /note' && docker commit made {NAME}/team/app:1"
PUSH = f"docker push {NAME}/team/app:1"


def world(url: str, more: str = "") -> str:
    """The registry, and Docker Hub."""
    return f"{{url: '{url}'{more}}}\n    docker.io: {{}}"


def held(address: str, path: str, **headers: str) -> bytes:
    connection = HTTPConnection(address, timeout=20)
    connection.request(
        "GET", f"/v2/{path}", headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json", **headers}
    )
    answered = connection.getresponse()
    said = answered.read()
    connection.close()
    assert answered.status == 200, said
    return said


def test_what_is_pushed_is_compressed_and_named_after_that(tmp_path: Path) -> None:
    with docker_registry(tmp_path) as address:
        run = played(world(f"http://{address}"), MAKE, PUSH, f"docker image inspect {NAME}/team/app:1")
        manifest = held(address, "team/app/manifests/1")
        parts = json.loads(manifest)
        config = held(address, f"team/app/blobs/{parts['config']['digest']}")
        layers = [held(address, f"team/app/blobs/{layer['digest']}") for layer in parts["layers"]]
    _, pushed, inspected = run.steps
    assert pushed.exit == 0, pushed.stderr
    assert pushed.stdout.endswith(f"1: digest: {digest_of(manifest)} size: {len(manifest)}\n")
    assert json.loads(inspected.stdout)[0]["RepoDigests"] == [f"{NAME}/team/app@{digest_of(manifest)}"]
    diff_ids = json.loads(config)["rootfs"]["diff_ids"]
    for layer, data, diff_id in zip(parts["layers"], layers, diff_ids, strict=True):
        assert (digest_of(data), len(data)) == (layer["digest"], layer["size"])
        assert digest_of(gzip.decompress(data)) == diff_id


def test_a_layer_is_sent_once_and_mounted_in_the_next_repository(tmp_path: Path) -> None:
    with docker_registry(tmp_path) as address:
        run = played(
            world(f"http://{address}"),
            MAKE,
            PUSH,
            PUSH,
            f"docker tag {NAME}/team/app:1 {NAME}/team/other:1 && docker push {NAME}/team/other:1",
            f"docker rmi -f {NAME}/team/app:1 {NAME}/team/other:1 && docker pull {NAME}/team/other:1",
            f"docker run --rm {NAME}/team/other:1 cat /note",
        )
    _, first, again, other, pulled, ran = run.steps
    assert first.stdout.count(": Pushed") == 2, first.stderr
    assert again.stdout.count("Layer already exists") == 2
    assert other.stdout.count("Mounted from team/app") == 2
    assert first.stdout.splitlines()[-1] == again.stdout.splitlines()[-1] == other.stdout.splitlines()[-1]
    assert pulled.exit == 0, pulled.stderr
    assert ran.stdout == "kept\n"


def test_a_private_registry_takes_it_from_whom_it_knows(tmp_path: Path) -> None:
    with docker_registry(tmp_path, users=True) as address:
        run = played(
            world(f"http://{address}"),
            MAKE,
            PUSH,
            f"echo wrong | docker login -u {USER} --password-stdin {NAME}",
            f"echo {PASSWORD} | docker login -u {USER} --password-stdin {NAME}",
            PUSH,
        )
        held(address, "team/app/manifests/1", Authorization=basic(USER, PASSWORD))
    _, nobody, wrong, known, pushed = run.steps
    assert (nobody.exit, nobody.stderr) == (1, "no basic auth credentials\n")
    assert wrong.exit == 1
    assert (known.exit, pushed.exit) == (0, 0), pushed.stderr


class Taking:
    """A registry that takes blobs; `fault(handler, registry)` may answer instead."""

    def __init__(self, fault=lambda to, taking: False) -> None:
        self.blobs: dict[str, bytes] = {}
        self.coming: dict[str, bytes] = {}
        self.patches: list[str | None] = []
        self.authorized: list[str | None] = []
        self.manifest = b""
        self.fault = fault
        self.registry = Faulty(lambda to, _: self.take(to))
        for method in ("POST", "PATCH", "PUT"):
            setattr(
                self.registry.server.RequestHandlerClass,
                f"do_{method}",
                self.registry.server.RequestHandlerClass.do_GET,
            )

    def take(self, to: BaseHTTPRequestHandler) -> bool:
        if self.fault(to, self):
            return True
        if to.path == "/v2/":
            return False
        path, _, query = to.path.partition("?")
        if "/manifests/" in path:
            self.manifest = to.rfile.read(int(to.headers["Content-Length"]))
            return answer(to, 201, b"")
        if to.command == "HEAD":
            return answer(to, 404, b"")
        if to.command == "POST":
            place = f"/upload/{len(self.coming)}"
            self.coming[place] = b""
            return answer(to, 202, b"", {"Location": f"{place}?state=1"})
        if to.command == "GET":
            return answer(to, 204, b"", {"Range": f"0-{len(self.coming[path]) - 1}"})
        if to.command == "PATCH":
            self.patches.append(to.headers.get("Content-Range"))
            self.coming[path] += to.rfile.read(int(to.headers["Content-Length"]))
            return answer(to, 202, b"", {"Location": f"{path}?state=2"})
        assert query.startswith("state=2&digest=")
        data = self.coming.pop(path)
        if digest_of(data) not in query.replace("%3A", ":"):
            return answer(to, 400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "wrong"}]}')
        self.blobs[digest_of(data)] = data
        return answer(to, 201, b"")


def push_to(taking: Taking) -> tuple[int, str]:
    with taking.registry as registry:
        step = played(
            world(registry.url),
            f"docker pull -q busybox && docker tag busybox {NAME}/b:1 && docker push {NAME}/b:1",
        ).steps[0]
    return step.exit, step.stderr


def test_an_upload_that_breaks_off_goes_on_where_it_stood() -> None:
    cuts = []

    def cut(to: BaseHTTPRequestHandler, taking: Taking) -> bool:
        if to.command != "PATCH" or len(cuts) == 2:
            return False
        path = to.path.partition("?")[0]
        data = to.rfile.read(min(1000, int(to.headers["Content-Length"]) - 1))
        taking.patches.append(to.headers.get("Content-Range"))
        taking.coming[path] += data
        cuts.append(len(data))
        to.close_connection = True
        to.connection.close()
        return True

    taking = Taking(cut)
    code, error = push_to(taking)
    assert code == 0, error
    assert len(cuts) == 2
    starts = [said and int(said.partition("-")[0]) for said in taking.patches]
    assert starts[:3] == [None, cuts[0], sum(cuts)]
    names = re.findall(r"sha256:[0-9a-f]{64}", taking.manifest.decode())
    assert set(names) == set(taking.blobs)


def test_bytes_go_elsewhere_without_the_password() -> None:
    elsewhere = Taking()
    elsewhere.coming["/upload/0"] = b""
    seen = []

    def place(to: BaseHTTPRequestHandler, _: Taking) -> bool:
        if to.path == "/v2/" and "Authorization" not in to.headers:
            return answer(to, 401, b"", {"WWW-Authenticate": 'Basic realm="lab"'})
        return to.command == "POST" and answer(to, 202, b"", {"Location": f"{elsewhere.registry.url}/upload/0"})

    elsewhere.fault = lambda to, _: seen.append("Authorization" in to.headers)  # type: ignore[assignment,func-returns-value]
    taking = Taking(place)
    with elsewhere.registry, taking.registry as registry:
        lines = f"docker pull -q busybox && docker tag busybox {NAME}/b:1", f"docker push {NAME}/b:1"
        played(world(registry.url, f", username: {USER}, password: {PASSWORD}"), *lines)
    assert seen and not any(seen)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            b'{"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}',
            "unauthorized: who are you?",
        ),
        (
            403,
            b'{"errors": [{"code": "DENIED", "message": "not yours"}]}',
            "denied: not yours",
        ),
        (413, b"<html>too large</html>", "error parsing HTTP 413 response body"),
        (500, b"", "received unexpected HTTP status: 500 Internal Server Error"),
        (307, b"", "received unexpected HTTP status: 502 Bad Gateway"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_push_that_is_refused_says_why(method: str, status: int, body: bytes, said: str) -> None:
    code, error = push_to(Taking(lambda to, _: to.command == method and answer(to, status, body)))
    assert code == 1
    assert error.startswith(said) and error.count("\n") == 1


def test_a_place_for_the_bytes_that_is_none_is_not_gone_to() -> None:
    for location, said in (("file:///tmp/x", 'unsupported protocol scheme "file"'), ("http://[::1", "is no address")):
        headers = {"Location": location}
        code, error = push_to(
            Taking(lambda to, _, headers=headers: to.command == "POST" and answer(to, 202, b"", headers))
        )
        assert code == 1 and said in error and error.count("\n") == 1
    code, error = push_to(Taking(lambda to, _: to.command == "POST" and answer(to, 202, b"")))
    assert code == 1 and error.count("\n") == 1


def test_who_may_push_is_in_the_token_of_the_registrys_own_server(tmp_path: Path) -> None:
    may = {"": ("", ("pull",)), USER: (PASSWORD, ("pull", "push")), "bob": ("guest", ("pull",))}
    with TokenServer(tmp_path, may) as tokens, docker_registry(tmp_path, auth=tokens.configuration) as address:
        run = played(
            world(f"http://{address}"),
            MAKE,
            PUSH,
            f"echo wrong | docker login -u {USER} --password-stdin {NAME}",
            f"echo guest | docker login -u bob --password-stdin {NAME}",
            PUSH,
            f"echo {PASSWORD} | docker login -u {USER} --password-stdin {NAME}",
            PUSH,
            f"docker tag {NAME}/team/app:1 {NAME}/team/other:1 && docker push {NAME}/team/other:1",
            f"docker logout {NAME} && docker rmi -f {NAME}/team/app:1 {NAME}/team/other:1",
            f"docker pull {NAME}/team/other:1 && docker run --rm {NAME}/team/other:1 cat /note",
        )
    _, nobody, wrong, bob, bobs, known, pushed, mounted, _, pulled = run.steps
    assert (nobody.exit, bobs.exit) == (1, 1)
    assert "denied: requested access to the resource is denied" in nobody.stderr
    assert "denied: requested access to the resource is denied" in bobs.stderr
    assert (wrong.exit, bob.exit, known.exit) == (1, 0, 0)
    assert pushed.exit == 0 and pushed.stdout.count(": Pushed") == 2, pushed.stderr
    assert mounted.exit == 0 and mounted.stdout.count("Mounted from team/app") == 2, mounted.stderr
    assert pulled.exit == 0 and pulled.stdout.endswith("kept\n"), pulled.stderr
    assert {"repository:team/app:pull,push", "repository:team/other:pull,push", "repository:team/app:pull"} <= set(
        tokens.scopes
    )
