"""The docker command line, unmodified, at the simulated daemon."""

from __future__ import annotations

from tests.server.serving import Served


def test_run_prints_each_output_where_it_belongs_and_ends_with_the_containers_exit_code(real_client: Served) -> None:
    done = real_client.docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr.endswith("err\n")
    assert "Status: Downloaded newer image for busybox:latest" in done.stderr


def test_a_detached_container_can_be_listed_read_entered_and_waited_for(real_client: Served) -> None:
    real_client.ok("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo hello; sleep 100000")
    assert "web" in real_client.ok("ps", "--format", "{{.Names}}")
    assert real_client.ok("logs", "web") == "hello\n"
    assert real_client.ok("exec", "web", "cat", "/etc/hostname") == real_client.ok("ps", "-q")
    real_client.ok("kill", "web")
    assert real_client.ok("wait", "web") == "137\n"
    assert real_client.ok("inspect", "-f", "{{.State.Status}}", "web") == "exited\n"


def test_standard_input_reaches_the_container_and_its_end_too(real_client: Served) -> None:
    assert real_client.ok("run", "-i", "--rm", "busybox", "cat", stdin="one\ntwo\n") == "one\ntwo\n"


def test_a_refusal_is_the_daemons_own_sentence(real_client: Served) -> None:
    done = real_client.docker("inspect", "--type", "container", "nobody")
    assert (done.returncode, done.stdout) == (1, "[]\n")
    assert done.stderr == "Error response from daemon: No such container: nobody\n"
