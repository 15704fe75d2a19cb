"""What goes between docker-py and a container, on both backends: execs, attachments, logs, archives, stats, changes."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.server.clients.conftest import until
from tests.server.rich_world import tarred

docker = pytest.importorskip("docker")
FOREVER = ["sh", "-c", "echo up; while :; do sleep 0.1; done"]


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


@pytest.fixture
def box(client: Any) -> Any:
    found = client.containers.run("busybox", FOREVER, detach=True, name="box")
    until(lambda: found.logs() == b"up\n")
    return found


def refusal(call: Any, *arguments: Any, **asked: Any) -> tuple[int, str]:
    with pytest.raises(docker.errors.APIError) as refused:
        call(*arguments, **asked)
    return refused.value.status_code, refused.value.explanation


def unpacked(bits: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(bits)))


# -- execs ------------------------------------------------------------------------------------------


def test_the_start_says_whether_an_execs_stream_is_framed(client: Any, box: Any) -> None:
    both = ["sh", "-c", "echo out; echo err >&2"]
    made = client.api.exec_create(box.id, both, tty=True)
    assert client.api.exec_start(made) == b"out\r\nerr\r\n"
    made = client.api.exec_create(box.id, both, tty=True)
    assert client.api.exec_start(made, demux=True) == (b"out\r\nerr\r\n", None)
    made = client.api.exec_create(box.id, both)
    assert client.api.exec_start(made, tty=True) == b"out\n"
    made = client.api.exec_create(box.id, both, stdout=False)
    assert client.api.exec_start(made, demux=True) == (None, b"err\n")


def test_an_exec_is_shown_by_its_container_and_in_events(client: Any, box: Any) -> None:
    made = client.api.exec_create(box.id, ["sleep", "1000"], user="nobody", privileged=False, environment={"A": "b"})
    assert client.api.exec_start(made, detach=True) in ("", b"")
    until(lambda: client.api.exec_inspect(made)["Pid"] > 0)
    shown = client.api.exec_inspect(made)
    assert shown["Running"] and shown["ExitCode"] is None and shown["ID"] == made["Id"]
    process = shown["ProcessConfig"]
    assert (process["entrypoint"], process["arguments"], process["user"]) == ("sleep", ["1000"], "nobody")
    assert not process["tty"] and not process["privileged"] and not shown["OpenStdin"] and shown["OpenStdout"]
    box.reload()
    assert box.attrs["ExecIDs"] == [made["Id"]]
    assert len(box.top()["Processes"]) >= 2
    told = client.events(since=0, decode=True, filters={"container": box.id})
    actions = []
    for event in told:
        actions.append(event["Action"])
        if event["Action"].startswith("exec_start"):
            break
    told.close()
    assert actions[-2:] == ["exec_create: sleep 1000", "exec_start: sleep 1000"]
    box.kill()
    until(lambda: refusal_or_code(client, made) is not None)


def refusal_or_code(client: Any, made: Any) -> Any:
    """An exec's code at last, or that it went with its container's run."""
    try:
        return client.api.exec_inspect(made)["ExitCode"]
    except docker.errors.NotFound:
        return "gone"


def test_execs_that_cannot_start_say_why(client: Any, box: Any) -> None:
    assert refusal(client.api.exec_create, box.id, [])[0] == 400
    assert refusal(client.api.exec_create, "nobody", "true")[0] == 404
    assert refusal(client.api.exec_inspect, "nobody")[0] == 404
    assert box.exec_run("true", workdir="/not/there")[0] in (126, 127, 0)
    code, said = box.exec_run(["sh", "-c", "exit 300"])
    assert (code, said) == (300 & 255, b"")
    code, said = box.exec_run("true", user="strangers")
    assert code == 126
    code, said = box.exec_run("/etc/passwd")
    assert code == 126 and b"permission denied" in said
    code, said = box.exec_run(["sh", "-c", "kill -9 $$"])
    assert code == 137


def test_standard_input_of_an_exec_is_a_socket_that_can_be_half_closed(client: Any, box: Any) -> None:
    made = client.api.exec_create(box.id, ["sh", "-c", "wc -c; echo done >&2"], stdin=True)
    socket = client.api.exec_start(made, socket=True)
    raw = getattr(socket, "_sock", socket)
    raw.settimeout(30)
    for _ in range(50):
        raw.sendall(b"x" * 20_000)
    raw.shutdown(1)
    data = b""
    while more := raw.recv(4096):
        data += more
    assert b"1000000\n" in data and b"done\n" in data
    socket.close()
    until(lambda: client.api.exec_inspect(made)["ExitCode"] == 0)


def test_many_execs_run_at_once(client: Any, box: Any) -> None:
    said: dict[int, Any] = {}

    def run(number: int) -> None:
        said[number] = box.exec_run(f"echo {number}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert said == {number: (0, f"{number}\n".encode()) for number in range(8)}


def test_much_output_arrives_whole(client: Any, box: Any) -> None:
    code, said = box.exec_run(["sh", "-c", "yes 0123456789 | head -n 100000"])
    assert code == 0 and len(said) == 1_100_000
    _, stream = box.exec_run(["sh", "-c", "yes 0123456789 | head -n 100000"], stream=True)
    assert sum(map(len, stream)) == 1_100_000


# -- attachments and logs ---------------------------------------------------------------------------


def test_an_attached_client_hears_until_the_end(client: Any) -> None:
    made = client.containers.create("busybox", ["sh", "-c", "echo out; echo err >&2; sleep 0.2; echo last"])
    heard = client.api.attach(made.id, stream=True, demux=True)
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.extend(heard))
    thread.start()
    time.sleep(0.2)
    made.start()
    thread.join(30)
    out = b"".join(part[0] or b"" for part in got)
    assert out == b"out\nlast\n" and b"".join(part[1] or b"" for part in got) == b"err\n"


def test_run_with_a_terminal_and_input(client: Any) -> None:
    made = client.containers.create("busybox", "sh", stdin_open=True, tty=True)
    socket = made.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    raw = getattr(socket, "_sock", socket)
    raw.settimeout(30)
    made.start()
    raw.sendall(b"echo $((6*7)) && exit 5\n")
    data = b""
    while more := raw.recv(4096):
        data += more
    socket.close()
    assert b"42\r\n" in data and made.wait()["StatusCode"] == 5
    assert b"42\r\n" in made.logs()


def test_closing_standard_input_ends_what_reads_it(client: Any) -> None:
    made = client.containers.create("busybox", "cat", stdin_open=True)
    socket = made.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    raw = getattr(socket, "_sock", socket)
    raw.settimeout(30)
    made.start()
    raw.sendall(b"through\n")
    raw.shutdown(1)
    data = b""
    while more := raw.recv(4096):
        data += more
    assert data[8:] == b"through\n" and made.wait()["StatusCode"] == 0
    socket.close()


def test_logs_are_cut_by_time(client: Any) -> None:
    box = client.containers.run("busybox", ["sh", "-c", "echo early; sleep 2.2; echo late"], detach=True)
    box.wait()
    stamped = [line.split(b" ", 1) for line in box.logs(timestamps=True).splitlines()]
    early = datetime.fromisoformat(stamped[0][0].decode()[:19]).replace(tzinfo=UTC)
    assert [text for _, text in stamped] == [b"early", b"late"]
    middle = early + timedelta(seconds=1)
    assert box.logs(since=middle.replace(tzinfo=None)) == b"late\n"
    assert box.logs(until=middle.replace(tzinfo=None)) == b"early\n"
    assert box.logs(since=int(middle.timestamp()), until=int(middle.timestamp()) + 60) == b"late\n"
    assert box.logs(since=middle.timestamp() + 0.5) == b"late\n"
    assert box.logs(tail="all") == b"early\nlate\n" and box.logs(tail=1) == b"late\n"
    with pytest.raises(docker.errors.APIError):
        box.logs(stdout=False, stderr=False)


def test_followed_logs_end_with_the_container_and_start_where_asked(client: Any) -> None:
    script = "for i in 1 2 3 4 5; do echo $i; sleep 0.2; done"
    box = client.containers.run("busybox", ["sh", "-c", script], detach=True)
    assert b"".join(box.logs(stream=True)) == b"1\n2\n3\n4\n5\n"
    assert b"".join(box.logs(stream=True, follow=False, tail=2)) == b"4\n5\n"
    box.start()
    assert b"".join(box.logs(stream=True, follow=True, tail=0)).endswith(b"5\n")
    assert box.logs().count(b"3\n") == 2


def test_a_line_without_an_end_and_a_long_one_are_logged(client: Any) -> None:
    box = client.containers.run("busybox", ["sh", "-c", "printf %s end"], detach=True)
    box.wait()
    assert box.logs() == b"end"
    box = client.containers.run("busybox", ["sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo"], detach=True)
    box.wait()
    assert box.logs() == b"x" * 40_000 + b"\n"


def test_logs_of_a_terminal_are_not_framed(client: Any) -> None:
    box = client.containers.run("busybox", ["sh", "-c", "echo out; echo err >&2"], tty=True, detach=True)
    box.wait()
    assert box.logs() == b"out\r\nerr\r\n" == box.logs(stdout=True, stderr=True)


# -- archives ---------------------------------------------------------------------------------------


def test_an_archive_tells_what_the_path_is(client: Any, box: Any) -> None:
    box.exec_run(
        ["sh", "-c", "mkdir -p /d/e && echo text > /d/f && chmod 640 /d/f && ln -s f /d/l && ln -s nowhere /d/n"]
    )
    bits, stat = box.get_archive("/d/f")
    assert (stat["name"], stat["size"], stat["mode"] & 0o777, stat["linkTarget"]) == ("f", 5, 0o640, "")
    assert stat["mtime"].startswith("20")
    with unpacked(bits) as tar:
        assert [(member.name, member.mode & 0o7777, member.size) for member in tar] == [("f", 0o640, 5)]
    for path in ("/d", "/d/", "d"):
        bits, stat = box.get_archive(path)
        with unpacked(bits) as tar:
            assert sorted(tar.getnames()) == ["d", "d/e", "d/f", "d/l", "d/n"]
            assert tar.getmember("d/l").linkname == "f" and tar.getmember("d").isdir()
        assert stat["mode"] >> 31 == 1 and stat["name"] == "d"
    bits, stat = box.get_archive("/d/.")
    with unpacked(bits) as tar:
        assert {name.strip("./") for name in tar.getnames()} - {""} == {"e", "f", "l", "n"}
    bits, stat = box.get_archive("/d/l")
    assert stat["linkTarget"] == "/d/f" and stat["mode"] >> 27 & 1
    with unpacked(bits) as tar:
        assert tar.getmember("l").issym()
    assert refusal(box.get_archive, "/d/f/")[0] in (400, 404, 500) and refusal(box.get_archive, "/d/none")[0] == 404
    assert refusal(box.get_archive, "")[0] == 400


def test_an_archive_is_unpacked_where_asked(client: Any, box: Any) -> None:
    box.exec_run("mkdir /in")
    member = tarfile.TarInfo("owned")
    member.size, member.mode, member.uid, member.gid, member.mtime = 3, 0o604, 7, 8, 1_000_000_000
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        tar.addfile(member, io.BytesIO(b"abc"))
    assert box.put_archive("/in", held.getvalue())
    assert box.exec_run("stat -c '%a %u %g %s %Y' /in/owned").output == b"604 7 8 3 1000000000\n"
    assert box.put_archive("/in/", tarred({"sub/x": "y"})) and box.exec_run("cat /in/sub/x").output == b"y"
    status, words = refusal(box.put_archive, "/in/owned", tarred({"x": ""}))
    assert status in (400, 500) and ("not a directory" in words or "extraction point is not a directory" in words)
    assert refusal(box.put_archive, "/in/none", tarred({"x": ""}))[0] == 404
    assert refusal(box.put_archive, "/in", b"this is no archive" * 100)[0] in (400, 500)
    assert refusal(client.api.put_archive, "nobody", "/in", tarred({"x": ""}))[0] == 404
    stopped = client.containers.create("busybox", "cat /etc/put")
    assert stopped.put_archive("/etc", tarred({"put": "before it ran"}))
    stopped.start()
    stopped.wait()
    assert stopped.logs() == b"before it ran"
    ro = client.containers.create("busybox", "true", read_only=True)
    status, words = refusal(ro.put_archive, "/etc", tarred({"x": ""}))
    assert status in (400, 403, 500) and "read-only" in words


def test_a_volume_is_read_and_written_through_an_archive(client: Any) -> None:
    made = client.containers.create("busybox", "cat /v/a", volumes={"data": {"bind": "/v", "mode": "rw"}})
    assert made.put_archive("/v", tarred({"a": "in a volume"}))
    made.start()
    made.wait()
    assert made.logs() == b"in a volume"
    other = client.containers.create("busybox", "true", volumes=["data:/w:ro"])
    bits, _ = other.get_archive("/w/a")
    with unpacked(bits) as tar:
        found = tar.extractfile("a")
        assert found is not None and found.read() == b"in a volume"


def test_an_export_holds_the_files_but_no_volumes(client: Any) -> None:
    box = client.containers.run(
        "busybox", ["sh", "-c", "echo a > /made; echo b > /v/made"], detach=True, volumes=["vol:/v"]
    )
    box.wait()
    with unpacked(box.export()) as tar:
        names = set(tar.getnames())
    assert "made" in names and "v/made" not in names and "bin/sh" in names
    with pytest.raises(docker.errors.NotFound):
        b"".join(client.api.export("nobody"))


def test_changes_are_listed_by_kind(client: Any) -> None:
    box = client.containers.run(
        "busybox", ["sh", "-c", "mkdir /new; touch /new/a; rm /etc/group; echo x >> /etc/passwd"], detach=True
    )
    box.wait()
    found = {(change["Path"], change["Kind"]) for change in box.diff()}
    assert {("/new", 1), ("/new/a", 1), ("/etc", 0), ("/etc/group", 2), ("/etc/passwd", 0)} <= found
    assert client.containers.create("busybox", "true").diff() is None
    assert refusal(client.api.diff, "nobody")[0] == 404


def test_a_commit_changes_the_configuration(client: Any) -> None:
    box = client.containers.run("busybox", ["touch", "/x"], detach=True, environment={"A": "1"}, labels={"l": "1"})
    box.wait()
    image = box.commit(
        "made", "1", message="said", author="Ann <ann@example.com>", pause=True,
        changes=["ENV B=2", 'CMD ["ls", "/x"]', "LABEL m=2", "WORKDIR /tmp", "EXPOSE 99", "USER nobody", "VOLUME /v"],
    )  # fmt: skip
    config = image.attrs["Config"]
    assert {"A=1", "B=2"} <= set(config["Env"]) and config["Labels"] == {"l": "1", "m": "2"}
    assert config["Cmd"] == ["ls", "/x"] and config["WorkingDir"] == "/tmp" and config["User"] == "nobody"
    assert config["ExposedPorts"] == {"99/tcp": {}} and config["Volumes"] == {"/v": {}}
    assert client.containers.run("made:1", remove=True) == b"/x\n"
    assert image.history()[0]["Comment"] == "said"
    nameless = box.commit()
    assert nameless.tags == [] and nameless.id.startswith("sha256:")
    status, words = refusal(box.commit, "made", changes=["NONSENSE x"])
    assert status in (400, 500) and "NONSENSE" in words.upper()
    status, words = refusal(box.commit, "made", changes=["RUN true"])
    assert status in (400, 500) and "run is not a valid change command" in words.lower()
    assert refusal(client.api.commit, "nobody")[0] == 404
    status, words = refusal(box.commit, "BAD NAME")
    assert status in (400, 500) and "invalid reference format" in words


def test_stats_and_top_of_what_runs_and_does_not(client: Any, box: Any) -> None:
    once = box.stats(stream=False)
    assert once["name"] == "/box" and once["id"] == box.id and once["num_procs"] == 0
    assert once["precpu_stats"]["cpu_usage"]["total_usage"] <= once["cpu_stats"]["cpu_usage"]["total_usage"]
    assert once["cpu_stats"]["online_cpus"] >= 1 and once["memory_stats"]["limit"] > 0
    first = next(box.stats(stream=True))
    assert b'"read"' in first if isinstance(first, bytes) else True
    assert client.api.stats(box.id, stream=False, one_shot=True)["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    titles = box.top(ps_args="-o pid,cmd")["Titles"]
    assert titles[0] == "PID"
    status, words = refusal(box.top, ps_args="-o nonsense")
    assert status == 500 and "ps" in words.lower()
    box.kill()
    box.wait()
    status, words = refusal(box.top)
    assert status in (409, 500) and "is not running" in words
    stopped = box.stats(stream=False)
    assert stopped["pids_stats"] == {} and stopped["memory_stats"] == {}
    assert refusal(client.api.stats, "nobody", stream=False)[0] == 404
