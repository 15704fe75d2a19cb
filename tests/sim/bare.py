"""A bare busybox root to run one command in, without daemon, image or container: for tests, and for
trying a program out.

    run(["sh", "-c", "echo $0 | wc -c"])  →  Result(exit=0, stdout=b"3\\n", stderr=b"")
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from simpy import Event

from simdocker.api.streams import Stream
from simdocker.backends.ports import MountPoint, ProcessSpec, RunningProcess, StartFailed
from simdocker.backends.sim.machine import PATH, Machine
from simdocker.content.changeset import Node, file, put
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace


class Result(NamedTuple):
    """How a command ended and what it wrote."""

    exit: int
    stdout: bytes
    stderr: bytes


class Bare:
    """One machine with one container over a busybox root; `files` are put into the image."""

    def __init__(self, files: Mapping[str, bytes | str] | None = None) -> None:
        self.env = Environment()
        self.trace = Trace(self.env)
        self.machine = Machine("bare", self.env, self.trace, CostProfile.load("instant"), RandomStreams(1))
        self._count = 0
        storage = self.machine.storage
        self.env.run(self.env.process(storage.apply("busybox", "", busybox_tree(), 0)))
        chain = "busybox"
        if files:
            layer = Node("dir", 0o755)
            for path, data in files.items():
                put(layer, path, file(data))
            self.env.run(self.env.process(storage.apply("files", chain, layer, 0)))
            chain = "files"
        storage.create("bare", chain)

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: Stream | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        user: str = "",
        tty: bool = False,
        mounts: Sequence[MountPoint] = (),
        read_only: bool = False,
        memory: int = 0,
        pids_limit: int = 0,
        nano_cpus: int = 0,
        init: bool = False,
    ) -> tuple[RunningProcess, list[tuple[int, bytes]]]:
        """Start a container → its process, and the list that what it writes is added to as (fd, bytes)."""
        machine = self.machine
        written: list[tuple[int, bytes]] = []
        variables = {"PATH": PATH, "HOSTNAME": "bare", **(env or {})}
        spec = ProcessSpec(
            list(argv), [f"{name}={value}" for name, value in variables.items()], cwd, user, tty, "bare",
            {"/etc/hostname": "bare\n", "/etc/hosts": "127.0.0.1\tlocalhost\n", "/etc/resolv.conf": ""}, mounts,
            read_only, init, memory, nano_cpus, pids_limit,
        )  # fmt: skip

        def start() -> Generator[Event, Any, RunningProcess]:
            rootfs = yield from machine.storage.mount("bare")
            sandbox = machine.network.sandbox("bare", "private", None)
            process: RunningProcess = yield from machine.runtime.start(
                "bare", spec, rootfs, sandbox, lambda fd, data: written.append((fd, data)), stdin
            )
            return process

        return self.env.run(self.env.process(start())), written

    def run(self, argv: Sequence[str], *, stdin: bytes | str = b"", **options: object) -> Result:
        """Run a container until its first process has ended."""
        stream = None
        if stdin:
            stream = Stream(self.env)
            stream.write(stdin.encode() if isinstance(stdin, str) else stdin)
            stream.close()
        try:
            process, written = self.start(argv, stdin=stream, **options)  # type: ignore[arg-type]
        except StartFailed as error:
            return Result(error.exit_code, b"", error.message.encode())
        status = self.env.run(process.exited)
        self.machine.runtime.destroy("bare")
        out, err = (b"".join(data for fd, data in written if fd == wanted) for wanted in (1, 2))
        return Result(status, out, err)


def run(
    argv: Sequence[str], *, stdin: bytes | str = b"", files: Mapping[str, bytes | str] | None = None, **options: object
) -> Result:
    """Run one command in a fresh bare root."""
    return Bare(files).run(argv, stdin=stdin, **options)


@cache
def busybox_tree() -> Node:
    """The busybox image's only layer."""
    from simdocker.actors.registry.catalogue.busybox import images

    return images()["1.35"].layers[0].tree
