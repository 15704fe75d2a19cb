"""Machines to hold the drivers' contract against: the simulated one, and the one the tests run on."""

from __future__ import annotations

from functools import cache
from itertools import count

import pytest

from simdocker.actors.registry.catalogue.busybox import images
from simdocker.api.streams import Stream
from simdocker.backends.linux.machine import LinuxMachine
from simdocker.backends.ports import ProcessSpec
from simdocker.backends.sim import Machine
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.des.wall import WallClock
from simdocker.trace import Trace

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
needs_linux = [pytest.mark.root, pytest.mark.busybox]


@cache
def busybox():
    return images()["latest"].layers[0].tree


class HostNetwork:
    """A sandbox that is the machine's own network."""

    namespace = None
    resolver = None


class Host:
    """A machine, a busybox layer on it, and containers of that layer."""

    def __init__(self, env, machine, sandbox):
        self.env = env
        self.machine = machine
        self.sandbox = sandbox
        self.ids = count(1)
        self.does(machine.storage.apply("busybox", "", busybox(), 4_000_000))

    def does(self, process):
        """The result of a driver's process, run to its end."""
        return self.env.run(self.env.process(process))

    def rest(self, ns):
        """Let time pass."""
        self.env.run(self.env.timeout(ns))

    def container(self, *args, chain="busybox", **options):
        return Box(self, args, chain, options)

    def run(self, *args, **options):
        """(exit code, standard output, standard error) of a container run to its end."""
        box = self.container(*args, **options)
        try:
            return box.run()
        finally:
            box.remove()


class Box:
    """One container. `stdin` is what it gets to read; b"" leaves that open, for `typing`."""

    def __init__(self, host, args, chain, options):
        self.host = host
        self.id = f"{next(host.ids):064x}"
        self.stdin = options.pop("stdin", None)
        self.written = {1: bytearray(), 2: bytearray()}
        options.setdefault("env", (PATH,))
        options.setdefault("hostname", "box")
        self.spec = ProcessSpec(args, **options)
        self.process = self.typing = None
        self.sandbox = host.sandbox(self.id)
        host.machine.storage.create(self.id, chain)

    @property
    def runtime(self):
        return self.host.machine.runtime

    @property
    def out(self):
        return bytes(self.written[1]).decode()

    def start(self):
        self.process = self.host.does(self._start())
        return self

    def _start(self):
        storage = self.host.machine.storage
        rootfs = yield from storage.mount(self.id, read_only=self.spec.read_only)
        stdin = None
        if self.stdin is not None:
            stdin = self.typing = Stream(self.host.env)
            if self.stdin:
                stdin.write(self.stdin)
                stdin.close()
        return (
            yield from self.runtime.start(
                self.id, self.spec, rootfs, self.sandbox, lambda fd, data: self.written[fd].extend(data), stdin
            )
        )

    def wait(self):
        return (
            self.host.env.run(self.process.exited) if not self.process.exited.processed else self.process.exited.value
        )

    def run(self):
        """(exit code, standard output, standard error)."""
        return self.host.does(self._life()), self.out, bytes(self.written[2]).decode()

    def _life(self):
        self.process = yield from self._start()
        return (yield self.process.exited)

    def exec(self, *args, **options):
        """(exit code, what it wrote)."""
        written = bytearray()
        spec = ProcessSpec(args, env=(PATH,), **options)

        def life():
            process = yield from self.runtime.exec(self.id, spec, lambda _, data: written.extend(data), None)
            return (yield process.exited)

        return self.host.does(life()), bytes(written).decode()

    def until(self, text, limit=5_000):
        """Let time pass until `text` has been written."""
        for _ in range(limit):
            if text in self.out:
                return
            self.host.rest(1_000_000)
        raise AssertionError(f"{text!r} never came, only {self.out!r}")

    def remove(self):
        if self.process is not None and not self.process.exited.triggered:
            self.runtime.signal(self.process, 9)
            self.wait()
        self.host.machine.storage.unmount(self.id)
        self.runtime.destroy(self.id)
        self.host.machine.storage.remove(self.id)


def simulated():
    env = Environment()
    machine = Machine("laptop", env, Trace(env), CostProfile.load("default"), RandomStreams(1))
    return Host(env, machine, lambda name: machine.network.sandbox(name, "private", None))


def real(directory):
    env = WallClock()
    machine = LinuxMachine("laptop", env, Trace(env), data_root=f"{directory}/data", run_directory=directory / "run")
    return Host(env, machine, lambda _: HostNetwork())
