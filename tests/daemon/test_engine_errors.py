"""Every call that was provoked on a real engine, replayed here in order: the same status, the same message.

`engine-errors.json` has what was sent and answered; what had been done before each call it does not say, so
that is said here, in docker's own words (`BEFORE`).
"""

from __future__ import annotations

import json
import re
import socket
from http.client import HTTPResponse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from calling import Lab, plain
from simpy import AllOf

from tests.server.serving import ONE_HOST, served_world

ROWS = json.loads((Path(__file__).parents[1] / "reference" / "engine-errors.json").read_text(encoding="utf-8"))
CALLS = [row for row in ROWS if isinstance(row.get("status"), int)]


def asked(name: str, **body: Any) -> dict[str, Any]:
    """A call that makes a container of what the docker command would never ask for just so."""
    body = {"Image": "busybox:latest", "Cmd": ["sleep", "1000"], **body}
    return {"label": "", "method": "POST", "path": f"/containers/create?name={name}", "body": body, "message": ""}


PUBLISHING = "--expose 80 -p 18099:80"
BEFORE: dict[str, tuple[str | dict[str, Any], ...]] = {
    "exec resize finished": ("sleep 1",),
    "name conflict create": ("docker create --name er_a busybox:latest sleep 1000",),
    "rename conflict": (asked("er_b"),),
    "start command not found": ("docker create --name er_c busybox:latest /nope",),
    "start permission denied (a directory)": ("docker rm er_c", "docker create --name er_c busybox:latest /etc"),
    "start unknown user": ("docker rm er_c", "docker create --name er_c -u nouser busybox:latest true"),
    "create: workdir is a file": ("docker rm er_c",),
    "start with port": (f"docker create --name er_p {PUBLISHING} busybox:latest sleep 1000",),
    "start: port already allocated": (f"docker create --name er_c {PUBLISHING} busybox:latest sleep 1000",),
    "start: host port in use by another process": (
        "nc -l -p 18098 >/dev/null 2>&1 &",
        "docker rm er_c",
        "docker create --name er_c -p 18098:80 busybox:latest sleep 1000",
    ),
    "start: PortBindings WITHOUT ExposedPorts is silently ignored": (
        "docker rm er_c",
        asked("er_c", HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "18098"}]}}),
    ),
    "volume rm in use": ("docker create --name er_v -v er_vol:/data busybox:latest true",),
    "volume rm": ("docker rm er_v",),
    "image delete one of several tags (untag only)": ("docker tag busybox:latest er_img:1",),
    "image delete by id with several repos": ("docker tag alpine:latest er_fresh:1",),
    "image delete by id, created container": (
        "docker rmi alpine:latest",
        "docker create --name er_i er_fresh:1 sleep 1000",
    ),
    "image delete by id, running container": ("docker start er_i",),
    "image delete by id, stopped container": ("docker kill er_i",),
    "push unauthorized": ("docker tag busybox:latest 127.0.0.1:5002/authd:1",),
    "prefix ambiguity / short id": ("docker create --name er_s busybox:latest sleep 1000",),
    "exec on restarting": (
        "docker rm -f er_c",
        "docker run -d --name er_c --restart always busybox:latest sh -c 'sleep 0.2; exit 1'",
    ),
    "remove restarting": (
        "until docker inspect -f '{{.State.Status}}' er_c | grep -q restarting; do sleep 0.01; done",
    ),
    "wait OOM": ("docker rm -f er_x", "docker run -d --name er_x -m 8m busybox:latest sh -c 'tail /dev/zero'"),
}
"""Lines of a shell on the host, and calls, before the call with that label."""

OF_THE_SERVER = frozenset((
    "create: bad content type", "create: malformed JSON", "API too new", "API too old", "bad version", "no version",
    "empty id prefix",
))  # fmt: skip
"""Labels of calls that are a matter of the HTTP server: these are sent to one."""

AN_INSTANT = "the engine's process had ended and containerd was not told yet: an instant that is not met here"
DIFFERENT = {
    "build buildkit without session": "BuildKit is not modelled: the client builds with the classic builder",
    "pause restarting": AN_INSTANT,
}
"""Labels of calls that are answered differently, or not at all, and why."""


def prepare(lab: Lab, row: dict[str, Any]) -> None:
    """Bring the engine where the real one was before the call."""
    label = row["label"]
    name = dict(parse_qsl(urlsplit(row["path"]).query)).get("name")
    if "/containers/create?" in row["path"] and label != "name conflict create":
        lab.line(f"docker rm {name}")
    for line in BEFORE.get(label, ()):
        if isinstance(line, str):
            lab.line(line)
        else:
            lab.call(line)
    if re.search(r"[0-9a-f]{12}", row["path"]):
        lab.learn_ids()


def over_http(path: Path, row: dict[str, Any]) -> tuple[int, str]:
    """Send a call to the server at a socket; status and message."""
    body = (row["body"] or "").encode()
    kind = "text/plain" if "content type" in row["label"] else "application/json"
    with socket.socket(socket.AF_UNIX) as sent:
        sent.settimeout(60)
        sent.connect(str(path))
        head = f"{row['method']} {row['path']} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n"
        sent.sendall(f"{head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = HTTPResponse(sent)
        answer.begin()
        text = answer.read().decode()
    return answer.status, json.loads(text)["message"] if text.startswith("{") else text


def test_every_provoked_call_is_answered_as_on_a_real_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with TemporaryDirectory(prefix="simdocker-") as short, served_world(ONE_HOST, Path(short)) as served:
        at_the_server = {row["label"]: over_http(served.path, row) for row in CALLS if row["label"] in OF_THE_SERVER}
    lab = Lab()
    equal, differing = 0, {}
    for row in CALLS:
        prepare(lab, row)
        if row["label"] in at_the_server:
            got = at_the_server[row["label"]]
        else:
            got = (0, "not asked") if DIFFERENT.get(row["label"]) == AN_INSTANT else lab.call(row)
        wanted = row["status"], row["message"]
        if got[0] == wanted[0] and plain(got[1])[: len(plain(wanted[1]))] == plain(wanted[1]):
            equal += 1
        else:
            differing[row["label"]] = (got, wanted)
    with capsys.disabled():
        print(f"\n{equal} of {len(CALLS)} provoked calls answered as on a real engine")
    assert {label: answers for label, answers in differing.items() if label not in DIFFERENT} == {}
    assert set(DIFFERENT) <= set(differing), "calls listed as different have become equal: take them off the list"


@pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row.get("status"), list)])
def test_of_four_who_remove_a_container_at_once_one_succeeds(row: dict[str, Any]) -> None:
    lab = Lab()
    lab.line("docker run -d --name er_x busybox:latest sleep 1000")
    daemon, env = lab.world.daemon(), lab.env
    calls = [env.process(daemon.handle(lab.request(row | {"body": None}))) for _ in row["status"]]
    env.run(AllOf(env, calls))
    assert sorted(call.value.status for call in calls) == sorted(row["status"])
