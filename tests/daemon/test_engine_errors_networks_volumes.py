"""Every network and volume row of the calls provoked on a real engine, replayed in order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from part_daemon import PartDaemon, refused

ROWS = json.loads((Path(__file__).parents[1] / "reference" / "engine-errors.json").read_text())
_ID = re.compile(r"\b[0-9a-f]{64}\b")
_SHIFTING = {"CreatedAt", "Id"}


def plain(message: Any) -> str:
    return _ID.sub("<id>", str(message))


def replay(daemon: PartDaemon, row: dict[str, Any]) -> tuple[int, Any]:
    url = urlsplit(row["path"].removeprefix("/v1.41"))
    response = daemon.call(row["method"], url.path, row["body"], **dict(parse_qsl(url.query)))
    if response.failed:
        return response.status, plain(response.message)
    return response.status, response.body


def test_networks_and_volumes_refuse_what_a_real_engine_refuses_in_the_same_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon = PartDaemon()
    published = {"80/tcp": [{"HostPort": "18099"}]}
    running = daemon.create("er_p", {"ExposedPorts": {"80/tcp": {}}}, PortBindings=published)
    daemon.start(running)
    daemon.create("er_b")
    rows = [row for row in ROWS if row.get("path", "").startswith(("/v1.41/networks", "/v1.41/volumes"))]
    matched, differing = 0, []
    user = None
    for row in rows:
        if row["label"] == "volume rm in use":
            user = daemon.create("er_v", None, Binds=["er_vol:/data"])
        elif row["label"] == "volume rm":
            assert user is not None
            daemon.remove(user)
        got = replay(daemon, row)
        wanted: Any = row["message"]
        if row["status"] < 400 and wanted:
            wanted = {key: value for key, value in json.loads(wanted).items() if key not in _SHIFTING}
            got = got[0], {key: value for key, value in got[1].items() if key not in _SHIFTING}
        elif row["status"] < 400:
            got = got[0], got[1] or ""
        else:
            wanted = plain(wanted)
        if got == (row["status"], wanted):
            matched += 1
        else:
            differing.append((row["label"], got, (row["status"], wanted)))
    with capsys.disabled():
        print(f"\nnetwork and volume calls as recorded: {matched} of {len(rows)}")
    assert differing == []
    assert len(rows) == 34


@pytest.mark.parametrize(
    "label",
    [
        "create: invalid bind (relative dest)",
        "create: bad bind mode",
        "create: duplicate mount point",
        "create: Mounts bind source missing",
        "create: volume name invalid",
    ],
)
def test_a_container_with_mounts_that_cannot_be_is_refused_in_the_engines_words(label: str) -> None:
    row = next(row for row in ROWS if row["label"] == label)
    got = refused(PartDaemon().create, "er_x", None, **row["body"]["HostConfig"])
    assert got == (row["status"], row["message"])


def test_what_is_wrong_with_a_network_is_found_out_at_start_in_the_engines_words() -> None:
    recorded = {row["label"]: (row["status"], plain(row["message"])) for row in ROWS if "status" in row}
    daemon = PartDaemon()
    port = {"ExposedPorts": {"80/tcp": {}}}

    def start(name: str, body: Any = None, **host: Any) -> tuple[int, str]:
        status, message = refused(daemon.start, daemon.create(name, body, **host))
        return status, plain(message)

    assert start("er_x", NetworkMode="er_nonet") == recorded["start: unknown network"]
    assert start("er_x", NetworkMode="container:er_nocont") == recorded["start: container:<missing> netns"]
    daemon.start(daemon.create("er_p", port, PortBindings={"80/tcp": [{"HostPort": "18099"}]}))
    taken = start("er_c", port, PortBindings={"80/tcp": [{"HostPort": "18099"}]})
    assert taken == recorded["start: port already allocated"]
    daemon.network_driver.host_ports.add(18098)
    taken = start("er_c", port, PortBindings={"80/tcp": [{"HostPort": "18098"}]})
    assert taken == recorded["start: host port in use by another process"]
