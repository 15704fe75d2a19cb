"""The live page over this machine's kernel: what a real bash types reaches the page as events."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

pytestmark = [pytest.mark.root, pytest.mark.busybox]


async def _typed(address: str) -> tuple[str, list[dict[str, Any]]]:
    """Open the page, run a container in its terminal, type into it → what was printed, and the events."""
    bare, _, key = address.partition("?")
    printed, events = "", []
    async with ClientSession() as web, web.ws_connect(f"{bare}live?{key}") as page, asyncio.timeout(60):

        async def until(text: str) -> None:
            nonlocal printed
            begun = len(printed)
            while text not in printed[begun:]:
                message = await page.receive_json()
                printed += message.get("data", "")
                events.extend(message.get("events", []))

        for keys, answer in (
            ("docker run -it --name box busybox sh\r", "/ # "),
            ("hostname; exit 4\r", "laptop$ "),
            ("echo code $?\r", "code 4"),
        ):
            await page.send_json({"do": "keys", "keys": keys})
            await until(answer)
        await page.send_json({"do": "undo"})
        while (message := await page.receive_json())["is"] != "sorry":
            events.extend(message.get("events", []))
        assert "no way back" in message["text"]
    return printed, events


def test_a_real_bash_is_typed_at_and_its_containers_are_watched(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "simdocker", "ui", "--backend", "linux", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[1]
        assert "?key=" in address  # a real shell is behind it
        printed, events = asyncio.run(_typed(address))
    finally:
        server.send_signal(signal.SIGINT)
        rest, _ = server.communicate(timeout=60)
    assert "code 4" in printed
    assert any(event["actor"] == "kernel@laptop" for event in events)
    assert any(change[0].startswith("container/box") for event in events for change in event.get("changes", []))
    assert max(event["t"] for event in events) < 600 * 10**9, "times are since the page was opened"
    assert "the containers are gone" in rest and server.returncode == 0
