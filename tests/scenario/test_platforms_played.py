"""Images for several platforms, on hosts of one. The sentences are dockerd 20.10.24's and docker CLI 28's, heard
with a registry that held such images."""

from __future__ import annotations

from typing import Any

import pytest

from simdocker.errors import UserError
from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult

WORLD = {"hosts": {"laptop": {}, "pi": {"arch": "arm64"}}, "registries": {"docker.io": {}, "lab:5000": {}}}
IMAGES = {
    "team/app:1": {"from": "busybox", "layers": [{"files": {"/v": "1"}}], "platforms": ["linux/amd64", "linux/arm64"]},
    "team/win": {"from": "scratch", "layers": [{"files": {"/v": "1"}}], "platforms": ["windows/amd64"]},
    "lab:5000/both": {"from": "busybox", "platforms": ["linux/amd64", "linux/arm64"]},
    "lab:5000/arm": {"from": "busybox", "platforms": ["linux/arm64"]},
}
FOREIGN = (
    "WARNING: The requested image's platform (linux/arm64/v8) does not match the detected host platform (linux/amd64) "
    "and no specific platform was requested\n"
)
MISMATCH = (
    "image with reference lab:5000/arm was found but does not match the specified platform: "
    "wanted linux/amd64, actual: linux/arm64/v8\n"
)
NO_EXEC = "exec /bin/true: exec format error\n"


def played(*lines: str | dict[str, Any]) -> list[StepResult]:
    steps = [{"run": line} if isinstance(line, str) else line for line in lines]
    return list(play(Scenario.of({"world": WORLD, "images": IMAGES, "steps": steps})).steps)


def last(*lines: str | dict[str, Any]) -> tuple[int | None, str, str]:
    step = played(*lines)[-1]
    return step.exit, step.stdout, step.stderr


def on_pi(line: str) -> dict[str, Any]:
    return {"run": line, "on": "pi"}


def test_each_host_runs_its_own_variant_of_an_image() -> None:
    line = "docker run --rm team/app:1 uname -m"
    assert [step.stdout for step in played(line, on_pi(line))] == ["x86_64\n", "aarch64\n"]
    line = "docker image inspect -f '{{.Os}}/{{.Architecture}}/{{.Variant}}' team/app:1"
    assert last(on_pi("docker pull -q team/app:1"), on_pi(line)) == (0, "linux/arm64/v8\n", "")


def test_an_index_of_any_registry_serves_both() -> None:
    line = "docker run --rm lab:5000/both uname -m"
    assert [step.stdout for step in played(line, on_pi(line))] == ["x86_64\n", "aarch64\n"]


def test_a_host_says_what_it_is() -> None:
    form = "docker version -f '{{.Client.Arch}} {{.Server.Arch}}'; docker info -f '{{.Architecture}}'; uname -m; arch"
    assert last(on_pi(form)) == (0, "arm64 arm64\naarch64\naarch64\naarch64\n", "")


def test_another_platforms_program_does_not_start() -> None:
    pull = "docker pull -q --platform linux/arm64 busybox"
    assert last(pull, "docker run --rm busybox true") == (1, "", FOREIGN + NO_EXEC)
    assert last(pull, "docker run --rm --platform linux/arm64 busybox true") == (1, "", NO_EXEC)
    log = "docker run --init --platform linux/arm64 busybox true"
    assert last(pull, log) == (1, "", "[FATAL tini (7)] exec true failed: Exec format error\n")


def test_the_default_platform_is_the_environments() -> None:
    code, out, _ = last(
        "export DOCKER_DEFAULT_PLATFORM=linux/arm64; docker pull -q busybox; docker run --rm busybox true"
    )
    assert (code, out) == (1, "docker.io/library/busybox:latest\n")
    assert last("DOCKER_DEFAULT_PLATFORM=bogus docker pull -q busybox") == (
        1,
        "",
        'Error response from daemon: "bogus": unknown operating system or architecture: invalid argument\n',
    )


def test_one_name_stands_for_one_image_at_a_time() -> None:
    """The digest stays with the image it was first pulled for."""
    _, out, _ = last(
        "docker pull -q busybox; docker pull -q --platform linux/arm64 busybox",
        "docker images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}'",
    )
    assert sorted(line.split()[1] for line in out.splitlines()) == ["<none>", "latest"]
    assert [line for line in out.splitlines() if line.endswith("latest <none>")]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "docker pull -q --platform linux/386 busybox",
            "no matching manifest for linux/386 in the manifest list entries",
        ),
        ("docker pull -q team/win", "no matching manifest for linux/amd64 in the manifest list entries"),
        (
            "docker pull -q --platform windows/amd64 team/win",
            'image operating system "windows" cannot be used on this platform',
        ),
        (
            "docker pull -q --platform windows/amd64 hello-world",
            'image operating system "windows" cannot be used on this platform',
        ),
    ],
)
def test_what_no_image_of_an_index_serves(line: str, sentence: str) -> None:
    assert last(line) == (1, "", sentence + "\n")


def test_an_image_of_one_platform_is_pulled_whatever_was_asked_for() -> None:
    code, out, err = last("docker pull --platform linux/amd64 lab:5000/arm")
    assert (code, err) == (0, "") and out.endswith(f"WARNING: {MISMATCH}lab:5000/arm:latest\n")
    code, _, err = last("docker create --platform linux/amd64 lab:5000/arm")
    assert code == 1 and err.endswith(f"WARNING: {MISMATCH}Error response from daemon: {MISMATCH}")


def test_the_builder_takes_what_is_here_and_warns() -> None:
    build = "printf 'FROM busybox\\nRUN true\\n' | docker build --platform linux/amd64 - 2>&1 | tail -n 4"
    _, out, _ = last("docker pull -q --platform linux/arm64 busybox", build)
    assert f" ---> [Warning] {FOREIGN.removeprefix('WARNING: ')}" in out
    assert "exec /bin/sh: exec format error" in out


def test_a_base_that_is_not_there_for_a_platform_is_said() -> None:
    world = {"images": {"a:1": {"from": "busybox", "platforms": ["linux/ppc64le"]}}, "steps": [{"run": "true"}]}
    with pytest.raises(
        UserError, match="there is no busybox for linux/ppc64le: it is there for linux/amd64, linux/arm/v7"
    ):
        play(Scenario.of(world))


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="arch is 'mips', but a host here has amd64 or arm64"):
        Scenario.of({"world": {"hosts": {"a": {"arch": "mips"}}}, "steps": [{"run": "true"}]})
