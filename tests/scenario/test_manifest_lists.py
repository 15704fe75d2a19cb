"""`docker manifest`: lists made on the client, pushed, and pulled by hosts of two architectures. Layouts and sentences
are docker CLI 28's, heard with a registry that held the same kinds of documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult

WORLD = {
    "hosts": {"laptop": {}, "pi": {"arch": "arm64"}},
    "registries": {"docker.io": {}, "lab:5000": {}, "plain:80": {"tls": False}},
}
IMAGES = {"lab:5000/one:1": {"from": "busybox"}}
EACH = (
    "for a in amd64 arm64; do docker pull -q --platform linux/$a busybox; docker tag busybox lab:5000/bb:$a; "
    "docker push -q lab:5000/bb:$a; done"
)
ONE = "docker manifest create lab:5000/a lab:5000/one:1"
CREATE = "docker manifest create lab:5000/all:1 lab:5000/bb:amd64 lab:5000/bb:arm64"


def played(*lines: str | dict[str, Any]) -> list[StepResult]:
    steps = [{"run": line} if isinstance(line, str) else line for line in lines]
    return list(play(Scenario.of({"world": WORLD, "images": IMAGES, "steps": steps})).steps)


def last(*lines: str | dict[str, Any]) -> tuple[int | None, str, str]:
    step = played(*lines)[-1]
    return step.exit, step.stdout, step.stderr


def test_a_list_is_made_pushed_and_pulled_by_each_architecture() -> None:
    run = "docker run --rm lab:5000/all:1 uname -m"
    steps = played(EACH, CREATE, "docker manifest push -p lab:5000/all:1", run, {"run": run, "on": "pi"})
    assert steps[1].stdout == "Created manifest list lab:5000/all:1\n"
    first, second, digest = steps[2].stdout.splitlines()
    assert first.startswith("Pushed ref lab:5000/all@sha256:") and " with digest: sha256:" in second
    assert digest.startswith("sha256:") and f"Digest: {digest}\n" in steps[3].stderr
    assert [steps[3].stdout, steps[4].stdout] == ["x86_64\n", "aarch64\n"]


def test_an_index_is_shown_as_docker_lays_it_out() -> None:
    code, out, _ = last("docker manifest inspect busybox")
    assert code == 0 and out.startswith(
        '{\n   "schemaVersion": 2,\n   "mediaType": "application/vnd.oci.image.index.v1+json"'
    )
    platforms = [entry["platform"] for entry in json.loads(out)["manifests"]]
    assert {"architecture": "arm64", "os": "linux", "variant": "v8"} in platforms
    _, out, _ = last("docker manifest inspect -v busybox")
    assert out.startswith('[\n\t{\n\t\t"Ref": "docker.io/library/busybox:latest@sha256:')
    assert list(json.loads(out)[0]) == ["Ref", "Descriptor", "Raw", "OCIManifest"]


def test_docker_pushed_manifests_make_a_docker_list() -> None:
    _, out, _ = last(EACH, CREATE, "docker manifest inspect lab:5000/all:1")
    assert json.loads(out)["mediaType"] == "application/vnd.docker.distribution.manifest.list.v2+json"
    _, out, _ = last(EACH, "docker manifest inspect lab:5000/bb:arm64")
    assert out.startswith(
        '{\n\t"schemaVersion": 2,\n\t"mediaType": "application/vnd.docker.distribution.manifest.v2+json"'
    )


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["docker manifest inspect lab:5000/nope"], "no such manifest: lab:5000/nope:latest"),
        (["docker manifest inspect bad//name"], "invalid reference format"),
        (["docker manifest inspect lab:5000/a lab:5000/b"], "No such manifest: lab:5000/b:latest"),
        (["docker manifest rm lab:5000/a"], "No such manifest: lab:5000/a:latest"),
        (["docker manifest push lab:5000/a"], "No such manifest: lab:5000/a:latest"),
        ([ONE] * 2, "refusing to amend an existing manifest list with no --amend flag"),
        (["docker manifest create lab:5000/a busybox"], "docker.io/library/busybox:latest is a manifest list"),
        (
            ["docker manifest create bad//name x"],
            "error parsing name for manifest list bad//name: invalid reference format",
        ),
        (["docker manifest annotate --arch arm lab:5000/a x"], "manifest for image x does not exist in lab:5000/a"),
        (
            [ONE, "docker manifest annotate --os bogus lab:5000/a lab:5000/one:1"],
            "manifest entry for image has unsupported os/arch combination: bogus/",
        ),
        (
            ["docker manifest create docker.io/a/b lab:5000/one:1", "docker manifest push docker.io/a/b"],
            "cannot use source images from a different registry than the target image: lab:5000 != docker.io",
        ),
        (
            ["docker manifest inspect plain:80/x"],
            'failed to configure transport: error pinging v2 registry: Get "https://plain:80/v2/": '
            "http: server gave HTTP response to HTTPS client",
        ),
        (["docker manifest inspect --insecure plain:80/x"], "no such manifest: plain:80/x:latest"),
    ],
)
def test_what_cannot_be_is_said_in_dockers_words(lines: list[str], sentence: str) -> None:
    assert last(*lines) == (1, "", sentence + "\n")


def test_annotations_are_kept() -> None:
    _, out, _ = last(
        ONE,
        "docker manifest annotate --os windows --arch amd64 --os-version 10.0.1 --os-features win32k "
        "lab:5000/a lab:5000/one:1",
        "docker manifest inspect lab:5000/a",
    )
    assert json.loads(out)["manifests"][0]["platform"] == {
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.1",
        "os.features": ["win32k"],
    }
