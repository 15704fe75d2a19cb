"""A world of one host, for tests of what containers do: the whole daemon on a simulated machine."""

from simdocker.actors.daemon.daemon import Daemon
from simdocker.actors.distribution.directory import Directory
from simdocker.actors.registry.catalogue import hub
from simdocker.actors.registry.registry import Registry
from simdocker.api import Request
from simdocker.api.models import ContainerCreateBody, ExecCreateBody, ExecStartBody
from simdocker.backends.sim import Machine
from simdocker.des import CostProfile, Environment, Network, RandomStreams
from simdocker.trace import Trace


class OneHost:
    """A host with a daemon, next to Docker Hub."""

    def __init__(self):
        self.env = env = Environment()
        self.trace = Trace(env)
        self.network = Network(env)
        profile, streams = CostProfile.load("default"), RandomStreams(1)
        directory = Directory(self.network, self.trace)
        directory.add(Registry("docker.io", env, self.trace, profile, streams, hub()))
        self.network.add_link("laptop", "docker.io", 1_000_000, 10_000_000_000)
        machine = self.machine = Machine("laptop", env, self.trace, profile, streams)
        self.daemon = Daemon(
            "laptop", env, self.trace, profile, streams, storage=machine.storage, runtime=machine.runtime,
            network=machine.network, volume=machine.volume, plugin_host=machine.plugins, registries=directory,
        )  # fmt: skip

    def call(self, method, path, body=None, **query):
        """(status, body or list of chunks) of one request, run to its end."""

        def main():
            response = yield from self.daemon.handle(Request(method, path, query, body))
            if response.stream is None:
                return response.status, response.body
            chunks = []
            while (chunk := (yield from response.stream.read())) is not None:
                chunks.append(chunk)
            return response.status, chunks

        return self.env.run(self.env.process(main()))

    def start(self, image, *command, name="box", env=(), entrypoint=None, host=None, volumes=None):
        """Pull an image and start a container of it."""
        repository, _, tag = image.partition(":")
        status, progress = self.call("POST", "/images/create", fromImage=repository, tag=tag or "latest")
        assert status == 200, progress
        body = ContainerCreateBody(
            Image=image, Cmd=list(command) or None, Env=list(env), Entrypoint=entrypoint, HostConfig=host,
            Volumes=volumes,
        )  # fmt: skip
        status, created = self.call("POST", "/containers/create", body, name=name)
        assert status == 201, created
        status, answer = self.call("POST", f"/containers/{name}/start")
        assert status == 204, answer

    def run(self, image, *command, **options):
        """(exit code, standard output, standard error) of a container run to its end."""
        self.start(image, *command, **options)
        return self.finish(options.get("name", "box"))

    def finish(self, name="box"):
        """The same of a container that was started."""
        _, chunks = self.call("POST", f"/containers/{name}/wait")
        chunk = chunks[0] if isinstance(chunks, list) else chunks
        return chunk["StatusCode"], self.logs(name, 1), self.logs(name, 2)

    def logs(self, name="box", fd=1):
        """What a container wrote to one descriptor so far."""
        _, chunks = self.call("GET", f"/containers/{name}/logs", **{("stdout", "stderr")[fd - 1]: "1"})
        return b"".join(data for _, data in chunks or []).decode()

    def exec(self, *command, name="box"):
        """(exit code, output) of a command in a running container."""
        status, made = self.call("POST", f"/containers/{name}/exec", ExecCreateBody(
            Cmd=list(command), AttachStdout=True, AttachStderr=True,
        ))  # fmt: skip
        assert status == 201, made
        _, chunks = self.call("POST", f"/exec/{made['Id']}/start", ExecStartBody())
        _, seen = self.call("GET", f"/exec/{made['Id']}/json")
        return seen["ExitCode"], b"".join(data for _, data in chunks).decode()

    def sleep(self, seconds):
        self.env.run(until=self.env.now + int(seconds * 1_000_000_000))

    def stop(self, name="box"):
        """`docker stop`; the seconds it took."""
        before = self.env.now
        status, answer = self.call("POST", f"/containers/{name}/stop")
        assert status == 204, answer
        return (self.env.now - before) / 1e9
