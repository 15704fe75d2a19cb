"""docker-py's `HostConfig`: what is asked of the host is shown by inspect and met by the program, on both backends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.clients.conftest import until

docker = pytest.importorskip("docker")


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


def said(client: Any, command: str, **asked: Any) -> str:
    return str(client.containers.run("busybox", ["sh", "-c", command], remove=True, **asked).decode())


def refusal(call: Any, *arguments: Any, **asked: Any) -> tuple[int, str]:
    with pytest.raises(docker.errors.APIError) as refused:
        call(*arguments, **asked)
    return refused.value.status_code, refused.value.explanation


# -- mounts -----------------------------------------------------------------------------------------


def test_a_tmpfs_mount_has_its_size_and_mode(client: Any) -> None:
    mount = docker.types.Mount("/scratch", None, type="tmpfs", tmpfs_size="2m", tmpfs_mode=0o1770)
    box = client.containers.create("busybox", ["sh", "-c", "grep /scratch /proc/mounts"], mounts=[mount])
    (asked,) = box.attrs["HostConfig"]["Mounts"]
    assert asked["Type"] == "tmpfs" and asked["Target"] == "/scratch"
    assert asked["TmpfsOptions"] == {"SizeBytes": 2 << 20, "Mode": 0o1770}
    box.start()
    box.wait()
    assert "size=2048k" in box.logs().decode() and "mode=1770" in box.logs().decode()
    box.reload()
    (shown,) = box.attrs["Mounts"]
    assert (shown["Type"], shown["Destination"], shown["RW"]) == ("tmpfs", "/scratch", True)


def test_a_mount_without_a_source_is_a_nameless_volume_with_its_labels(client: Any) -> None:
    mount = docker.types.Mount("/data", None, type="volume", labels={"a": "b"}, no_copy=True)
    box = client.containers.create("busybox", "true", mounts=[mount])
    (shown,) = box.attrs["Mounts"]
    assert shown["Type"] == "volume" and len(shown["Name"]) == 64 and shown["Driver"] == "local"
    assert client.volumes.get(shown["Name"]).attrs["Labels"] == {"a": "b"}


def test_a_bind_mount_of_nothing_is_refused_and_a_bind_makes_its_directory(client: Any, tmp_path: Any) -> None:
    where = str(tmp_path / "nowhere")
    mount = docker.types.Mount("/data", where, type="bind")
    status, words = refusal(client.containers.create, "busybox", "true", mounts=[mount])
    assert status == 400 and "bind source path does not exist" in words
    status, words = refusal(client.containers.create, "busybox", "true", volumes={"a/b": {"bind": "/x"}})
    assert status == 400 and "includes invalid characters for a local volume name" in words
    twice = [docker.types.Mount("/x", "one"), docker.types.Mount("/x", "two")]
    status, words = refusal(client.containers.create, "busybox", "true", mounts=twice)
    assert status == 400 and "Duplicate mount point: /x" in words


def test_what_an_image_has_there_is_copied_into_a_new_volume(client: Any) -> None:
    assert "passwd" in said(client, "ls /etc", volumes={"copied": {"bind": "/etc", "mode": "rw"}})
    assert "passwd" in said(client, "ls /v", volumes={"copied": {"bind": "/v", "mode": "ro"}})
    assert said(client, "ls /etc | grep -c passwd; true", volumes=["bare:/etc:nocopy"]).strip() in ("0", "0\n")


def test_volumes_from_may_be_read_only(client: Any) -> None:
    giver = client.containers.create("busybox", "true", volumes={"shared": {"bind": "/s", "mode": "rw"}}, name="giver")
    assert said(client, "touch /s/a && ls /s", volumes_from=["giver"]) == "a\n"
    assert "Read-only" in said(client, "touch /s/b 2>&1; true", volumes_from=[f"{giver.id}:ro"])
    status, words = refusal(client.containers.create, "busybox", "true", volumes_from=["nobody"])
    assert status == 400 and "No such container: nobody" in words


# -- ports ------------------------------------------------------------------------------------------


def test_all_exposed_ports_are_published_somewhere(client: Any) -> None:
    box = client.containers.create("busybox", "sleep 1000", publish_all_ports=True, ports={"80": None, "53/udp": None})
    assert set(box.attrs["Config"]["ExposedPorts"]) == {"80/tcp", "53/udp"}
    assert box.ports == {}
    box.start()
    box.reload()
    numbers = [int(bound["HostPort"]) for bindings in box.ports.values() for bound in bindings]
    assert set(box.ports) == {"80/tcp", "53/udp"} and all(number >= 1024 for number in numbers)
    before = box.ports
    box.stop(timeout=0)
    box.reload()
    assert box.ports == {} and before


def test_an_exposed_port_is_shown_without_a_binding(client: Any) -> None:
    made = client.api.create_container("busybox", "sleep 1000", ports=[80, (53, "udp")])
    client.api.start(made)
    assert client.api.inspect_container(made)["NetworkSettings"]["Ports"] == {"80/tcp": None, "53/udp": None}
    (listed,) = client.api.containers()
    assert sorted((port["PrivatePort"], port["Type"]) for port in listed["Ports"]) == [(53, "udp"), (80, "tcp")]
    assert client.api.port(made, 80) is None and client.api.port(made, 81) is None


def test_a_port_is_one_of_a_list_or_is_refused(client: Any) -> None:
    box = client.containers.run("busybox", "sleep 1000", detach=True, ports={"80/tcp": 18090, "81/tcp": [18091, 18092]})
    status, words = refusal(client.containers.run, "busybox", "true", ports={"80/tcp": 18091}, name="loser")
    assert status == 500 and "port is already allocated" in words and "driver failed programming" in words
    loser = client.containers.get("loser")
    assert loser.status == "created" and loser.attrs["State"]["ExitCode"] == 128
    assert "port is already allocated" in loser.attrs["State"]["Error"]
    box.remove(force=True)
    loser.start()


def test_a_published_port_answers_on_the_host(client: Any, engine: str, request: Any) -> None:
    serve = ["sh", "-c", "echo hello > /tmp/index.html; httpd -f -p 80 -h /tmp"]
    box = client.containers.run("busybox", serve, detach=True, ports={"80/tcp": None}, name="web")
    box.reload()
    port = box.ports["80/tcp"][0]["HostPort"]
    asked = f"for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://localhost:{port}/ && break; sleep 0.2; done"
    assert said(client, asked, network_mode="host") == "hello\n"
    assert said(client, "wget -q -O - http://localhost/", network_mode="container:web") == "hello\n"


# -- namespaces, limits, capabilities ---------------------------------------------------------------


def test_namespaces_are_shared_as_asked(client: Any) -> None:
    box = client.containers.run("busybox", "sleep 1000", detach=True, name="owner", ipc_mode="shareable")
    assert said(client, "ps | grep -c '[s]leep 1000'", pid_mode="container:owner").strip() == "1"
    other = client.containers.create("busybox", "true", ipc_mode="container:owner", uts_mode="host")
    host = other.attrs["HostConfig"]
    assert (host["IpcMode"], host["UTSMode"]) == (f"container:{box.id}", "host")
    status, words = refusal(client.containers.create, "busybox", "true", hostname="x", uts_mode="host")
    assert status == 400 and "conflicting options: hostname and the UTS mode" in words


def test_capabilities_are_added_and_dropped(client: Any) -> None:
    def effective(**asked: Any) -> int:
        return int(said(client, "grep CapEff /proc/self/status", **asked).split()[1], 16)

    usual = effective()
    assert usual == 0xA80425FB
    assert effective(cap_add=["NET_ADMIN"]) == usual | 1 << 12
    assert effective(cap_add=["CAP_SYS_TIME"], cap_drop=["MKNOD"]) == (usual | 1 << 25) & ~(1 << 27)
    assert effective(cap_drop=["ALL"]) == 0
    status, words = refusal(client.containers.create, "busybox", "true", cap_add=["NOTHING"])
    assert status == 400 and "invalid CapAdd: unknown capability" in words


def test_limits_arrive_and_are_shown(client: Any) -> None:
    box = client.containers.create(
        "busybox", "true", mem_limit="64m", mem_reservation="32m", memswap_limit=-1, mem_swappiness=10,
        cpu_period=100_000, cpu_quota=50_000, cpuset_cpus="0", cpu_shares=2, pids_limit=20, oom_score_adj=100,
        oom_kill_disable=False, blkio_weight=None, shm_size="3m", kernel_memory=None,
    )  # fmt: skip
    host = box.attrs["HostConfig"]
    assert (host["Memory"], host["MemoryReservation"], host["MemorySwap"]) == (64 << 20, 32 << 20, -1)
    assert (host["CpuPeriod"], host["CpuQuota"], host["CpusetCpus"], host["CpuShares"]) == (100_000, 50_000, "0", 2)
    assert (host["PidsLimit"], host["OomScoreAdj"], host["ShmSize"]) == (20, 100, 3 << 20)
    assert said(client, "cat /proc/self/oom_score_adj", oom_score_adj=100).strip() == "100"
    assert "size=3072k" in said(client, "grep /dev/shm /proc/mounts", shm_size="3m")
    for asked, words in (
        ({"mem_limit": "64m", "memswap_limit": "32m"}, "Minimum memoryswap limit should be larger than memory limit"),
        ({"mem_limit": "4m"}, "Minimum memory limit allowed is 6MB"),
        ({"memswap_limit": "64m"}, "You should always set the Memory limit when using Memoryswap limit"),
        ({"cpu_period": 10}, "CPU cfs period can not be less than 1ms"),
        ({"cpuset_cpus": "nine"}, "Invalid value nine for cpuset cpus"),
        ({"nano_cpus": 10**15}, "Range of CPUs is from 0.01 to"),
        ({"nano_cpus": 10**9, "cpu_period": 100_000}, "Nano CPUs and CPU Period cannot both be set"),
        ({"oom_score_adj": 5000}, "Invalid value 5000, range for oom score adj is [-1000, 1000]"),
    ):
        status, told = refusal(client.containers.create, "busybox", "true", **asked)
        assert status == 400 and words in told, (asked, status, told)


def test_kernel_settings_devices_and_ulimits_reach_the_program(client: Any) -> None:
    assert said(client, "cat /proc/sys/net/ipv4/ip_default_ttl", sysctls={"net.ipv4.ip_default_ttl": "77"}) == "77\n"
    limits = [docker.types.Ulimit(name="nofile", soft=100, hard=200), docker.types.Ulimit(name="core", soft=0, hard=0)]
    assert said(client, "ulimit -Sn; ulimit -Hn; ulimit -c", ulimits=limits) == "100\n200\n0\n"
    device = said(client, "ls -l /dev/mine | cut -c1; dd if=/dev/mine bs=4 count=1 2>/dev/null | wc -c",
                  devices=["/dev/zero:/dev/mine:r"])  # fmt: skip
    assert device.split() == ["c", "4"]
    box = client.containers.create("busybox", "true", devices=["/dev/null:/dev/nil"], device_cgroup_rules=["c 7:* rmw"])
    assert box.attrs["HostConfig"]["Devices"] == [
        {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nil", "CgroupPermissions": "rwm"}
    ]
    assert box.attrs["HostConfig"]["DeviceCgroupRules"] == ["c 7:* rmw"]
    status, words = refusal(client.containers.run, "busybox", "true", device_cgroup_rules=["nonsense"])
    assert status in (400, 500) and "invalid device cgroup rule format" in words
    status, words = refusal(client.containers.run, "busybox", "true", devices=["/dev/nothing"])
    assert status == 500 and "/dev/nothing" in words


def test_init_is_the_first_process(client: Any) -> None:
    assert "init" in said(client, "cat /proc/1/cmdline", init=True)
    assert "init" not in said(client, "cat /proc/1/cmdline", init=False)


def test_names_are_resolved_as_told(client: Any) -> None:
    resolv = said(client, "cat /etc/resolv.conf", dns=["192.0.2.1"], dns_search=["lab.test"], dns_opt=["ndots:3"])
    assert "nameserver 192.0.2.1" in resolv and "search lab.test" in resolv and "options ndots:3" in resolv
    hosts = said(client, "cat /etc/hosts; hostname -f", hostname="here", domainname="lab.test",
                 extra_hosts={"a": "192.0.2.7", "b": "192.0.2.8"})  # fmt: skip
    assert "192.0.2.7\ta" in hosts and "192.0.2.8\tb" in hosts and "here.lab.test" in hosts
    status, words = refusal(client.containers.create, "busybox", "true", extra_hosts=["nonsense"])
    assert status == 400 and "bad format for add-host" in words


def test_a_mac_address_is_taken(client: Any) -> None:
    found = said(client, "cat /sys/class/net/eth0/address", mac_address="02:42:ac:11:65:43")
    assert found == "02:42:ac:11:65:43\n"
    box = client.containers.create("busybox", "true", mac_address="02:42:ac:11:65:43")
    assert box.attrs["Config"]["MacAddress"] == "02:42:ac:11:65:43"
    client.networks.create("lab")
    client.api.connect_container_to_network(box.id, "lab", mac_address="02:42:ac:11:00:99")
    box.reload()
    assert box.attrs["NetworkSettings"]["Networks"]["lab"]["MacAddress"] == "02:42:ac:11:00:99"


def test_security_options_are_kept_or_refused(client: Any, request: Any) -> None:
    assert said(client, "grep NoNewPrivs /proc/self/status", security_opt=["no-new-privileges:true"]).split()[1] == "1"
    assert said(client, "grep Seccomp: /proc/self/status", security_opt=["seccomp=unconfined"]).split()[1] == "0"
    assert said(client, "grep Seccomp: /proc/self/status").split()[1] == "2"
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "args": [], "includes": {}, "excludes": {}}
    machines = [{"architecture": "SCMP_ARCH_X86_64"}]
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "archMap": machines, "syscalls": [rule]}
    box = client.containers.run("busybox", "mkdir /x", detach=True, security_opt=[f"seccomp={json.dumps(profile)}"])
    assert box.wait()["StatusCode"] == (0 if "[sim]" in request.node.name else 1)  # whose kernel has no seccomp
    status, words = refusal(client.containers.run, "busybox", "true", security_opt=["seccomp=nonsense"])
    assert status == 500 and "Decoding seccomp profile failed: invalid character 'o' in literal null" in words
    status, words = refusal(client.containers.create, "busybox", "true", security_opt=["nonsense"])
    assert status == 500 and 'invalid --security-opt 1: "nonsense"' in words


def test_users_are_found_by_name_and_number(client: Any) -> None:
    assert said(client, "id -un", user="nobody").strip() == "nobody"
    assert said(client, "id -u; id -g", user="12:34").split() == ["12", "34"]
    status, words = refusal(client.containers.run, "busybox", "true", user="strangers")
    assert status in (400, 500) and "unable to find user strangers: no matching entries in passwd file" in words
    assert said(client, "touch /tmp/ok && pwd", working_dir="/made/here") == "/made/here\n"


# -- lives ------------------------------------------------------------------------------------------


def test_the_stop_signal_and_its_patience_are_the_containers_own(client: Any) -> None:
    script = ["sh", "-c", "trap 'echo usr1; exit 3' USR1; echo up; while :; do sleep 0.1; done"]
    box = client.containers.create("busybox", script, stop_signal="SIGUSR1", detach=True)
    made = client.api.create_container("busybox", "sleep 1000", stop_timeout=1)
    assert client.api.inspect_container(made)["Config"]["StopTimeout"] == 1
    box.start()
    until(lambda: box.logs() == b"up\n")
    box.stop()
    assert box.wait()["StatusCode"] == 3 and box.logs() == b"up\nusr1\n"
    client.api.start(made)
    begun = time.monotonic()
    client.api.stop(made)
    assert time.monotonic() - begun < 8
    assert client.api.wait(made)["StatusCode"] == 137


def test_starting_and_stopping_twice_is_no_error(client: Any) -> None:
    box = client.containers.run("busybox", "sleep 1000", detach=True)
    box.start()
    box.stop(timeout=0)
    box.stop(timeout=0)
    box.restart(timeout=0)
    box.reload()
    assert box.status == "running"
    box.pause()
    assert refusal(box.pause)[0] == 409
    status, words = refusal(box.start)
    assert "cannot start a paused container" in words
    status, words = refusal(box.remove)
    assert status == 409 and "paused" in words
    box.unpause()
    status, words = refusal(box.kill, "NOTHING")
    assert status in (400, 500) and "invalid signal: nothing" in words.lower()


def test_waiting_has_conditions(client: Any) -> None:
    box = client.containers.create("busybox", "true")
    assert client.api.wait(box.id, condition="not-running")["StatusCode"] == 0
    box.start()
    assert box.wait(condition="not-running")["StatusCode"] == 0
    gone = client.containers.run("busybox", "sh -c 'sleep 0.5; exit 3'", detach=True, auto_remove=True)
    assert gone.wait(condition="removed")["StatusCode"] == 3
    assert refusal(client.containers.get, gone.id)[0] == 404


def test_restart_policies_are_checked(client: Any) -> None:
    for policy, words in (
        ({"Name": "nonsense"}, "nonsense"),
        ({"Name": "always", "MaximumRetryCount": 3}, "maximum retry count"),
    ):
        status, told = refusal(client.containers.create, "busybox", "true", restart_policy=policy)
        assert status == 400 and words in told
    status, told = refusal(
        client.containers.create, "busybox", "true", restart_policy={"Name": "always"}, auto_remove=True
    )
    assert status == 400 and "an't create 'AutoRemove' container with restart policy" in told
    box = client.containers.run("busybox", "sleep 1000", detach=True, restart_policy={"Name": "always"})
    box.stop(timeout=0)
    time.sleep(0.3)
    box.reload()
    assert box.status == "exited" and box.attrs["RestartCount"] == 0


def test_lists_are_filtered_by_everything(client: Any) -> None:
    client.volumes.create("vol")
    network = client.networks.create("net")
    box = client.containers.run("busybox", "sleep 1000", detach=True, name="one", network="net",
                                volumes=["vol:/v"], ports={"80/tcp": 18099}, labels={"a": "", "b": "c"},
                                healthcheck={"test": ["NONE"]})  # fmt: skip
    ended = client.containers.run("alpine", "sh -c 'exit 9'", detach=True, name="two")
    ended.wait()
    made = client.containers.create("busybox", "true", name="three")

    def listed(**filters: Any) -> list[str]:
        return [found.name for found in client.containers.list(all=True, filters=filters)]

    assert listed() == ["three", "two", "one"]
    assert listed(volume="vol") == listed(volume="/v") == listed(network="net") == listed(network=network.id) == ["one"]
    assert listed(publish="18099") == ["one"] and listed(publish="80") == []
    assert listed(expose="80") == ["one"] and listed(expose="81") == []
    assert listed(label=["a", "b=c"]) == listed(label="a") == ["one"] and listed(label=["a", "x"]) == []
    assert listed(status="exited") == listed(exited="9") == listed(ancestor="alpine") == ["two"]
    assert listed(status=["created", "running"]) == ["three", "one"]
    assert listed(health="none") == ["three", "two", "one"]
    assert listed(before="three") == ["two", "one"] and listed(since=box.id) == ["three", "two"]
    assert listed(name="^/t") == ["three", "two"] and listed(id=made.short_id) == ["three"]
    assert listed(**{"is-task": "false"}) == ["three", "two", "one"]
    assert [found["Names"] for found in client.api.containers(latest=True)] == [["/three"]]
    assert client.api.containers(quiet=True) == [{"Id": box.id}]
    (sized,) = client.api.containers(size=True)
    assert sized["SizeRootFs"] >= 0
    for filters in ({"nonsense": "1"}, {"status": "nonsense"}, {"health": "nonsense"}):
        assert refusal(client.api.containers, filters=filters)[0] == 400, filters
    assert refusal(client.api.containers, filters={"exited": "x"})[0] == 500
    assert refusal(client.api.containers, filters={"before": "nobody"})[0] == 500


def test_pruning_goes_by_age_and_label(client: Any) -> None:
    for name, labels in (("kept", {"keep": "1"}), ("lost", {})):
        client.containers.run("busybox", "true", detach=True, name=name, labels=labels).wait()
    assert client.containers.prune(filters={"until": "1h"})["ContainersDeleted"] is None
    assert len(client.containers.prune(filters={"label!": "keep"})["ContainersDeleted"]) == 1
    assert [found.name for found in client.containers.list(all=True)] == ["kept"]
    assert refusal(client.containers.prune, filters={"nonsense": "1"})[0] == 400


def test_an_update_is_checked(client: Any) -> None:
    box = client.containers.run("busybox", "sleep 1000", detach=True, mem_limit="64m", memswap_limit="64m")
    status, words = refusal(box.update, mem_limit="128m")
    assert status in (400, 409, 500) and "Memory limit should be smaller than already set memoryswap limit" in words
    box.update(mem_limit="128m", memswap_limit="256m", cpu_quota=20_000, cpu_period=100_000, cpuset_cpus="0")
    box.reload()
    assert (box.attrs["HostConfig"]["Memory"], box.attrs["HostConfig"]["CpuQuota"]) == (128 << 20, 20_000)
    assert refusal(client.api.update_container, "nobody", cpu_shares=2)[0] == 404
    box.rename("fresh")
    assert client.containers.get("fresh").id == box.id
    other = client.containers.create("busybox", "true", name="other")
    status, words = refusal(other.rename, "fresh")
    assert status == 409 and "is already in use by container" in words
    assert refusal(other.rename, "other")[0] in (400, 500)


def test_what_the_image_asks_for_can_be_overridden(client: Any) -> None:
    import io

    text = b'FROM busybox\nENV A=image B=image\nLABEL a=image b=image\nWORKDIR /w\nUSER 5\nENTRYPOINT ["echo"]\n'
    text += b'CMD ["cmd"]\nEXPOSE 80 90/udp\nVOLUME /vol\nSTOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s CMD true\n'
    client.images.build(fileobj=io.BytesIO(text), tag="asks:1")
    assert client.containers.run("asks:1", remove=True) == b"cmd\n"
    assert client.containers.run("asks:1", "other", remove=True) == b"other\n"
    assert client.containers.run("asks:1", "-c 'id -u; pwd'", entrypoint="sh", remove=True) == b"5\n/w\n"
    box = client.containers.create("asks:1", environment={"A": "mine"}, labels={"a": "mine"}, user="root",
                                   healthcheck={"test": ["NONE"]})  # fmt: skip
    config = box.attrs["Config"]
    assert {"A=mine", "B=image"} <= set(config["Env"]) and config["Labels"] == {"a": "mine", "b": "image"}
    assert config["User"] == "root" and config["WorkingDir"] == "/w" and config["StopSignal"] == "SIGINT"
    assert set(config["ExposedPorts"]) == {"80/tcp", "90/udp"} and set(config["Volumes"]) == {"/vol"}
    assert [mount["Destination"] for mount in box.attrs["Mounts"]] == ["/vol"]
    usual = client.containers.create("asks:1")
    assert usual.attrs["Config"]["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5 * 10**9}


def test_log_drivers_keep_or_do_not_keep(client: Any) -> None:
    logs = docker.types.LogConfig(type="json-file", config={"max-size": "1m", "max-file": "2", "labels": "a"})
    box = client.containers.run("busybox", "echo kept", detach=True, log_config=logs)
    box.wait()
    box.reload()
    assert box.logs() == b"kept\n" and box.attrs["HostConfig"]["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "1m", "max-file": "2", "labels": "a"},
    }
    assert box.attrs["LogPath"].endswith("-json.log")
    local = client.containers.run("busybox", "echo kept", detach=True, log_config={"type": "local"})
    local.wait()
    assert local.logs() == b"kept\n"
    none = client.containers.run("busybox", "echo lost", detach=True, log_config={"type": "none"})
    none.wait()
    status, words = refusal(none.logs)
    assert "configured logging driver does not support reading" in words
    status, words = refusal(
        client.containers.create, "busybox", "true", log_config={"type": "json-file", "config": {"nonsense": "1"}}
    )
    assert status == 400 and "unknown log opt 'nonsense' for json-file log driver" in words


def test_the_name_of_the_host_is_the_short_id(client: Any) -> None:
    box = client.containers.run("busybox", "hostname", detach=True)
    box.wait()
    assert box.logs().decode().strip() == box.id[:12] == box.attrs["Config"]["Hostname"]
