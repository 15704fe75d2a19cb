"""Docker Content Trust where no notary server answers. The sentences are docker CLI 28's, but for why the server is
not reached, which here is that nobody has its name."""

from __future__ import annotations

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult

WORLD = {"hosts": {"laptop": {}}, "registries": {"docker.io": {}, "lab:5000": {}}}
IMAGES = {"lab:5000/app": {"from": "busybox"}}
NOBODY = "dial tcp: lookup notary.docker.io on 10.53.53.53:53: no such host"
CONTACT = f"Error: error contacting notary server: {NOBODY}\n"
NONE_HERE = (
    "Error: remote trust data does not exist for lab:5000/app: lab:5000 does not have trust data for lab:5000/app\n"
)
RUN_HELP = "\nRun 'docker run --help' for more information\n"
DIGEST = "busybox@sha256:" + 64 * "a"


def last(*lines: str) -> StepResult:
    steps = [{"run": line} for line in lines]
    return play(Scenario.of({"world": WORLD, "images": IMAGES, "steps": steps})).steps[-1]


@pytest.mark.parametrize(
    ("line", "code", "stdout", "stderr"),
    [
        ("DOCKER_CONTENT_TRUST=1 docker pull busybox", 1, "Using default tag: latest\n", CONTACT),
        ("DOCKER_CONTENT_TRUST=yes docker pull -q busybox", 1, "", CONTACT),
        ("docker pull -q --disable-content-trust=false busybox", 1, "", CONTACT),
        ("DOCKER_CONTENT_TRUST=1 docker run --rm busybox true", 125, "", f"docker: {CONTACT}{RUN_HELP}"),
        ("DOCKER_CONTENT_TRUST=1 docker create busybox", 1, "", CONTACT),
        ("DOCKER_CONTENT_TRUST=1 docker pull -q lab:5000/app", 1, "", NONE_HERE),
        (
            "DOCKER_CONTENT_TRUST=1 DOCKER_CONTENT_TRUST_SERVER=http://x docker pull -q busybox",
            1,
            "",
            "error establishing connection to trust repository: valid https URL required for trust server, got http://x\n",
        ),
        ("DOCKER_CONTENT_TRUST=0 docker pull -q busybox", 0, "docker.io/library/busybox:latest\n", ""),
        ("DOCKER_CONTENT_TRUST=1 docker pull -q --disable-content-trust lab:5000/app", 0, "lab:5000/app:latest\n", ""),
        ("docker trust inspect busybox", 1, "[]\n", "no signatures or cannot access busybox\n"),
        ("docker trust sign busybox", 1, "", "no tag specified for busybox\n"),
        ("docker trust sign busybox:1", 1, "", CONTACT),
        (f"docker trust sign {DIGEST}", 1, "", "cannot use a digest reference for IMAGE:TAG\n"),
        ("docker trust revoke -y busybox", 1, "", f"could not remove signature for busybox: {NOBODY}\n"),
        (
            "docker trust revoke busybox </dev/null",
            0,
            "Confirm you would like to delete all signature data for busybox? [y/N] ",
            "",
        ),
        (
            "docker trust signer remove alice busybox",
            1,
            'Removing signer "alice" from busybox...\n',
            f"error retrieving signers for busybox: {NOBODY}\n\nerror removing signer from: busybox\n",
        ),
        (
            "docker trust signer add alice busybox",
            1,
            "",
            "path to a public key must be provided using the `--key` flag\n",
        ),
        (
            "docker trust signer add --key nope.pub alice busybox",
            1,
            "",
            "unable to read public key from file: open nope.pub: no such file or directory\n",
        ),
        (
            "docker trust signer add --key k releases busybox",
            1,
            "",
            "releases is a reserved keyword, use a different signer name\n",
        ),
        (
            "docker trust key generate ALICE",
            1,
            "",
            'key name "ALICE" must start with lowercase alphanumeric characters and can include "-" or "_" after the '
            "first character\n",
        ),
        (
            "docker trust key load nope.pem",
            1,
            'Loading key from "nope.pem"...\n',
            "refusing to load key from nope.pem: stat nope.pem: no such file or directory\n",
        ),
        ("docker trust key generate --dir /nope bob", 1, "", 'public key path does not exist: "/nope"\n'),
    ],
)
def test_without_a_notary_server_docker_says_so(line: str, code: int, stdout: str, stderr: str) -> None:
    step = last(line)
    assert (step.exit, step.stdout, step.stderr) == (code, stdout, stderr)


def test_an_image_that_is_here_is_not_run_unsigned_either() -> None:
    step = last("docker pull -q busybox", "DOCKER_CONTENT_TRUST=1 docker run --rm busybox true")
    assert (step.exit, step.stderr) == (125, f"docker: {CONTACT}{RUN_HELP}")


def test_a_passphrase_is_asked_for_until_there_have_been_enough() -> None:
    step = last("docker trust key generate alice </dev/null")
    assert step.exit == 1 and step.stdout.count("Enter passphrase for new alice key with ID ") == 12
    assert step.stderr == (
        "maximum number of passphrase attempts exceeded"
        "failed to generate key for alice: maximum number of passphrase attempts exceeded\n"
    )


def test_what_is_pushed_would_be_signed() -> None:
    step = last(
        "docker pull -q busybox; docker tag busybox lab:5000/app:2", "DOCKER_CONTENT_TRUST=1 docker push lab:5000/app:2"
    )
    assert (step.exit, step.stderr) == (1, NONE_HERE)
    assert step.stdout.endswith("Signing and pushing trust metadata\n")
