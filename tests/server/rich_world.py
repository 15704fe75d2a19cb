"""One world with something of everything in it, and a visit to every route of the API: successes and refusals.

What is asked is fit for a real engine too, as long as it has busybox:latest. `python -m tests.server.rich_world
SOCKET [VERSION]` prints what the description of a version holds against the answers of whoever listens there.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

from tests.server.descriptions import described
from tests.server.wire import Answer, Wire

SLEEP = ["sh", "-c", "trap exit TERM; echo up; while :; do sleep 1; done"]
DOCKERFILE = 'FROM busybox\nLABEL made=here\nENV A=1\nRUN echo x > /x\nCOPY note /note\nCMD ["cat", "/note"]\n'
HEALTH = {"Test": ["CMD-SHELL", "true"], "Interval": 10**9, "Timeout": 10**9, "Retries": 3, "StartPeriod": 10**6}
FULL = {
    "Image": "busybox",
    "Cmd": SLEEP,
    "Env": ["A=1", "EMPTY="],
    "Labels": {"role": "web"},
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "Volumes": {"/anonymous": {}},
    "Healthcheck": HEALTH,
    "StopSignal": "SIGTERM",
    "StopTimeout": 3,
    "Hostname": "webhost",
    "Domainname": "lab",
    "User": "0:0",
    "WorkingDir": "/tmp",
    "HostConfig": {
        "Binds": ["data:/data:ro"],
        "Mounts": [{"Type": "tmpfs", "Target": "/scratch", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 448}}],
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080"}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
        "Memory": 64 << 20,
        "NanoCpus": 500_000_000,
        "PidsLimit": 100,
        "Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 200}],
        "CapAdd": ["NET_ADMIN"],
        "CapDrop": ["MKNOD"],
        "Dns": ["192.0.2.1"],
        "ExtraHosts": ["there:192.0.2.7"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10k"}},
        "Tmpfs": {"/run": "rw,size=65536k"},
        "Sysctls": {"net.ipv4.ip_forward": "1"},
        "SecurityOpt": ["no-new-privileges"],
        "Init": False,
        "ShmSize": 1 << 20,
        "OomScoreAdj": 5,
    },
    "NetworkingConfig": {"EndpointsConfig": {"lab": {"Aliases": ["www"], "IPAMConfig": {"IPv4Address": "10.77.0.9"}}}},
}
LAB = {
    "Name": "lab",
    "Driver": "bridge",
    "Labels": {"a": "b"},
    "Options": {"com.docker.network.bridge.enable_icc": "true"},
    "IPAM": {
        "Driver": "default",
        "Config": [{"Subnet": "10.77.0.0/16", "Gateway": "10.77.0.1", "IPRange": "10.77.0.0/24"}],
        "Options": {},
    },
    "CheckDuplicate": True,
}
REFUSED = (
    ("GET", "/containers/nobody/json"), ("GET", "/containers/nobody/top"), ("GET", "/containers/nobody/logs?stdout=1"),
    ("GET", "/containers/nobody/changes"), ("GET", "/containers/nobody/export"), ("GET", "/containers/nobody/stats"),
    ("POST", "/containers/nobody/resize?h=1&w=1"), ("POST", "/containers/nobody/start"),
    ("POST", "/containers/nobody/stop"), ("POST", "/containers/nobody/restart"), ("POST", "/containers/nobody/kill"),
    ("POST", "/containers/nobody/rename?name=x"), ("POST", "/containers/nobody/pause"),
    ("POST", "/containers/nobody/unpause"), ("POST", "/containers/nobody/attach?stream=1&stdout=1"),
    ("GET", "/containers/nobody/attach/ws"), ("POST", "/containers/nobody/wait"), ("DELETE", "/containers/nobody"),
    ("HEAD", "/containers/nobody/archive?path=/"), ("GET", "/containers/nobody/archive?path=/"),
    ("PUT", "/containers/nobody/archive?path=/"), ("GET", "/containers/web/archive?path=/nowhere"),
    ("GET", "/containers/web/archive"), ("GET", "/containers/web/logs"), ("POST", "/containers/web/rename?name="),
    ("POST", "/containers/web/kill?signal=NO"), ("POST", "/containers/made/kill"), ("POST", "/containers/made/pause"),
    ("POST", "/containers/web/rename?name=made"), ("POST", "/containers/web/unpause"), ("DELETE", "/containers/web"),
    ("POST", "/containers/create?name=a%20b"), ("GET", "/containers/json?filters=no"),
    ("GET", "/containers/json?filters={%22no%22:[%22x%22]}"), ("POST", "/containers/prune?filters=no"),
    ("GET", "/images/nothing/json"), ("GET", "/images/nothing/history"), ("POST", "/images/nothing/push"),
    ("POST", "/images/nothing/tag?repo=x"), ("POST", "/images/busybox/tag?repo=BAD"), ("DELETE", "/images/nothing"),
    ("GET", "/images/json?filters=no"), ("GET", "/images/nothing/get"), ("GET", "/images/get?names=nothing"),
    ("GET", "/exec/nothing/json"), ("POST", "/exec/nothing/resize?h=1&w=1"), ("GET", "/volumes/nothing"),
    ("DELETE", "/volumes/nothing"), ("DELETE", "/volumes/data"), ("GET", "/volumes?filters=no"),
    ("GET", "/networks/nothing"), ("DELETE", "/networks/nothing"), ("DELETE", "/networks/bridge"),
    ("DELETE", "/networks/lab"), ("GET", "/networks?filters=no"), ("GET", "/plugins/nothing/json"),
    ("DELETE", "/plugins/nothing"), ("POST", "/plugins/nothing/enable?timeout=1"),
    ("POST", "/plugins/nothing/disable"), ("GET", "/events?since=no"), ("GET", "/events?filters=no"),
    ("GET", "/nodes"), ("GET", "/nodes/x"), ("DELETE", "/nodes/x"), ("POST", "/nodes/x/update?version=1"),
    ("GET", "/swarm"), ("POST", "/swarm/leave"), ("GET", "/swarm/unlockkey"), ("POST", "/swarm/update?version=1"),
    ("GET", "/services"), ("GET", "/services/x"), ("DELETE", "/services/x"), ("GET", "/services/x/logs?stdout=1"),
    ("GET", "/tasks"), ("GET", "/tasks/x"), ("GET", "/tasks/x/logs?stdout=1"), ("GET", "/secrets"),
    ("GET", "/secrets/x"), ("DELETE", "/secrets/x"), ("GET", "/configs"), ("GET", "/configs/x"),
    ("DELETE", "/configs/x"),
)  # fmt: skip
REFUSED_WITH_BODY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/containers/create", {}),
    ("POST", "/containers/create", {"Image": "nothing"}),
    ("POST", "/containers/create?name=web", {"Image": "busybox"}),
    ("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Memory": 1}}),
    ("POST", "/containers/nobody/update", {"Memory": 0}),
    ("POST", "/containers/nobody/exec", {"Cmd": ["true"]}),
    ("POST", "/containers/made/exec", {"Cmd": ["true"]}),
    ("POST", "/containers/web/exec", {}),
    ("POST", "/exec/nothing/start", {"Detach": True}),
    ("POST", "/networks/create", {"Name": "bridge", "CheckDuplicate": True}),
    ("POST", "/networks/create", {"Name": "x", "Driver": "nothing"}),
    ("POST", "/networks/nothing/connect", {"Container": "web"}),
    ("POST", "/networks/lab/connect", {"Container": "nobody"}),
    ("POST", "/networks/nothing/disconnect", {"Container": "web"}),
    ("POST", "/volumes/create", {"Name": "a b"}),
    ("POST", "/volumes/create", {"Name": "x", "Driver": "nothing"}),
    ("POST", "/commit?container=nobody", {}),
    ("POST", "/services/create", {"Name": "x"}),
    ("POST", "/services/x/update?version=1", {"Name": "x"}),
    ("POST", "/secrets/create", {"Name": "x", "Data": "eA=="}),
    ("POST", "/secrets/x/update?version=1", {"Name": "x"}),
    ("POST", "/configs/create", {"Name": "x", "Data": "eA=="}),
    ("POST", "/configs/x/update?version=1", {"Name": "x"}),
    ("POST", "/swarm/unlock", {"UnlockKey": "x"}),
)


def tarred(files: dict[str, str]) -> bytes:
    """An archive of texts."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


def play(wire: Wire) -> Iterator[Answer]:
    """Make the world, look at everything, be refused, take it down: every answer on the way."""
    ask = wire.ask
    yield from _made(wire)
    yield from _looked_at(wire)
    for method, path in REFUSED:
        yield ask(method, path)
    for method, path, body in REFUSED_WITH_BODY:
        yield ask(method, path, body)
    yield from _taken_down(wire)


def _made(wire: Wire) -> Iterator[Answer]:
    ask = wire.ask
    yield ask("POST", "/volumes/create", {"Name": "data", "Labels": {"a": "b"}, "DriverOpts": {}})
    yield ask("POST", "/volumes/create", {})
    yield ask("POST", "/networks/create", LAB)
    yield ask("POST", "/networks/create", {"Name": "inner", "Internal": True, "Attachable": True})
    yield ask(
        "POST", "/build?t=made:1&labels=" + "%7B%22x%22:%22y%22%7D", tarred({"Dockerfile": DOCKERFILE, "note": "hi"})
    )
    yield ask("POST", "/build?t=broken", tarred({"Dockerfile": "FROM busybox\nRUN false\n"}))
    yield ask("POST", "/images/create?fromSrc=-&repo=imported&tag=1", tarred({"file": "text"}))
    yield ask("POST", "/images/busybox/tag?repo=again&tag=2")
    yield ask("POST", "/containers/create?name=web", FULL)
    yield ask("POST", "/containers/web/start")
    yield ask("POST", "/containers/web/start")
    yield ask("POST", "/networks/inner/connect", {"Container": "web", "EndpointConfig": {"Aliases": ["in"]}})
    yield ask("POST", "/containers/create?name=made", {"Image": "busybox", "Tty": True, "OpenStdin": True})
    plain = {"Image": "busybox", "Cmd": ["sh", "-c", "echo out; echo err >&2; exit 3"]}
    yield ask("POST", "/containers/create?name=done", plain)
    yield ask("POST", "/containers/done/start")
    yield ask("POST", "/containers/done/wait")
    yield ask("POST", "/containers/done/wait?condition=not-running")
    shared = {"Image": "busybox", "Cmd": SLEEP, "HostConfig": {"NetworkMode": "container:web", "AutoRemove": True}}
    yield ask("POST", "/containers/create?name=beside", shared)
    yield ask("POST", "/containers/beside/start")
    yield ask("POST", "/containers/create?name=unstartable", {"Image": "busybox", "Cmd": ["/nothing"]})
    yield ask("POST", "/containers/unstartable/start")
    yield ask("POST", "/containers/create?name=frozen", {"Image": "busybox", "Cmd": SLEEP})
    yield ask("POST", "/containers/frozen/start")
    yield ask("POST", "/containers/frozen/pause")
    yield ask("GET", "/containers/frozen/stats?stream=0")
    made = ask("POST", "/containers/web/exec", {"Cmd": ["echo", "inside"], "AttachStdout": True, "Env": ["B=2"]})
    yield made
    exec_id = made.json["Id"] if made.status == 201 else "none"
    yield ask("GET", f"/exec/{exec_id}/json")
    yield ask("POST", f"/exec/{exec_id}/start", {"Detach": False, "Tty": False})
    yield ask("POST", f"/exec/{exec_id}/start", {"Detach": False, "Tty": False})
    yield ask("GET", f"/exec/{exec_id}/json")
    long = ask("POST", "/containers/web/exec", {"Cmd": ["sleep", "1000"], "Tty": True})
    yield long
    yield ask("POST", f"/exec/{long.json['Id']}/start", {"Detach": True, "Tty": True})
    yield ask("POST", f"/exec/{long.json['Id']}/resize?h=20&w=50")
    yield ask("GET", f"/exec/{long.json['Id']}/json")
    yield ask("PUT", "/containers/web/archive?path=/tmp", tarred({"put": "text"}))
    yield ask("POST", "/commit?container=web&repo=committed&tag=1&comment=c&author=a", {"Labels": {"l": "m"}})
    yield ask("POST", "/containers/web/update", {"Memory": 128 << 20, "MemorySwap": -1})
    yield ask("POST", "/images/load", ask("GET", "/images/made:1/get").body)


def _looked_at(wire: Wire) -> Iterator[Answer]:
    auth = base64.urlsafe_b64encode(json.dumps({"username": "u", "password": "p"}).encode()).decode()
    for path in (
        "/_ping", "/version", "/info", "/containers/json", "/containers/json?all=1&size=1", "/containers/web/json",
        "/containers/web/json?size=true", "/containers/done/json", "/containers/made/json", "/containers/beside/json",
        "/containers/frozen/json", "/containers/unstartable/json", "/containers/web/top",
        "/containers/web/top?ps_args=aux", "/containers/web/logs?stdout=1&stderr=1&timestamps=1&tail=1",
        "/containers/done/logs?stdout=1&stderr=1", "/containers/web/changes", "/containers/made/changes",
        "/containers/web/stats?stream=0", "/containers/web/stats?stream=0&one-shot=1",
        "/containers/done/stats?stream=0",
        "/containers/beside/stats?stream=0", "/containers/web/archive?path=/tmp/put", "/images/json",
        "/images/json?all=1&digests=1",
        "/images/busybox/json", "/images/made:1/json", "/images/imported:1/json", "/images/committed:1/json",
        "/images/busybox/history", "/images/made:1/history", "/images/imported:1/history", "/images/made:1/get",
        "/images/get?names=made:1&names=busybox", "/system/df", "/volumes", "/volumes/data", "/networks",
        "/networks/lab", "/networks/lab?verbose=true", "/networks/bridge", "/networks/host", "/networks/none",
        "/networks/inner", "/plugins", "/events?since=0&until=1", "/containers/web/export",
    ):  # fmt: skip
        yield wire.ask("GET", path)
    yield wire.ask("HEAD", "/_ping")
    yield wire.ask("HEAD", "/containers/web/archive?path=/tmp/put")
    yield wire.ask("POST", "/containers/made/resize?h=10&w=10")
    yield wire.ask("POST", "/containers/done/attach?logs=1&stdout=1&stderr=1")
    yield wire.ask("POST", "/images/made:1/push", headers={"X-Registry-Auth": auth})
    yield wire.ask("POST", "/auth", {"username": "u", "password": "p", "serveraddress": "127.0.0.1:1"})


def _taken_down(wire: Wire) -> Iterator[Answer]:
    ask = wire.ask
    yield ask("POST", "/containers/frozen/unpause")
    yield ask("POST", "/networks/inner/disconnect", {"Container": "web"})
    yield ask("POST", "/containers/web/rename?name=www")
    yield ask("POST", "/containers/frozen/kill")
    yield ask("POST", "/containers/beside/kill?signal=KILL")
    yield ask("POST", "/containers/www/restart?t=1")
    yield ask("POST", "/containers/www/stop?t=1")
    yield ask("POST", "/containers/www/stop?t=1")
    yield ask("DELETE", "/containers/www?v=1&force=1")
    now = ask("GET", "/info").json["SystemTime"]
    yield ask("GET", f"/events?since=0&until={now}")
    yield ask("POST", "/containers/prune")
    yield ask("DELETE", "/images/again:2")
    yield ask("DELETE", "/images/made:1?force=1")
    yield ask("DELETE", "/networks/inner")
    yield ask("POST", "/networks/prune")
    yield ask("DELETE", "/volumes/data")
    yield ask("POST", "/volumes/prune")
    yield ask("POST", "/images/prune")
    yield ask("POST", "/build/prune")


def main(path: str, version: str = "1.41") -> None:
    description = described(version)
    found: dict[str, int] = {}
    asked = 0
    for answer in play(Wire(path, f"/v{version}")):
        asked += 1
        for problem in description.problems(answer.method, answer.path.partition("?")[0], answer.status, answer.body):
            found[str(problem)] = found.get(str(problem), 0) + 1
        if "-v" in sys.argv:
            print(answer.method, answer.path, answer.status, answer.body[:400] if answer.status >= 400 else "")
    for problem in sorted(found):
        print(problem)
    print(f"{asked} answers, {len(found)} kinds of problem")


if __name__ == "__main__":
    main(*[word for word in sys.argv[1:] if word != "-v"])
