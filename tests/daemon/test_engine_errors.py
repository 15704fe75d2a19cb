"""Every call that was provoked on a real engine, replayed here in order: the same status, the same message.

`engine-errors.json` has what was sent and answered; what had been done before each call it does not say, so
that is said here, in docker's own words (`BEFORE`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from calling import Lab, plain
from simpy import AllOf

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

THE_SERVERS = "a matter of the HTTP server, not of the daemon's requests"
AN_INSTANT = "the engine's process had ended and containerd was not told yet: an instant that is not met here"
NOT_ASKED = (THE_SERVERS, AN_INSTANT)
DIFFERENT = {
    "create: bad content type": THE_SERVERS,
    "create: malformed JSON": THE_SERVERS,
    "API too new": THE_SERVERS,
    "API too old": THE_SERVERS,
    "bad version": THE_SERVERS,
    "no version": THE_SERVERS,
    "empty id prefix": THE_SERVERS,
    "build buildkit without session": "BuildKit is not modelled: the client builds with the classic builder",
    "pause restarting": AN_INSTANT,
    "distribution unauthorized": "GET /distribution is not modelled: the client asks the registry itself",
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


def test_every_provoked_call_is_answered_as_on_a_real_engine(capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab()
    equal, differing = 0, {}
    for row in CALLS:
        prepare(lab, row)
        got = (0, "not asked") if DIFFERENT.get(row["label"]) in NOT_ASKED else lab.call(row)
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
