"""docker-py's containers, on both backends: what programs and test libraries do to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.clients.conftest import until

docker = pytest.importorskip("docker")
FOREVER = ["sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done"]


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


def test_run_gives_back_what_the_container_said(client: Any) -> None:
    assert client.containers.run("alpine", "echo hello world", remove=True) == b"hello world\n"
    assert client.containers.run("alpine", "sh -c 'echo out; echo err >&2'", stderr=True, stdout=False) == b"err\n"
    assert client.containers.run("busybox", ["printf", "%s|", "a b", "c"], remove=True) == b"a b|c|"


def test_a_command_that_fails_raises_with_its_code_and_its_words(client: Any) -> None:
    with pytest.raises(docker.errors.ContainerError) as failed:
        client.containers.run("alpine", "cat /nowhere", remove=True)
    assert failed.value.exit_status == 1
    assert b"No such file or directory" in failed.value.stderr
    with pytest.raises(docker.errors.APIError, match="nothing-of-that-name"):  # of the registry, or of its absence
        client.containers.run("nothing-of-that-name:1")
    with pytest.raises(docker.errors.APIError, match="executable file not found"):
        client.containers.run("busybox", "nothing", remove=True)


def test_streamed_output_comes_line_by_line_and_can_be_closed(client: Any) -> None:
    assert list(client.containers.run("alpine", "sh -c 'echo a; sleep 0.2; echo b'", stream=True)) == [b"a\n", b"b\n"]
    box = client.containers.run("busybox", FOREVER, detach=True)
    following = box.logs(stream=True, follow=True)
    assert next(following) == b"up\n"
    threading.Timer(0.3, following.close).start()
    assert list(following) == []


def test_auto_remove_takes_the_container_away(client: Any) -> None:
    out = client.containers.run("alpine", "sh -c 'echo hello && sleep 1'", auto_remove=True)
    assert out == b"hello\n"
    box = client.containers.run("alpine", "sleep 1000", auto_remove=True, detach=True)
    box.kill()
    until(lambda: not client.containers.list(all=True))


def test_without_a_log_there_is_nothing_to_read(client: Any) -> None:
    assert client.containers.run("alpine", "echo hello", log_config={"type": "none"}) is None
    assert client.containers.run("alpine", "echo hello", log_config={"type": "json-file"}) == b"hello\n"
    with pytest.raises(docker.errors.APIError) as refused:
        client.containers.run("alpine", "true", log_config={"type": "nothing"})
    assert 'plugin "nothing" not found' in refused.value.explanation


def test_a_container_is_found_by_id_name_and_list(client: Any) -> None:
    box = client.containers.run("busybox", FOREVER, detach=True, name="found", labels={"a": "b", "c": ""})
    assert client.containers.get(box.id).name == client.containers.get("found").name == "found"
    assert client.containers.get(box.short_id).id == box.id
    assert box.attrs["Config"]["Cmd"] == FOREVER and box.labels == {"a": "b", "c": ""}
    assert box.image == client.images.get("busybox")
    for filters in ({"label": "a=b"}, {"name": "fou"}, {"status": "running"}, {"id": box.id}, {"ancestor": "busybox"}):
        assert [found.id for found in client.containers.list(filters=filters)] == [box.id]
    assert client.containers.list(filters={"label": "a=c"}) == []
    assert client.containers.list(sparse=True)[0].status == "running"
    other = client.containers.create("busybox", "true")
    assert [found.id for found in client.containers.list(all=True)] == [other.id, box.id]
    assert [found.id for found in client.containers.list(limit=1)] == [other.id]
    assert [found.id for found in client.containers.list(all=True, filters={"since": "found"})] == [other.id]
    assert [found.id for found in client.containers.list(all=True, filters={"before": other.id})] == [box.id]


def test_a_life_from_creation_to_removal(client: Any) -> None:
    box = client.containers.create("busybox", FOREVER, name="life")

    def now() -> str:
        box.reload()
        return str(box.status)

    assert now() == "created"
    box.start()
    assert now() == "running"
    until(lambda: box.logs() == b"up\n")
    box.pause()
    assert now() == "paused"
    box.unpause()
    assert now() == "running"
    first = box.attrs["State"]["StartedAt"]
    box.restart(timeout=5)
    assert now() == "running" and box.attrs["State"]["StartedAt"] > first
    until(lambda: box.logs().count(b"up\n") == 2)
    box.stop(timeout=5)
    assert now() == "exited" and box.attrs["State"]["ExitCode"] == 7
    box.rename("afterlife")
    assert now() and box.name == "afterlife"
    box.remove()
    with pytest.raises(docker.errors.NotFound):
        box.reload()


def test_signals_end_it_or_are_caught(client: Any) -> None:
    box = client.containers.run("busybox", FOREVER, detach=True)
    until(lambda: box.logs() == b"up\n")
    box.kill("SIGTERM")
    assert box.wait() == {"Error": None, "StatusCode": 7}
    other = client.containers.run("busybox", "sleep 1000", detach=True)
    other.kill()
    assert other.wait()["StatusCode"] == 137
    with pytest.raises(docker.errors.APIError, match="is not running"):
        other.kill()
    third = client.containers.run("busybox", "sleep 1000", detach=True)
    third.stop(timeout=0)
    assert third.wait()["StatusCode"] == 137


def test_waiting_for_what_has_not_started_yet(client: Any) -> None:
    box = client.containers.create("busybox", ["sh", "-c", "exit 4"])
    codes: list[int] = []
    waiting = threading.Thread(target=lambda: codes.append(box.wait(condition="next-exit")["StatusCode"]))
    waiting.start()
    time.sleep(0.2)
    box.start()
    waiting.join(20)
    assert codes == [4]
    with pytest.raises(docker.errors.NotFound):
        client.api.wait("nobody")


def test_logs_are_told_as_asked(client: Any) -> None:
    box = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; done; echo e >&2"], detach=True)
    box.wait()
    assert box.logs(stderr=False) == b"1\n2\n3\n" and box.logs(stdout=False) == b"e\n"
    assert box.logs(stderr=False, tail=1) == b"3\n" and box.logs(stderr=False, tail=0) == b""
    stamped = box.logs(stderr=False, timestamps=True).splitlines()
    assert [line.partition(b" ")[2] for line in stamped] == [b"1", b"2", b"3"]
    assert box.logs(since=int(time.time()) + 10**6) == b""
    assert list(box.logs(stream=True, stderr=False)) == [b"1\n", b"2\n", b"3\n"]


def test_what_a_container_is_asked_to_be_it_is(client: Any) -> None:
    box = client.containers.create(
        "busybox", ["env"], environment={"FOO": "1", "EMPTY": "", "NONE": None}, hostname="here", user="nobody",
        working_dir="/tmp", stop_signal="SIGINT", tty=False, stdin_open=True, ports={"80/tcp": None},
        mem_limit="64m", memswap_limit="128m", cpu_shares=512, nano_cpus=500_000_000, pids_limit=50,
        cap_add=["NET_ADMIN"],
        cap_drop=["MKNOD"], extra_hosts={"there": "192.0.2.7"}, dns=["192.0.2.1"], tmpfs={"/run": "size=3m"},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 3}, read_only=True, init=False, privileged=False,
        group_add=[1000], security_opt=["no-new-privileges"], shm_size="1m", sysctls={"net.ipv4.ip_forward": "1"},
        ulimits=[docker.types.Ulimit(name="nofile", soft=64, hard=128)],
        healthcheck={"test": ["CMD", "true"], "interval": 10**9},
    )  # fmt: skip
    config, host = box.attrs["Config"], box.attrs["HostConfig"]
    assert {"FOO=1", "EMPTY=", "NONE"} <= set(config["Env"])
    assert (config["Hostname"], config["User"], config["WorkingDir"]) == ("here", "nobody", "/tmp")
    assert (config["StopSignal"], config["OpenStdin"], config["ExposedPorts"]) == ("SIGINT", True, {"80/tcp": {}})
    assert config["Healthcheck"]["Test"] == ["CMD", "true"]
    assert (host["Memory"], host["MemorySwap"], host["CpuShares"]) == (64 << 20, 128 << 20, 512)
    assert (host["NanoCpus"], host["PidsLimit"], host["ShmSize"]) == (500_000_000, 50, 1 << 20)
    assert (host["CapAdd"], host["CapDrop"]) == (["NET_ADMIN"], ["MKNOD"])
    assert (host["ExtraHosts"], host["Dns"], host["Tmpfs"]) == (["there:192.0.2.7"], ["192.0.2.1"], {"/run": "size=3m"})
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert host["ReadonlyRootfs"] and not host["Privileged"] and host["GroupAdd"] == ["1000"]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 64, "Hard": 128}]
    assert host["SecurityOpt"] == ["no-new-privileges"] and host["Sysctls"] == {"net.ipv4.ip_forward": "1"}


def test_the_program_finds_what_was_asked_for(client: Any) -> None:
    def said(command: str, **asked: Any) -> str:
        return str(client.containers.run("busybox", ["sh", "-c", command], remove=True, **asked).decode())

    assert said("echo $FOO", environment=["FOO=bar"]) == "bar\n"
    assert said("hostname; pwd", hostname="here", working_dir="/usr") == "here\n/usr\n"
    assert said("id -u; id -G", user="1000:1001", group_add=["1002"]).split() == ["1000", "1001", "1002"]
    assert said("touch /x 2>/dev/null || echo refused", read_only=True) == "refused\n"
    assert said("grep there /etc/hosts", extra_hosts={"there": "192.0.2.7"}).split() == ["192.0.2.7", "there"]
    assert said("cat /etc/resolv.conf", dns=["192.0.2.1"], network_mode="bridge").startswith("nameserver 192.0.2.1\n")
    assert said("echo $0 $1", entrypoint=["echo", "prefix"]).startswith("prefix sh -c")
    assert "tmpfs" in said("mount | grep ' /run '", tmpfs={"/run": "size=3m"})
    assert said("ulimit -n", ulimits=[docker.types.Ulimit(name="nofile", soft=64, hard=128)]) == "64\n"
    assert said("test -t 0 && echo tty", tty=True) == "tty\r\n"


def test_volumes_and_directories_are_shared_as_mounted(client: Any, tmp_path: Any, engine: str, request: Any) -> None:
    client.volumes.create("somevolume")
    write, read = ["sh", "-c", "echo hello > /data/test"], "cat /data/test"
    client.containers.run("alpine", write, volumes=["somevolume:/data"], remove=True)
    assert client.containers.run("alpine", read, volumes=["somevolume:/data"], remove=True) == b"hello\n"
    mount = docker.types.Mount(target="/data", source="somevolume", read_only=True)
    assert client.containers.run("alpine", read, mounts=[mount], remove=True) == b"hello\n"
    with pytest.raises(docker.errors.ContainerError, match="Read-only file system"):
        client.containers.run("alpine", write, mounts=[mount], remove=True)
    box = client.containers.run("busybox", FOREVER, detach=True, volumes={"somevolume": {"bind": "/v", "mode": "ro"}})
    (found,) = box.attrs["Mounts"]
    assert (found["Type"], found["Name"], found["Destination"], found["RW"]) == ("volume", "somevolume", "/v", False)
    with pytest.raises(docker.errors.APIError, match="volume is in use"):
        client.volumes.get("somevolume").remove()
    other = client.containers.run("busybox", "cat /v/test", detach=True, volumes_from=[box.id])
    assert other.wait()["StatusCode"] == 0 and other.logs() == b"hello\n"


def test_published_ports_are_shown_as_published(client: Any) -> None:
    box = client.containers.run(
        "busybox",
        FOREVER,
        detach=True,
        ports={"2222/tcp": None, "80/tcp": ("127.0.0.1", 18081), "53/udp": [18053, 18054]},
    )
    box.reload()
    assert sorted(box.ports) == ["2222/tcp", "53/udp", "80/tcp"]
    assert all(int(bound["HostPort"]) > 0 for bound in box.ports["2222/tcp"])
    assert box.ports["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "18081"}]
    assert {bound["HostPort"] for bound in box.ports["53/udp"]} == {"18053", "18054"}
    assert client.api.port(box.id, 80) == [{"HostIp": "127.0.0.1", "HostPort": "18081"}]
    with pytest.raises(docker.errors.APIError, match="port is already allocated"):
        client.containers.run("busybox", "true", ports={"80/tcp": ("127.0.0.1", 18081)})


def test_files_go_in_and_out_as_archives(client: Any) -> None:
    from tests.server.rich_world import tarred

    box = client.containers.run("busybox", FOREVER, detach=True)
    assert box.put_archive("/tmp", tarred({"a": "first", "d/b": "second"}))
    assert box.exec_run("cat /tmp/a /tmp/d/b").output == b"firstsecond"
    import io
    import tarfile

    bits, stat = box.get_archive("/tmp/d")
    assert stat["name"] == "d" and stat["mode"] & 0o777 == 0o755
    with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as tar:
        assert sorted(tar.getnames()) == ["d", "d/b"]
        member = tar.extractfile("d/b")
        assert member is not None and member.read() == b"second"
    with pytest.raises(docker.errors.NotFound):
        box.get_archive("/nowhere")
    with pytest.raises(docker.errors.NotFound):
        box.put_archive("/nowhere", tarred({"a": ""}))
    with tarfile.open(fileobj=io.BytesIO(b"".join(box.export()))) as tar:
        assert {"tmp/a", "tmp/d/b", "bin/sh"} <= set(tar.getnames())


def test_changes_are_told_and_committed(client: Any) -> None:
    box = client.containers.run(
        "alpine", ["sh", "-c", "echo hello > /test; rm /etc/motd 2>/dev/null; true"], detach=True
    )
    box.wait()
    assert {"Path": "/test", "Kind": 1} in box.diff()
    image = box.commit(
        "committed", "1", message="why", author="me", conf={"Cmd": ["cat", "/test"], "Labels": {"a": "b"}}
    )
    assert image.tags == ["committed:1"] and image.labels == {"a": "b"}
    assert client.containers.run("committed:1", remove=True) == b"hello\n"
    assert client.containers.run(image.id, "cat /test", remove=True) == b"hello\n"
    assert image.attrs["Comment"] == "why" and image.attrs["Author"] == "me"


def test_top_and_stats_look_at_its_processes(client: Any) -> None:
    box = client.containers.run("busybox", "sleep 1000", detach=True)
    top = box.top()
    assert "PID" in top["Titles"] and len(top["Processes"]) == 1
    assert top["Processes"][0][-1].endswith("sleep 1000")
    assert "USER" in box.top(ps_args="aux")["Titles"]
    stats = box.stats(stream=False)
    assert {"read", "networks", "precpu_stats", "cpu_stats", "memory_stats", "blkio_stats", "pids_stats"} <= set(stats)
    assert stats["memory_stats"]["usage"] > 0 and "eth0" in stats["networks"]
    running = box.stats(stream=True, decode=True)
    assert [next(running)["id"] for _ in range(2)] == [box.id, box.id]
    running.close()


def test_limits_can_be_changed_while_it_runs(client: Any) -> None:
    box = client.containers.run("busybox", FOREVER, detach=True, mem_limit="32m", memswap_limit="64m")
    assert box.update(mem_limit="48m", cpu_shares=256) == {"Warnings": None}
    box.reload()
    assert (box.attrs["HostConfig"]["Memory"], box.attrs["HostConfig"]["CpuShares"]) == (48 << 20, 256)
    box.update(restart_policy={"Name": "always", "MaximumRetryCount": 0})
    box.reload()
    assert box.attrs["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_a_restart_policy_starts_it_again(client: Any) -> None:
    box = client.containers.run(
        "busybox", "sh -c 'exit 3'", detach=True, restart_policy={"Name": "on-failure", "MaximumRetryCount": 2}
    )

    def given_up() -> bool:
        box.reload()
        return bool(box.status == "exited" and box.attrs["RestartCount"] == 2)

    until(given_up)
    assert box.attrs["State"]["ExitCode"] == 3


def test_health_is_found_out(client: Any) -> None:
    check = {"test": ["CMD-SHELL", "test -e /well"], "interval": 10**9, "timeout": 10**10, "retries": 1}
    box = client.containers.run("busybox", FOREVER, detach=True, healthcheck=check)

    def health(wanted: str) -> bool:
        box.reload()
        return bool(box.attrs["State"]["Health"]["Status"] == wanted)

    assert health("starting")
    until(lambda: health("unhealthy"))
    box.exec_run("touch /well")
    until(lambda: health("healthy"))
    assert box.attrs["State"]["Health"]["Log"][-1]["ExitCode"] == 0


def test_what_is_in_the_way_is_refused(client: Any) -> None:
    box = client.containers.run("busybox", FOREVER, detach=True, name="taken")
    for wrong, status, words in (
        (lambda: client.containers.create("busybox", "true", name="taken"), 409, "is already in use by container"),
        (box.remove, 409, "You cannot remove a running container"),
        (box.unpause, 500, "is not paused"),
        (lambda: client.containers.get("nobody"), 404, "No such container: nobody"),
        (lambda: client.containers.create("busybox", "true", name="a b"), 400, "Invalid container name"),
        (lambda: client.containers.create("busybox", "true", mem_limit=1), 400, "Minimum memory limit allowed"),
        (lambda: box.rename(""), 400, "Neither old nor new names may be empty"),
    ):
        with pytest.raises(docker.errors.APIError) as refused:
            wrong()
        assert refused.value.status_code == status and words in refused.value.explanation


def test_pruning_removes_what_has_stopped(client: Any) -> None:
    old = client.containers.run("busybox", "true", detach=True, labels={"old": "1"})
    kept = client.containers.run("busybox", "true", detach=True)
    old.wait(), kept.wait()
    assert client.containers.prune(filters={"label": "old"})["ContainersDeleted"] == [old.id]
    assert client.containers.prune()["ContainersDeleted"] == [kept.id]


def test_linked_containers_know_each_other(client: Any) -> None:
    client.containers.run("busybox", FOREVER, detach=True, name="db", environment={"FOO": "1"})
    said = client.containers.run("busybox", "env", links={"db": "store"}, remove=True).decode()
    assert "STORE_ENV_FOO=1" in said and "STORE_NAME=" in said
