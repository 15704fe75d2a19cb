"""The docker client: the `docker` command line of one host.

It reads a command line, runs the command it means against a daemon, and returns the exit code. What it
needs of its host it gets from a `Terminal`, the way to a daemon from `connect`; it keeps nothing
between two command lines, as the real one does not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.client.buildkit import notice
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit
from simdocker.actors.client.connection import Connect
from simdocker.actors.client.help import command_help, docker_help, group_help
from simdocker.actors.client.line import GLOBAL_FLAGS, PLAIN_EXIT, Answer, Help, Line, read_line
from simdocker.actors.client.terminal import Terminal
from simdocker.actors.client.way import Way
from simdocker.api import Broken, Stream
from simdocker.trace.record import NOTE

if TYPE_CHECKING:
    from simdocker.actors.distribution.directory import Connection as RegistryConnection
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.trace import Trace


class Client:
    """`docker` on one host, built for its architecture `arch`. Its costs (starting up, ending) are drawn from
    `profile`."""

    __slots__ = ("_connect", "_random", "actor", "arch", "env", "host", "profile", "registries", "trace")

    def __init__(
        self,
        host: str,
        env: Environment,
        trace: Trace,
        profile: CostProfile,
        streams: RandomStreams,
        connect: Connect,
        arch: str = "amd64",
        registries: Callable[[str, str], RegistryConnection] | None = None,
    ) -> None:
        self.host = host
        self.arch = arch
        self.registries = registries  # the way to a registry, by its name and what it is to speak ("": as usual)
        self.actor = f"client@{host}"
        self.env = env
        self.trace = trace
        self.profile = profile
        self._random = streams.stream(f"{self.actor}/cost")
        self._connect = connect

    def run(self, argv: Sequence[str], terminal: Terminal) -> Exit:
        """Process → exit code: carry out one command line; `argv` is what follows `docker`.

        1. The program starts up and reads its words.
        2. What needs no daemon is answered at once.
        3. The command runs; what stops it is printed, and decides the exit code.
        4. The program ends.
        """
        env = self.env
        opened: list[Stream] = []
        self.trace.emit(NOTE, self.actor, "command", {"argv": argv})
        yield env.timeout(self.profile.draw("client.startup", self._random))
        try:
            code: int = yield from self._carry_out(self._read(argv, terminal), terminal, opened)
        except CommandError as fault:
            if fault.message:
                terminal.err(fault.message + "\n")
            code = fault.exit_code
        except Broken:
            terminal.err("unexpected EOF\n")
            code = PLAIN_EXIT
        except BrokenPipeError as fault:
            terminal.err(f"{fault}\n")
            code = PLAIN_EXIT
        finally:
            _hang_up(opened)
        yield env.timeout(self.profile.draw("client.exit", self._random))
        self.trace.emit(NOTE, self.actor, "exit", {"code": code})
        return code

    def _read(self, argv: Sequence[str], terminal: Terminal) -> Line | Help | Answer:
        said = notice(argv, GLOBAL_FLAGS, terminal.env)
        if said:
            terminal.err(said)
        return read_line(tuple(argv))

    def _carry_out(self, line: Line | Help | Answer, terminal: Terminal, opened: list[Stream]) -> Exit:
        """The process of what the words mean; it adds to `opened` the streams of answers. Raises CommandError."""
        if type(line) is Answer:
            return self._answer(line, terminal)
        if type(line) is Help:
            return self._help(line, terminal)
        assert type(line) is Line
        for warning in line.flags.warnings:
            terminal.err(warning + "\n")
        way = Way(line.globals, terminal)
        connection = self._connect(None if line.command.alone else way.address())
        cli = Cli(self.env, terminal, connection, line.words, line.memo)
        cli.way = way
        cli.streams, cli.arch, cli.registries = opened, self.arch, self.registries
        command = line.command.run(cli, line.flags, line.args)
        return self._once_agreed(cli, line, command) if line.checked else command

    def _once_agreed(self, cli: Cli, line: Line, command: Exit) -> Exit:
        """Process → exit code: the daemon has to speak what the flags want."""
        for name, since in line.since:
            yield from cli.need(f"--{name}", since)
        for name in line.flags.given:
            if elsewhere := line.command.flags[name].elsewhere:
                yield from cli.greet()
                raise CommandError(f'"--{name}" is only supported on a Docker daemon {elsewhere}')
        return (yield from command)

    def _answer(self, answer: Answer, terminal: Terminal) -> Exit:
        if answer.stdout:
            terminal.out(answer.stdout)
        if answer.stderr:
            terminal.err(answer.stderr)
        return answer.exit_code
        yield

    def _help(self, wish: Help, terminal: Terminal) -> Exit:
        if wish.warnings:  # docker prints this one on standard output, except before its own help
            (terminal.out if wish.words else terminal.err)(wish.warnings)
        command = wish.command
        show = terminal.err if wish.unasked else terminal.out
        if command is not None:
            api_version = ""
            if any(flag.since or flag.elsewhere for flag in command.flags.values()):
                api_version = yield from self._spoken(wish, terminal)
            show(command_help(wish.words, command, terminal.width, api_version))
        elif wish.words:
            show(group_help(wish.words))
        else:
            show(docker_help(GLOBAL_FLAGS.values(), terminal.width))
        return 0

    def _spoken(self, wish: Help, terminal: Terminal) -> Generator[Event, Any, str]:
        """Process → the API version that help is about; "" where there is no daemon."""
        try:
            connection = self._connect(Way(wish.globals, terminal).address())
        except CommandError:
            return ""
        cli = Cli(self.env, terminal, connection, wish.words, {})
        yield from cli.greet()
        return cli.api_version if cli.reached else ""


def _hang_up(streams: list[Stream]) -> None:
    """The program ends, and the system closes its connections."""
    for stream in streams:
        stream.cancel()
