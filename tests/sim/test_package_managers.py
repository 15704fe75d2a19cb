"""apk, apt-get, pip and npm in containers: what they bring, what it costs, and what they say without a network."""

from __future__ import annotations

import pytest

from simdocker.scenario.load import from_lines, from_yaml
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult

PIP = "pip install -q flask==3.0.0 && pip freeze | grep -i -e flask -e werkzeug"
NPM = 'echo \'{"dependencies": {"express": "4"}}\' > package.json && npm install > /dev/null && ls node_modules'


def played(*lines: str) -> list[StepResult]:
    return play(from_lines("\n".join(lines), "packages")).steps


@pytest.mark.parametrize(
    ("image", "line", "stdout"),
    [
        ("alpine", "apk add -q bash curl && bash -c 'type curl'", "curl is /usr/bin/curl\n"),
        ("python:3.12-slim", "apt-get update -qq && apt-get install -qq -y curl >&2; ls /usr/bin/curl",
         "/usr/bin/curl\n"),
        ("python:3.12-slim", PIP, "flask==3.0.0\nwerkzeug==3.1.3\n"),
        ("node:20-alpine", NPM, "express\n"),
    ],
)  # fmt: skip
def test_what_is_installed_is_there(image: str, line: str, stdout: str) -> None:
    quoted = line.replace("'", "'\\''")
    result = played(f"docker run --rm {image} sh -c '{quoted}'")[0]
    assert (result.exit, result.stdout) == (0, stdout), result.stderr


@pytest.mark.parametrize(
    ("image", "line", "code", "said"),
    [
        ("alpine", "apk add curl", 1, "  curl (no such package):\n    required by: world[curl]\n"),
        ("python:3.12-slim", "pip install flask", 1, "ERROR: No matching distribution found for flask\n"),
        ("node:20-alpine", "npm install express", 1, "npm error code EAI_AGAIN\n"),
        ("ubuntu", "apt-get update", 0, "Temporary failure resolving 'archive.ubuntu.com'\n"),
        ("ubuntu", "apt-get install -y curl", 100, "E: Unable to locate package curl\n"),
    ],
)
def test_without_a_network_they_fail_in_their_own_way(image: str, line: str, code: int, said: str) -> None:
    result = played(f"docker run --rm --network none {image} {line}")[0]
    assert result.exit == code
    assert said in result.stderr


def test_apt_asks_unless_told_yes() -> None:
    result = played("docker run --rm ubuntu sh -c 'apt-get update -qq && apt-get install curl'")[0]
    assert result.exit == 1
    assert result.stdout.endswith("Do you want to continue? [Y/n] Abort.\n")


def test_a_download_takes_its_share_of_the_link() -> None:
    text = """
world: {{links: [{{between: [laptop, docker.io], latency: 10ms, bandwidth: {}Mbit/s}}]}}
steps:
  - run: docker pull -q node:20-alpine
  - run: docker run --rm node:20-alpine npm install typescript
"""
    slow, fast = (play(from_yaml(text.format(speed), "links")).steps[1] for speed in (1, 100))
    saved = (slow.ended_ns - slow.started_ns) - (fast.ended_ns - fast.started_ns)
    assert 30_000_000_000 < saved < 36_000_000_000  # 4.3 MB at 1 Mbit/s, but for the last hundredth


def test_a_world_without_docker_hub_has_no_internet() -> None:
    text = """
world: {registries: {registry.lab: {}}}
images: {registry.lab/base: {dockerfile: FROM alpine}}
steps:
  - run: docker run --rm registry.lab/base apk add curl
"""
    assert "curl (no such package)" in play(from_yaml(text, "lab")).steps[0].stderr
