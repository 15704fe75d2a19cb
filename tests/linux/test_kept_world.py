"""`simdocker serve --backend linux --data-root DIR`: what clients made is there again after a restart, or a crash.

Each test serves in namespaces of its own, as a machine that has nothing else on it; what a killed one left in the
kernel is looked for there. SIMDOCKER_KILLS=50 kills the busy one fifty times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from simdocker.backends.linux.dataroot import DataRoot
from simdocker.errors import UserError
from simdocker.server.ledger import Ledger

docker = pytest.importorskip("docker")
urllib3 = pytest.importorskip("urllib3")

pytestmark = [pytest.mark.root, pytest.mark.busybox]

KILLS = int(os.environ.get("SIMDOCKER_KILLS", "5"))
PATIENCE = 60  # seconds until something that must happen is given up, however busy the machine
APART = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
MACHINE = "mount -t tmpfs t /run && mkdir /run/simdocker && ip link set lo up && echo up && exec sleep infinity"
FOREVER = "trap 'exit 0' TERM; sleep 1000 & wait"


class Machine:
    """Network, mounts and processes of a machine on which nothing runs but what a test starts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.socket = directory / "docker.sock"
        self._machine = subprocess.Popen([*APART, "sh", "-c", MACHINE], stdout=subprocess.PIPE)
        assert self._machine.stdout is not None
        assert self._machine.stdout.readline() == b"up\n"
        children = f"/proc/{self._machine.pid}/task/{self._machine.pid}/children"
        self._inside = Path(children).read_text().split()[0]

    def run(self, *argv: str) -> str:
        """What a program says there."""
        return subprocess.run([*self._within(), *argv], capture_output=True, text=True, check=True).stdout

    def _within(self) -> list[str]:
        return ["nsenter", "-t", self._inside, "--net", "--mount", "--pid"]

    def serve(self, *options: str) -> subprocess.Popen[bytes]:
        """A server on the directory; it may refuse."""
        command = [sys.executable, "-m", "simdocker", "serve", "--backend", "linux", "--socket", str(self.socket), "-q"]
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [*self._within(), *command, "--data-root", str(self.data), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return (self.directory / "log").read_text()

    def kill(self, server: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the server itself: nsenter is its parent."""
        for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        server.wait()

    @contextmanager
    def serving(self, *options: str, crash: bool = False) -> Iterator[docker.DockerClient]:
        """A client of a server that ends after it, or is killed."""
        self.socket.unlink(missing_ok=True)
        server = self.serve(*options)
        try:
            until(lambda: self.socket.exists() or server.poll() is not None)
            assert server.poll() is None, self.said
            client = docker.DockerClient(base_url=f"unix://{self.socket}", timeout=PATIENCE)
            yield client
            client.close()
        finally:
            if crash:
                self.kill(server)
            else:
                for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
                    os.kill(int(child), signal.SIGTERM)
                server.wait()
            assert "Traceback" not in self.said, self.said

    def is_clean(self) -> bool:
        """Whether nothing of any server is left but the directory."""
        assert [name for name in self.run("ls", "/run/simdocker").split() if name != "lock"] == []
        assert str(self.data) not in self.run("cat", "/proc/self/mountinfo")
        assert "simdocker" not in self.run("nft", "list", "tables")
        assert self.run("ip", "-o", "link").count("\n") == 1
        processes = [line.split() for line in self.run("ps", "-eo", "stat=,comm=").splitlines()]
        alive = [name for stat, *name in processes if not stat.startswith("Z")]  # the machine's init waits for nobody
        assert sorted(alive) == [["ps"], ["sleep"]]
        return True

    def close(self) -> None:
        self._machine.kill()
        self._machine.wait()
        assert self._machine.stdout is not None
        self._machine.stdout.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    fresh = Machine(tmp_path)
    try:
        yield fresh
    finally:
        fresh.close()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def saved(client: docker.DockerClient, image: str) -> str:
    return sha256(b"".join(client.images.get(image).save())).hexdigest()


def built(client: docker.DockerClient, directory: Path) -> tuple[Any, str]:
    """An image of a file of its own size and of what a step did, and what the builder said."""
    directory.mkdir(exist_ok=True)
    if not (directory / "big").exists():
        (directory / "big").write_bytes(random.Random(5).randbytes(50_000) + bytes(200_000))
    (directory / "Dockerfile").write_text("FROM busybox\nCOPY big /big\nRUN echo done > /made\nCMD cat /made\n")
    image, said = client.images.build(path=str(directory), tag="mine:1", rm=True)
    return image, "".join(line.get("stream", "") for line in said)


def names(client: docker.DockerClient) -> dict[str, str]:
    return {it.name: it.status for it in client.containers.list(all=True)}


def shown(client: docker.DockerClient) -> dict[str, Any]:
    """What inspect says of everything that does not run."""
    api = client.api
    return {
        "images": {image["Id"]: api.inspect_image(image["Id"]) for image in api.images(all=True)},
        "containers": {it["Id"]: api.inspect_container(it["Id"]) for it in api.containers(all=True)},
        "volumes": api.volumes()["Volumes"],
        "networks": [net for net in api.networks() if net["Name"] not in ("bridge", "host", "none")],
        "history": api.history("mine:1"),
    }


@pytest.mark.parametrize("crash", [False, True], ids=["asked to end", "killed"])
def test_everything_is_there_again(machine: Machine, tmp_path: Path, crash: bool) -> None:
    with machine.serving(crash=crash) as client:
        assert client.info()["DockerRootDir"] == str(machine.data)
        client.images.pull("busybox", tag="latest")
        built(client, tmp_path / "context")
        client.images.get("mine:1").tag("other", tag="2")
        archive = saved(client, "mine:1")
        client.volumes.create("kept", labels={"of": "ours"})
        subnet = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="10.99.0.0/24")])
        client.networks.create("chosen", ipam=subnet)
        client.networks.create("given", labels={"a": "b"})
        box = client.containers.create(
            "mine:1", ["sh", "-c", "echo out; echo err >&2; echo mine > /note; echo data > /v/file; exit 3"],
            name="box", volumes={"kept": {"bind": "/v"}}, environment=["A=b"], network="chosen", mem_limit="64m",
        )  # fmt: skip
        box.start()
        assert box.wait()["StatusCode"] == 3
        before = shown(client)
        if not crash:
            box.reload()
    with machine.serving() as client:
        assert shown(client) == before
        assert saved(client, "mine:1") == archive
        assert sorted(client.images.get("mine:1").tags) == ["mine:1", "other:2"]
        box = client.containers.get("box")
        assert box.logs(stderr=False) == b"out\n"
        assert box.logs(stdout=False) == b"err\n"
        with_volume = {"kept": {"bind": "/v"}}
        assert client.containers.run("busybox", "cat /v/file", remove=True, volumes=with_volume) == b"data\n"
        _, said = built(client, tmp_path / "context")
        assert said.count("Using cache") == 3
        assert client.containers.run("mine:1", remove=True) == b"done\n"
        box.start()
        assert box.wait()["StatusCode"] == 3
        assert box.logs(stderr=False) == b"out\nout\n"
        assert b"".join(box.get_archive("/note")[0]).count(b"mine") == 1
        taken = client.containers.create("busybox", "true", network="chosen")
        taken.start()
        assert taken.id not in before["containers"]
        client.networks.create("third")
        box.remove()
        client.images.remove("other:2")
        client.images.remove("mine:1", force=True)
    assert machine.is_clean()
    with machine.serving() as client:
        assert "box" not in names(client)
        assert [image for image in client.images.list() if "mine:1" in image.tags] == []
        assert {net.name for net in client.networks.list()} == {"bridge", "host", "none", "chosen", "given", "third"}


def started(client: docker.DockerClient) -> None:
    """A container for each way to restart."""
    client.images.pull("busybox", tag="latest")
    for name, policy in {"no": "no", "always": "always", "unless": "unless-stopped", "failure": "on-failure"}.items():
        client.containers.run(
            "busybox", ["sh", "-c", FOREVER], name=name, detach=True, restart_policy={"Name": policy}
        )  # fmt: skip
        if policy in ("always", "unless-stopped"):
            client.containers.run(
                "busybox", ["sh", "-c", FOREVER], name=f"{name}-stopped", detach=True, restart_policy={"Name": policy}
            ).kill()
    client.containers.run("busybox", ["sh", "-c", FOREVER], name="rm", detach=True, auto_remove=True)
    client.containers.run("busybox", ["sh", "-c", FOREVER], name="paused", detach=True).pause()
    until(lambda: names(client)["unless-stopped"] == names(client)["always-stopped"] == "exited")


def test_after_a_crash_containers_are_dead_and_restarted_as_their_policy_says(machine: Machine) -> None:
    """As a real dockerd 20.10 that was killed with containerd, its shims and the containers."""
    with machine.serving(crash=True) as client:
        started(client)
    began = time.time()
    with machine.serving() as client:
        assert names(client) == {
            "no": "exited", "paused": "exited", "always": "running", "always-stopped": "running", "unless": "running",
            "unless-stopped": "exited", "failure": "running",
        }  # fmt: skip
        events = client.events(since=int(began) - 1, until=int(time.time()) + 1, decode=True)
        actions = sorted((event["Action"], event["Actor"]["Attributes"].get("name")) for event in events)
        assert actions == sorted(
            [("destroy", "rm")]
            + [("start", name) for name in ("always", "always-stopped", "failure", "unless")]
            + 4 * [("connect", "bridge")]
        )
        for name in ("no", "paused"):
            state = client.api.inspect_container(name)["State"]
            assert {key: state[key] for key in ("ExitCode", "Running", "Paused", "Pid", "Error", "OOMKilled")} == {
                "ExitCode": 255, "Running": False, "Paused": False, "Pid": 0, "Error": "", "OOMKilled": False,
            }  # fmt: skip
        assert client.api.inspect_container("unless-stopped")["State"]["ExitCode"] == 137
        client.containers.get("no").start()
        assert names(client)["no"] == "running"


def test_who_asks_it_to_end_has_containers_stopped_and_the_next_start_restarts_them(machine: Machine) -> None:
    with machine.serving() as client:
        started(client)
        client.containers.get("paused").unpause()
    assert "is kept for the next start" in machine.said
    assert machine.is_clean()
    with machine.serving() as client:
        assert names(client) == {
            "no": "exited", "paused": "exited", "always": "running", "always-stopped": "running", "unless": "running",
            "unless-stopped": "exited",
            "failure": "exited",  # it ended well when it was asked to
        }  # fmt: skip
        assert client.api.inspect_container("no")["State"]["ExitCode"] == 0


class Busy:
    """A client that makes things and takes them away, and knows what it was told of them."""

    def __init__(self, client: docker.DockerClient, round: int) -> None:
        self.client = client
        self.round = round
        self.there: dict[str, set[str]] = {"containers": set(), "volumes": set(), "networks": set(), "tags": set()}
        self.gone: dict[str, set[str]] = {kind: set() for kind in self.there}
        self.files: dict[str, str] = {}
        self._doing = threading.Thread(target=self._work)

    def begin(self) -> None:
        self._doing.start()

    def join(self) -> None:
        self._doing.join()

    def _work(self) -> None:
        with suppress(docker.errors.DockerException, urllib3.exceptions.HTTPError, OSError):  # it was killed
            for number in range(1 << 30):
                self._once(f"r{self.round}-{number}", f"10.{self.round}.{number}.0/24", remove=number % 3 > 0)

    def _once(self, name: str, subnet: str, *, remove: bool) -> None:
        client = self.client
        client.volumes.create(name)
        self.there["volumes"].add(name)
        pool = docker.types.IPAMPool(subnet=subnet)  # of the default ones there are few
        client.networks.create(name, ipam=docker.types.IPAMConfig(pool_configs=[pool]))
        self.there["networks"].add(name)
        box = client.containers.create(
            "busybox",
            ["sh", "-c", f"echo {name} | tee /v/file"],
            name=name,
            volumes={name: {"bind": "/v"}},
            network=name,
        )
        self.there["containers"].add(name)
        box.start()
        assert box.wait()["StatusCode"] == 0
        self.files[name] = f"{name}\n"
        box.commit("made", tag=name)
        self.there["tags"].add(f"made:{name}")
        if remove:  # pulled while nothing else of it is there
            client.images.pull("alpine", tag="latest")
            self.there["tags"].add("alpine:latest")
            self.gone["tags"].discard("alpine:latest")
        if remove:
            self._remove(name)

    def _remove(self, name: str) -> None:
        client = self.client
        del self.files[name]
        for kind, what, remove in (
            ("tags", f"made:{name}", lambda: client.images.remove(f"made:{name}")),
            ("tags", "alpine:latest", lambda: client.images.remove("alpine:latest")),
            ("containers", name, lambda: client.containers.get(name).remove()),
            ("networks", name, lambda: client.networks.get(name).remove()),
            ("volumes", name, lambda: client.volumes.get(name).remove()),
        ):
            self.there[kind].discard(what)  # until it is answered, it may be there or not
            remove()
            self.gone[kind].add(what)

    def check(self, client: docker.DockerClient) -> None:
        """Nothing that was acknowledged is lost or comes back."""
        found = {
            "containers": set(names(client)),
            "volumes": {volume.name for volume in client.volumes.list()},
            "networks": {network.name for network in client.networks.list()},
            "tags": {tag for image in client.images.list() for tag in image.tags},
        }
        for kind, there in found.items():
            assert self.there[kind] <= there
            assert not self.gone[kind] & there
        for name, text in self.files.items():
            box = client.containers.get(name)
            assert box.logs().decode() == text
            assert box.attrs["State"]["ExitCode"] == 0
            assert text.encode() in b"".join(box.get_archive("/v/file")[0])


def test_nothing_acknowledged_is_lost_at_whatever_instant_it_is_killed(machine: Machine) -> None:
    instants = random.Random(11)
    busy: list[Busy] = []
    for number in range(KILLS):
        with machine.serving(crash=True) as client:
            if not busy:
                client.images.pull("busybox", tag="latest")
            for one in busy[-1:]:
                one.check(client)
            busy.append(Busy(docker.DockerClient(base_url=f"unix://{machine.socket}", timeout=PATIENCE), number))
            busy[-1].begin()
            time.sleep(instants.uniform(0.2, 1.0))
        busy[-1].join()
        busy[-1].client.close()
        for one in busy[:-1]:  # the next one may have pulled it again, or removed it
            one.there["tags"].discard("alpine:latest")
            one.gone["tags"].discard("alpine:latest")
    with machine.serving() as client:
        for one in busy:
            one.check(client)
        for box in client.containers.list(all=True)[::5]:
            box.start()
            assert box.wait()["StatusCode"] == 0
        for image in client.images.list()[::5]:
            assert b"".join(image.save())
    done = sum(len(one.there["containers"]) + len(one.gone["containers"]) for one in busy)
    assert done > KILLS, "it was killed before it did anything"
    assert machine.is_clean()


def test_a_directory_is_served_once_at_a_time(machine: Machine, tmp_path: Path) -> None:
    with machine.serving():
        assert machine.serve("--socket", str(tmp_path / "other.sock")).wait() == 2
        assert "another simdocker serves the world in it" in " ".join(machine.said.split())


def test_a_directory_is_only_served_as_what_it_is(tmp_path: Path) -> None:
    def refused(why: str) -> None:
        with pytest.raises(UserError, match=why):
            DataRoot(tmp_path / "data")

    kept = DataRoot(tmp_path / "data")
    kept.close()
    assert not (tmp_path / "data").exists(), "nothing has been kept in it"
    kept = DataRoot(tmp_path / "data")
    kept.description.starts = 1
    kept.describe()
    refused("another simdocker serves the world in it")
    kept.close()
    with pytest.raises(UserError, match="has real containers"):
        Ledger(tmp_path / "data")
    described = tmp_path / "data" / "world.json"
    described.write_text(json.dumps({**json.loads(described.read_bytes()), "version": 99}))
    refused("a newer simdocker made it")
    described.write_text("{")
    refused("is damaged")
    described.rename(tmp_path / "data" / "letters")
    refused("there is something else in it")
    (tmp_path / "data" / "letters").unlink()
    Ledger(tmp_path / "data").close()
    refused("is a simulated one")


def test_what_is_damaged_is_told_and_left_and_the_rest_is_there(machine: Machine) -> None:
    with machine.serving() as client:
        client.images.pull("busybox", tag="latest")
        boxes = [client.containers.create("busybox", "true", name=name) for name in ("one", "two")]
        client.volumes.create("good")
        client.volumes.create("bad")
        client.networks.create("net")
    names_file = machine.data / "images" / "names.json"
    damaged = [
        names_file,
        machine.data / "containers" / boxes[0].id / "state.json",
        machine.data / "volumes" / "bad" / "volume.json",
        *(machine.data / "networks").glob("*.json"),
    ]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-20])
    with machine.serving() as client:
        assert set(names(client)) == {"two"}
        assert [volume.name for volume in client.volumes.list()] == ["good"]
        client.containers.get("two").start()
        assert [image.tags for image in client.images.list()] == [[]]
    assert machine.said.count("is of no use") == 4
    assert f"container {boxes[0].id} in {machine.data} is of no use" in machine.said
    assert all(path.exists() for path in damaged[1:])
    assert names_file.with_suffix(".damaged").exists()
    assert [json.loads(path.read_bytes())["id"] for path in machine.data.glob("overlay2/*/container.json")].count(
        boxes[0].id
    ) == 1


def test_a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing_else(machine: Machine) -> None:
    machine.data.mkdir()
    machine.run("mount", "-t", "tmpfs", "-o", "size=24m", "t", str(machine.data))
    with machine.serving(crash=True) as client:
        client.images.pull("busybox", tag="latest")
        client.containers.create("busybox", "true", name="before")
        with suppress(docker.errors.ContainerError):
            client.containers.run("busybox", "dd if=/dev/zero of=/all bs=64k", name="fills")
        made, refused = set(), 0
        for number in range(400):
            try:
                client.volumes.create(f"v{number}")
                made.add(f"v{number}")
            except docker.errors.APIError as error:
                assert "no space left on device" in str(error)
                refused += 1
        assert refused
        with pytest.raises(docker.errors.APIError, match="no space left on device"):
            client.containers.create("busybox", "true", name="after")
        client.containers.get("fills").remove()
        until(lambda: client.volumes.create("again"))
    with machine.serving() as client:
        assert {volume.name for volume in client.volumes.list()} == {*made, "again"}
        assert names(client) == {"before": "created"}
        client.containers.get("before").start()
