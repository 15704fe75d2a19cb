"""aiodocker on both backends: containers, streams, execs and images of a program that waits for many at once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.server.rich_world import tarred

aiodocker = pytest.importorskip("aiodocker")

pytestmark = [pytest.mark.wide, pytest.mark.filterwarnings("ignore")]  # what the library itself calls deprecated
Case = Callable[[Any], Awaitable[None]]


@pytest.fixture
def play(engine: str) -> Callable[[Case], None]:
    def played(case: Case) -> None:
        async def inside() -> None:
            async with aiodocker.Docker(url=engine, api_version="v1.41") as docker:
                await asyncio.wait_for(case(docker), 60)

        asyncio.run(inside())

    return played


def test_a_container_is_made_started_waited_for_and_removed(play: Any) -> None:
    async def case(docker: Any) -> None:
        box = await docker.containers.create_or_replace(
            "aio", {"Image": "busybox", "Cmd": ["sh", "-c", "echo a; exit 3"]}
        )
        await box.start()
        assert (await box.wait())["StatusCode"] == 3
        assert await box.log(stdout=True) == ["a\n"]
        assert (await box.show())["State"]["Status"] == "exited"
        assert [found.id for found in await docker.containers.list(all=True)] == [box.id]
        again = await docker.containers.create_or_replace("aio", {"Image": "busybox", "Cmd": ["true"]})
        assert again.id != box.id
        await again.rename("other")
        await again.delete()
        with pytest.raises(aiodocker.DockerError) as gone:
            await docker.containers.get("other")
        assert gone.value.status == 404

    play(case)


def test_many_containers_run_at_once(play: Any) -> None:
    async def one(docker: Any, number: int) -> str:
        box = await docker.containers.run({"Image": "busybox", "Cmd": ["echo", str(number)]})
        await box.wait()
        return "".join(await box.log(stdout=True))

    async def case(docker: Any) -> None:
        said = await asyncio.gather(*(one(docker, number) for number in range(8)))
        assert said == [f"{number}\n" for number in range(8)]

    play(case)


def test_an_exec_and_an_attachment_are_streams(play: Any) -> None:
    async def case(docker: Any) -> None:
        box = await docker.containers.run({"Image": "busybox", "Cmd": ["cat"], "OpenStdin": True})
        exec = await box.exec(["sh", "-c", "read x; echo got $x; echo err >&2; exit 4"], stdin=True)
        async with exec.start(detach=False) as stream:
            await stream.write_in(b"typed\n")
            parts = []
            while (message := await stream.read_out()) is not None:
                parts.append((message.stream, message.data))
        assert sorted(parts) == [(1, b"got typed\n"), (2, b"err\n")]
        assert (await exec.inspect())["ExitCode"] == 4
        async with box.attach(stdin=True, stdout=True, stderr=True) as stream:
            await stream.write_in(b"hello\n")
            message = await stream.read_out()
            assert message.data == b"hello\n"
        await box.kill()
        await box.delete(force=True)

    play(case)


def test_logs_events_and_stats_are_followed(play: Any) -> None:
    async def case(docker: Any) -> None:
        subscriber = docker.events.subscribe()
        box = await docker.containers.run({"Image": "busybox", "Cmd": ["sh", "-c", "echo 1; sleep 0.3; echo 2"]})
        said = [line async for line in box.log(stdout=True, follow=True)]
        assert said == ["1\n", "2\n"]
        seen = []
        while not seen or seen[-1] != "die":
            event = await subscriber.get()
            if event["Type"] == "container":
                seen.append(event["Action"])
        assert seen == ["create", "start", "die"] or seen == ["create", "attach", "start", "die"]
        box = await docker.containers.run({"Image": "busybox", "Cmd": ["sleep", "1000"]})
        (stats,) = await box.stats(stream=False)
        assert stats["id"] == box.id
        await docker.events.stop()

    play(case)


def test_images_are_built_tagged_exported_and_loaded(play: Any) -> None:
    async def case(docker: Any) -> None:
        context = io.BytesIO(tarred({"Dockerfile": "FROM busybox\nCOPY a /a\nLABEL x=y\n", "a": "text"}))
        lines = await docker.images.build(fileobj=context, encoding="identity", tag="aio:1")
        assert any("Successfully tagged aio:1" in line.get("stream", "") for line in lines)
        assert (await docker.images.inspect("aio:1"))["Config"]["Labels"] == {"x": "y"}
        await docker.images.tag("aio:1", repo="aio", tag="2")
        async with docker.images.export_image("aio:2") as response:
            data = await response.read()
        await docker.images.delete("aio:1", force=True)
        await docker.images.delete("aio:2", force=True)
        assert [line async for line in docker.images.import_image(data=data, stream=True)]
        assert (await docker.images.history("aio:2"))[0]["Tags"] == ["aio:2"]
        assert "aio:2" in [tag for image in await docker.images.list() for tag in image["RepoTags"] or ()]

    play(case)


def test_archives_networks_and_volumes(play: Any) -> None:
    async def case(docker: Any) -> None:
        volume = await docker.volumes.create({"Name": "aiov"})
        network = await docker.networks.create({"Name": "aion"})
        box = await docker.containers.create(
            {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {"Binds": ["aiov:/v"], "NetworkMode": "aion"}}
        )
        await box.put_archive("/v", tarred({"a": "inside"}))
        tar = await box.get_archive("/v/a")
        assert tar.extractfile("a").read() == b"inside"
        await box.start()
        assert box.id in (await network.show())["Containers"]
        with pytest.raises(aiodocker.DockerError) as used:
            await volume.delete()
        assert used.value.status == 409
        await box.delete(force=True)
        await network.delete()
        await volume.delete()

    play(case)
