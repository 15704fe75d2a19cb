"""docker-compose 1.29: a whole application is built, started, changed, looked into and taken down."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.wire import Wire

LIMIT = 120  # seconds
DOCKERFILE = """\
FROM busybox
ARG WORD=none
RUN echo $WORD > /built
CMD ["sh", "-c", "echo up as $ROLE; trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done"]
"""
APPLICATION = """\
version: "3.8"
services:
  db:
    image: busybox
    command: sleep 1000
    networks:
      back: {aliases: [store]}
    volumes: ["data:/data"]
    stop_grace_period: 0s
  web:
    build: {context: ., args: {WORD: fresh}}
    environment: ["ROLE=${ROLE:-front}"]
    depends_on: [db]
    networks: [front, back]
    ports: ["80"]
    volumes: ["data:/data:ro"]
    labels: {tier: one}
networks:
  front: {}
  back: {internal: true}
volumes:
  data: {}
"""

Compose = Callable[..., str]


@pytest.fixture
def compose(engine: str, tmp_path: Path) -> Compose:
    """`compose(*argv)` is what docker-compose prints in the application's directory; it must succeed."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("needs docker-compose")
    home = tmp_path / "app"
    home.mkdir()
    (home / "Dockerfile").write_text(DOCKERFILE)
    (home / "docker-compose.yml").write_text(APPLICATION)
    environment = {**os.environ, "DOCKER_HOST": engine, "COMPOSE_PARALLEL_LIMIT": "4", "COLUMNS": "200"}

    def call(*argv: str, **more: str) -> str:
        command = [program, "--ansi", "never", *argv]
        done = subprocess.run(
            command, cwd=home, env=environment | more, capture_output=True, text=True, check=False, timeout=LIMIT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_an_application_comes_up_in_the_order_of_its_dependencies_and_goes_without_a_trace(
    compose: Compose, wire: Wire
) -> None:
    compose("up", "-d")
    first, second = (compose("ps", "-q", service).strip() for service in ("db", "web"))
    started = [wire.ask("GET", f"/containers/{id}/json").json["State"]["StartedAt"] for id in (first, second)]
    assert started == sorted(started)
    assert compose("exec", "-T", "web", "cat", "/built") == "fresh\n"
    assert "up as front" in compose("logs", "web")
    compose("down", "-v", "--rmi", "local")
    assert wire.ask("GET", "/containers/json?all=1").json == []
    assert not [net for net in wire.ask("GET", "/networks").json if net["Name"].startswith("app_")]
    assert not wire.ask("GET", "/volumes").json["Volumes"]
    assert wire.ask("GET", "/images/app_web/json").status == 404


def test_services_meet_by_name_and_alias_and_share_a_volume(compose: Compose) -> None:
    compose("up", "-d")
    compose("exec", "-T", "db", "sh", "-c", "echo kept > /data/note")
    assert compose("exec", "-T", "web", "cat", "/data/note") == "kept\n"
    for name in ("db", "store"):
        assert "1 packets received" in compose("exec", "-T", "web", "ping", "-c1", name)
    assert compose("port", "web", "80").startswith("0.0.0.0:")


def test_up_again_recreates_only_what_is_asked_for_otherwise(compose: Compose) -> None:
    compose("up", "-d")
    before = {service: compose("ps", "-q", service) for service in ("db", "web")}
    compose("up", "-d")
    assert {service: compose("ps", "-q", service) for service in ("db", "web")} == before
    compose("up", "-d", ROLE="other")
    after = {service: compose("ps", "-q", service) for service in ("db", "web")}
    assert after["db"] == before["db"] and after["web"] != before["web"]
    assert "up as other" in compose("logs", "web")


def test_a_service_is_scaled_stopped_started_paused_and_killed(compose: Compose, wire: Wire) -> None:
    compose("up", "-d", "--scale", "web=3")
    assert len(compose("ps", "-q", "web").split()) == 3
    compose("up", "-d", "--scale", "web=1")
    (web,) = compose("ps", "-q", "web").split()

    def status() -> str:
        return str(wire.ask("GET", f"/containers/{web}/json").json["State"]["Status"])

    for command, expected in (
        ("pause", "paused"), ("unpause", "running"), ("stop", "exited"), ("start", "running"), ("kill", "exited"),
    ):  # fmt: skip
        compose(command, "web")
        assert status() == expected, command
    assert "bye" in compose("logs", "web")


def test_one_off_commands_run_with_the_services_settings_and_leave_with_rm(compose: Compose, wire: Wire) -> None:
    compose("build", "--quiet", "web")
    assert compose("run", "--rm", "-T", "-e", "MORE=1", "web", "sh", "-c", "echo $ROLE $MORE") == "front 1\n"
    left = [one["Names"][0] for one in wire.ask("GET", "/containers/json?all=1").json]
    assert left == ["/app_db_1"]
