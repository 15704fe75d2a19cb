"""A daemon with nothing but images, for tests of images alone: no runtime, no networks, no volumes."""

from simdocker.actors.daemon.daemon import Daemon
from simdocker.actors.daemon.images import Images
from simdocker.actors.daemon.settings import DEFAULTS
from simdocker.actors.distribution.directory import Directory
from simdocker.actors.registry.catalogue import hub
from simdocker.actors.registry.registry import Registry
from simdocker.api import ApiError, Request
from simdocker.content.platforms import AMD64
from simdocker.des import CostProfile, Environment, Network, RandomStreams
from simdocker.trace import Trace

MBIT = 1_000_000


class World:
    """Docker Hub and some hosts, each joined to it by a link of its own."""

    def __init__(self, contents=None, bandwidth=100 * MBIT, profile="default"):
        self.env = Environment()
        self.trace = Trace(self.env)
        self.network = Network(self.env)
        self.profile = CostProfile.load(profile)
        self.streams = RandomStreams(1)
        self.bandwidth = bandwidth
        self.directory = Directory(self.network, self.trace)
        self.hub = self.registry("docker.io", hub() if contents is None else contents)

    def registry(self, name, contents=None):
        registry = Registry(name, self.env, self.trace, self.profile, self.streams, contents)
        self.network.add_host(name)
        self.directory.add(registry)
        return registry

    def host(self, name="laptop"):
        for registry in ("docker.io", *[n for n in self.network.graph if n.startswith("registry.")]):
            if not self.network.graph.has_edge(name, registry):
                self.network.add_link(name, registry, 10_000_000, self.bandwidth)
        return Host(name, self)


class FakeStorage:
    """Extracts in a time that follows bytes and files; remembers what it holds."""

    def __init__(self, env):
        self.env = env
        self.layers = []
        self.started = []

    def directory(self, id):
        return f"/var/lib/docker/overlay2/{id.removeprefix('sha256:')}"

    def apply(self, chain_id, parent, layer, size):
        assert not parent or parent in self.layers, "a layer is extracted over one that is there"
        self.started.append(chain_id)
        yield self.env.timeout(50_000_000 + size)
        self.layers.append(chain_id)

    def delete(self, chain_id):
        yield self.env.timeout(1_000_000)
        self.layers.remove(chain_id)


class FakeContainer:
    def __init__(self, image, running=False, id="c0ffee" * 10 + "abcd"):
        self.image, self.running, self.id = image, running, id


class Host:
    """What `Images` needs of its daemon, and the calls tests make."""

    platform = AMD64
    platform_of, platform_as = Daemon.platform_of, Daemon.platform_as
    keep, drop, memory = Daemon.keep, Daemon.drop, None

    def __init__(self, name, world):
        self.host, self.world = name, world
        self.actor = f"daemon@{name}"
        self.env, self.trace, self.profile = world.env, world.trace, world.profile
        self.registries = world.directory
        self.storage = FakeStorage(world.env)
        self.containers = self
        self.events = self
        self.settings = DEFAULTS
        self.using = []
        self.emitted = []
        self._random = world.streams.stream(name)
        self.images = Images(self)

    def work(self, name):
        return self.env.timeout(self.profile.draw(name, self._random))

    def using_image(self, image_id):
        return [container for container in self.using if container.image.id == image_id]

    def emit(self, type, action, id, attributes):
        self.emitted.append((action, id, attributes))

    # -- calls ------------------------------------------------------------------------------

    def call(self, handler, *parameters, **query):
        """The response to one request; an ApiError is returned, not raised."""

        def main():
            try:
                return (yield from handler(Request("GET", "/", query), *parameters))
            except ApiError as error:
                return error

        return self.env.run(self.env.process(main()))

    def pull(self, name, tag="latest", **query):
        """The progress messages of a pull run to its end, or the ApiError."""
        return self.env.run(self.pulling(name, tag, **query))

    def pulling(self, name, tag="latest", **query):
        """The same as a process under way."""

        def main():
            try:
                response = yield from self.images.create(Request("POST", "/", {"fromImage": name, "tag": tag, **query}))
            except ApiError as error:
                return error
            messages = []
            while (message := (yield from response.stream.read())) is not None:
                messages.append(message)
            return messages

        return self.env.process(main())


def said(messages, id=None):
    """The statuses of a pull in order, without progress of the same phase repeated."""
    lines = [m.get("status", m.get("error")) for m in messages if id is None or m.get("id") == id]
    return [line for number, line in enumerate(lines) if not number or lines[number - 1] != line]
