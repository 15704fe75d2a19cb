"""What a client hears of a pull from a registry that really is there while the bytes move."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.registry.real import IMAGE, NAME, Faulty
from tests.server.serving import served_world

LARGE = IMAGE.layers[0]


def slowly(to: BaseHTTPRequestHandler, _: Faulty) -> bool:
    if LARGE not in to.path:
        return False
    blob = IMAGE.blobs[LARGE]
    to.send_response(200)
    to.send_header("Content-Length", str(len(blob)))
    to.end_headers()
    for at in range(0, len(blob), 50_000):
        to.wfile.write(blob[at : at + 50_000])
        time.sleep(0.2)
    return True


def test_how_far_a_real_download_has_come_is_told(tmp_path: Path) -> None:
    docker = pytest.importorskip("docker")
    with Faulty(slowly) as registry:
        world = {"registries": {NAME: {"url": registry.url}}}
        described = {"title": "t", "world": world, "steps": [{"run": "docker version"}]}
        with served_world(described, tmp_path) as served:
            client = docker.APIClient(base_url=served.url)
            said = list(client.pull(f"{NAME}/team/web", tag="1", stream=True, decode=True))
            client.close()
    come = [
        line["progressDetail"]["current"]
        for line in said
        if line.get("status") == "Downloading" and line["progressDetail"]["total"] == len(IMAGE.blobs[LARGE])
    ]
    assert come == sorted(come)
    assert any(0 < amount < len(IMAGE.blobs[LARGE]) for amount in come[1:])
    assert said[-1]["status"].startswith("Status: Downloaded newer image")
