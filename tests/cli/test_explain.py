"""`simdocker explain docker run …`: the list of system calls a class can read."""

import json

import pytest
from typer.testing import CliRunner

from simdocker.cli.commands import app


def explained(*words):
    result = CliRunner().invoke(app, ["explain", *words])
    return result.exit_code, result.output


def names(text):
    """The names of the steps, without their arguments."""
    return [line[5:].split("  ")[0] for line in text.splitlines() if line[:3].strip().isdecimal()]


def test_a_start_is_told_from_the_cgroup_to_execve():
    code, text = explained("docker", "run", "--rm", "busybox", "echo", "hello there")
    assert code == 0
    told = names(text)
    order = ["mkdir cgroup", "clone newpid,newns,newuts,newipc", "mount proc", "setns net", "pivot_root", "seccomp",
             "setuid", "capset", "execve"]  # fmt: skip
    assert [name for name in told if name in order] == order
    assert text.splitlines()[-2].endswith("echo 'hello there'")


def test_what_is_asked_for_is_in_the_list():
    _, plain = explained("run", "busybox", "true")
    _, text = explained(
        "run", "-d", "-m", "64m", "--pids-limit", "20", "-v", "data:/data:ro", "--network", "host", "-t", "-u", "33",
        "--security-opt", "seccomp=unconfined", "--read-only", "busybox", "true",
    )  # fmt: skip
    added = {*names(text)} - {*names(plain)}
    assert {
        "cgroup memory.max",
        "cgroup pids.max",
        "mount volume",
        "remount /data ro",
        "remount / ro",
        "open ptmx",
    } <= added
    gone = {*names(plain)} - {*names(text)}
    assert gone == {"open netns", "setns net", "seccomp"}


def test_the_same_start_is_told_as_an_oci_bundle():
    code, text = explained("--bundle", "docker", "run", "-m", "64m", "-v", "data:/data", "busybox", "echo", "hello")
    assert code == 0
    config = json.loads(text)
    assert config["process"]["args"] == ["echo", "hello"]
    assert config["linux"]["resources"]["memory"]["limit"] == 64 << 20
    assert "/data" in [mount["destination"] for mount in config["mounts"]]


def test_bundle_may_stand_where_it_is_easily_typed():
    assert explained("docker", "run", "--bundle", "busybox", "true") == explained(
        "--bundle", "docker", "run", "busybox", "true"
    )
    code, text = explained("docker", "run", "busybox", "echo", "--bundle")
    assert code == 0
    assert text.splitlines()[-2].endswith("echo --bundle")


def test_its_help_is_its_own_and_a_commands_is_the_commands():
    code, text = explained("--help")
    assert code == 0
    assert "List the system calls" in text


def test_into_a_pipe_nothing_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    _, text = explained("run", "-v", "/a/rather/long/directory/of/the/host/that/does/not/fit:/in", "busybox", "true")
    assert "…" not in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run"], "requires at least 1 argument"),
        (["docker", "ps"], "starts no container; explain one that does"),
        (["run", "ngnix"], "did you mean nginx?"),
        (["run", "--nam", "x", "busybox"], "unknown flag: --nam"),
        (["run", "-v", "rel/x:y", "busybox"], "invalid mount path: 'y'"),
        (["nginx"], "such as: simdocker explain docker run nginx"),
        (["docker", "rnu", "nginx"], "did you mean 'run'?"),
    ],
)
def test_a_command_that_starts_nothing_is_refused_with_a_sentence(words, sentence):
    code, text = explained(*words)
    assert (code, text.count("\n")) == (2, 1)
    assert sentence in text


def test_an_interactive_one_needs_no_terminal_to_be_explained():
    code, text = explained("docker", "run", "-it", "busybox", "sh")
    assert code == 0 and "open ptmx" in text
