"""A registry that means no good, or is broken: one clear sentence each, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from simdocker.backends.distribution import http
from tests.registry.real import IMAGE, MANIFEST, NAME, An, Faulty, a_layer, answer, digest_of, outcome

LARGE = IMAGE.layers[0]
Fault = Callable[[BaseHTTPRequestHandler, Faulty], bool]


def said(fault: Fault, line: str = f"docker pull {NAME}/team/web:1", more: str = "") -> str:
    """What a pull that must fail says, without the daemon's introduction."""
    with Faulty(fault) as registry:
        code, _, error = outcome(f"{{url: '{registry.url}'{more}}}", line)
    assert code == 1 and error.count("\n") == 1 and "Traceback" not in error
    return error.removeprefix("Error response from daemon: ").strip()


def manifest(change: Callable[[dict], object]) -> Fault:
    """Serves a manifest that was changed."""
    document = json.loads(IMAGE.manifest)
    change(document)
    data = json.dumps(document).encode()
    return raw_manifest(data)


def raw_manifest(data: bytes, kind: str = MANIFEST) -> Fault:
    headers = {"Content-Type": kind, "Docker-Content-Digest": digest_of(data)}
    return lambda to, _: "/manifests/" in to.path and answer(to, 200, data, headers)


def redirect(location: str, part: str = "/blobs/") -> Fault:
    return lambda to, _: part in to.path and answer(to, 307, b"", {"Location": location})


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (raw_manifest(b"[" * 100_000), "manifest invalid: it is not a JSON object"),
        (raw_manifest(b"\xff\xfe"), "manifest invalid: it is not a JSON object"),
        (raw_manifest(b"{}", "text/html"), "unsupported manifest media type 'text/html'"),
        (raw_manifest(b" " * (5 << 20)), "the registry's answer has more than 4194304 bytes"),
        (manifest(lambda m: m.update(layers=7)), "manifest invalid: Expected `array`, got `int` - at `$.layers`"),
        (
            manifest(lambda m: m["layers"][0].update(digest="../../../etc/passwd")),
            "manifest invalid: invalid checksum digest format",
        ),
        (manifest(lambda m: m["layers"][0].update(size=-5)), f"manifest invalid: {LARGE} has -5 bytes"),
        (manifest(lambda m: m.update(layers=m["layers"] * 100)), "max depth exceeded"),
        (
            manifest(lambda m: m["layers"][0].update(size=1000)),
            "the blob has more bytes than the 1000 it should have",
        ),
        (manifest(lambda m: m.update(layers=m["layers"][:1])), "layers from manifest don't match image configuration"),
        (redirect("file:///etc/passwd", "/manifests/1"), 'unsupported protocol scheme "file"'),
        (redirect("/v2/team/web/manifests/1", "/manifests/1"), "stopped after 10 redirects"),
        (redirect("http://[::1", "/manifests/1"), 'parse "http://[::1": invalid port'),
        (
            lambda to, _: to.command == "HEAD" and answer(to, 200, b"", {"Docker-Content-Digest": "sha256:../.."}),
            "the registry's Docker-Content-Digest is none: invalid checksum digest format",
        ),
        (
            lambda to, _: "/manifests/" in to.path and answer(to, 999, b"x"),
            "received unexpected HTTP status: 502 Bad Gateway",
        ),
    ],
)
def test_a_registry_that_sends_nonsense(fault: Fault, sentence: str) -> None:
    assert said(fault).endswith(sentence)


def test_a_list_of_tags_that_is_none() -> None:
    for body in (b"[]", b'{"tags": 5}', b'{"tags": [5]}', b"<html>"):
        error = said(
            lambda to, _, body=body: "/tags/" in to.path and answer(to, 200, body), f"docker pull -a {NAME}/team/web"
        )
        assert error == "the registry's list of tags is none"


def test_a_list_of_tags_without_end_is_left_and_one_of_some_pages_is_read() -> None:
    def pages(most: int) -> Fault:
        def fault(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
            if "/tags/" not in to.path:
                return False
            number = int(to.path.partition("last=")[2] or 0)
            link = {"Link": f'</v2/team/web/tags/list?n=1&last={number + 1}>; rel="next"'} if number < most else {}
            return answer(to, 200, b'{"tags": ["t%d"]}' % number, link)

        return fault

    pull = f"docker pull -a {NAME}/team/web"
    assert said(pages(10**9), pull) == "the registry's list of tags has more than 100 pages"
    with Faulty(pages(2)) as registry:
        code, output, error = outcome(f"{{url: '{registry.url}'}}", pull)
    assert (code, output.count("Pulling from team/web")) == (0, 3), error


def test_a_token_server_that_sends_nonsense() -> None:
    def token(body: bytes, realm: str = "/auth") -> Fault:
        def fault(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
            if to.path.startswith("/auth"):
                return answer(to, 200, body)
            return answer(to, 401, b"{}", {"WWW-Authenticate": f'Bearer realm="{realm}",service="lab"'})

        return fault

    for body in (b"", b"[]", b'{"token": 7}'):
        assert said(token(body)).endswith("authorization server did not include a token in the response")
    assert said(token(b'{"token": "a\\r\\nX-Evil: 1"}')).endswith("token does not fit into a header")
    assert said(token(b"", "file:///etc/passwd")).endswith("unsupported realm 'file:///etc/passwd'")


def test_an_error_cannot_write_on_the_terminal_as_it_likes() -> None:
    body = json.dumps({"errors": [{"code": "DENIED", "message": "\x1b]0;title\x07 no\nsecond line"}]}).encode()
    error = said(lambda to, _: "/manifests/" in to.path and answer(to, 403, body))
    assert "\x1b" not in error and "no second line" in error


def test_what_is_no_http_is_not_understood() -> None:
    def garbage(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        to.wfile.write(b"SSH-2.0-OpenSSH\r\n")
        return True

    assert "malformed HTTP response" in said(garbage)


def test_a_body_without_end_is_left() -> None:
    over = threading.Event()

    def endless(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        if LARGE not in to.path:
            return False
        to.send_response(200)
        to.send_header("Transfer-Encoding", "chunked")
        to.end_headers()
        try:
            while True:
                to.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        except OSError:
            over.set()
        return True

    assert said(endless) == f"the blob has more bytes than the {len(IMAGE.blobs[LARGE])} it should have"
    assert over.wait(20)


def test_a_body_that_promises_more_than_it_brings_is_given_up() -> None:
    def liar(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        if LARGE in to.path:
            to.close_connection = True
            return answer(to, 200, b"few", {"Content-Length": str(1 << 40)})
        return False

    assert said(liar).endswith("unexpected EOF")


def test_bytes_that_trickle_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE_S", 0.3)

    def trickle(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        if "/manifests/" not in to.path:
            return False
        to.send_response(200)
        to.send_header("Content-Length", "100000")
        to.end_headers()
        try:
            for _n in range(100):
                to.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            pass
        return True

    assert said(trickle).endswith("unexpected EOF")


# -- several at a time, and none any more --------------------------------------------------------------


FOUR = An(*(a_layer(name, 2_000) for name in ("one", "two", "three", "four", "five", "six")))


class Together:
    """Lets blobs go when three have been asked for, and counts how many were under way at once."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._now = self.most = 0

    def __call__(self, to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        if "/manifests/" in to.path:
            return answer(to, 200, FOUR.manifest, {"Content-Type": MANIFEST})
        digest = to.path.rpartition("/")[2]
        if digest not in FOUR.layers:
            return digest == FOUR.config and answer(to, 200, FOUR.blobs[digest])
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.most >= 3, timeout=20)
        time.sleep(0.05)  # a fourth would come now
        with self._lock:
            self._now -= 1
        return answer(to, 200, FOUR.blobs[digest])


@pytest.mark.parametrize("speed", [None, 1.0])
def test_three_layers_are_downloaded_at_a_time_on_either_clock(speed: float | None) -> None:
    from simdocker import play
    from simdocker.scenario.load import from_yaml

    together = Together()
    with Faulty(together) as registry:
        world = f"world: {{registries: {{'{NAME}': {{url: '{registry.url}'}}}}}}\n"
        run = play(
            from_yaml(f"title: t\n{world}steps: [{{run: docker pull {NAME}/team/web:1}}]\n", "t.yaml"), speed=speed
        )
    step = run.steps[0]
    assert (step.exit, step.stdout.count("Pull complete")) == (0, 6), step.stderr
    assert together.most == 3


def test_a_pull_that_is_given_up_ends_its_download() -> None:
    gone = threading.Event()

    def slow(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
        if LARGE not in to.path:
            return False
        to.send_response(200)
        to.send_header("Content-Length", str(len(IMAGE.blobs[LARGE])))
        to.end_headers()
        try:
            while True:
                to.wfile.write(b"x" * 10)
                time.sleep(0.02)
        except OSError:
            gone.set()
        return True

    with Faulty(slow) as registry:
        code, _, _ = outcome(f"{{url: '{registry.url}'}}", f"timeout 0.5 docker pull {NAME}/team/web:1")
        assert code != 0
        assert gone.wait(20)


def test_ctrl_c_ends_a_pull_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    asked = threading.Event()

    def silent(to: BaseHTTPRequestHandler, registry: Faulty) -> bool:
        if LARGE not in to.path:
            return False
        to.send_response(200)
        to.send_header("Content-Length", str(len(IMAGE.blobs[LARGE])))
        to.end_headers()
        to.wfile.write(b"x" * 100_000)
        asked.set()
        registry.done.wait(60)
        return True

    scenario, temporary = tmp_path / "s.yaml", tmp_path / "tmp"
    temporary.mkdir()
    with Faulty(silent) as registry:
        registry.done = threading.Event()
        world = f"world: {{registries: {{'{NAME}': {{url: '{registry.url}'}}}}}}\n"
        scenario.write_text(f"title: t\n{world}steps: [{{run: docker pull {NAME}/team/web:1}}]\n")
        process = subprocess.Popen(
            [sys.executable, "-m", "simdocker", "run", str(scenario)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(temporary)},
            text=True,
        )
        assert asked.wait(30)
        time.sleep(0.2)  # some of it is in the temporary file
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, error = process.communicate(timeout=60)
        ended = time.monotonic() - began
        registry.done.set()
    assert process.returncode == 130 and "Traceback" not in error
    assert ended < http.PATIENCE_S / 3
    assert list(temporary.iterdir()) == []
