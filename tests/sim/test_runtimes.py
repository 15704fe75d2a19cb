"""OCI runtimes as a daemon knows them: `runtimes` and `default-runtime` of its daemon.json, and `--runtime`.

The sentences are those of dockerd 20.10.24 and of its client, which were given the same."""

import pytest

from simdocker.errors import UserError
from simdocker.scenario.load import from_yaml
from tests.sim.shell_lines import played

FAST = {"fast": {"path": "/usr/bin/crun", "runtimeArgs": ["--debug"]}}


def laptop(**daemon):
    return {"hosts": {"laptop": {"daemon": {key.replace("_", "-"): value for key, value in daemon.items()}}}}


def test_configured_runtimes_are_known_and_the_default_is_who_asks_for_none_gets():
    results = played(
        "docker info -f '{{json .Runtimes}} {{.DefaultRuntime}}'",
        "docker create --name one busybox; docker inspect -f '{{.HostConfig.Runtime}}' one",
        "docker create --name two --runtime runc busybox; docker inspect -f '{{.HostConfig.Runtime}}' two",
        "docker run --runtime fast busybox echo ran",
        world=laptop(runtimes=FAST, default_runtime="fast"),
    )
    assert results[0].stdout == (
        '{"fast":{"path":"/usr/bin/crun","runtimeArgs":["--debug"]},"io.containerd.runc.v2":{"path":"runc"},'
        '"io.containerd.runtime.v1.linux":{"path":"runc"},"runc":{"path":"runc"}} fast\n'
    )
    assert [result.stdout.splitlines()[-1] for result in results[1:]] == ["fast", "runc", "ran"]


def test_a_runtime_nobody_configured_is_refused():
    results = played(
        "docker run --runtime fast busybox", "docker run --rm --runtime io.containerd.runc.v2 busybox echo ran"
    )
    assert "docker: Error response from daemon: Unknown runtime specified fast\n" in results[0].stderr
    assert results[0].exit == 125
    assert results[1].stdout == "ran\n"


@pytest.mark.parametrize(
    ("daemon", "words"),
    [
        ("{default-runtime: fast}", "specified default runtime 'fast' does not exist"),
        ("{runtimes: {runc: {path: /x}}}", "runtime name 'runc' is reserved"),
    ],
)
def test_a_daemon_does_not_start_with_runtimes_that_contradict(daemon, words):
    text = f"title: t\nworld: {{hosts: {{a: {{daemon: {daemon}}}}}}}\nsteps: [{{run: docker info}}]\n"
    with pytest.raises(UserError, match=words):
        from_yaml(text, "x")


def test_the_hosts_user_namespace_is_the_only_one_to_ask_for():
    results = played(
        "docker create --name box --userns host busybox; docker inspect -f '{{.HostConfig.UsernsMode}}' box",
        "docker run --userns private busybox",
    )
    assert results[0].stdout.endswith("\nhost\n")
    assert (results[1].exit, results[1].stderr.splitlines()[0]) == (125, "docker: --userns: invalid USER mode")
