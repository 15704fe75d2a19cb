"""`docker build`: an image from a Dockerfile, by the daemon's classic builder."""

from __future__ import annotations

import json
from typing import Any

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.contexts import context
from simdocker.actors.client.credentials import NO_AUTHS
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.grammar import EXPERIMENTAL, Flag, Flags
from simdocker.actors.client.options.devices import ULIMIT
from simdocker.actors.client.options.environment import ENV
from simdocker.actors.client.options.hosts import EXTRA_HOSTS
from simdocker.actors.client.options.sizes import BYTES, SWAP
from simdocker.actors.client.pairs import LABELS
from simdocker.actors.client.platform import wanted_platform
from simdocker.actors.client.pulling import show_progress
from simdocker.actors.client.values import BOOL, INT, STRING, repeated
from simdocker.api.messages import Repeated
from simdocker.content.reference import InvalidReference, parse_as_cli

STRINGS = repeated("strings")
"""--cache-from and --security-opt."""


def _tag(text: str) -> str:
    try:
        parse_as_cli(text)
    except InvalidReference as fault:
        raise ValueError(fault.message) from None
    return text


@command(
    "[OPTIONS] PATH | URL | -",
    "Build an image from a Dockerfile",
    args=exactly(1),
    aliases="docker image build, docker build, docker builder build",
    flags=[
        Flag("add-host", "", EXTRA_HOSTS, 'Add a custom host-to-IP mapping ("host:ip")'),
        Flag("build-arg", "", ENV, "Set build-time variables"),
        Flag("cache-from", "", STRINGS, "Images to consider as cache sources"),
        Flag("cgroup-parent", "", STRING, 'Set the parent cgroup for the "RUN" instructions during build'),
        Flag("compress", "", BOOL, "Compress the build context using gzip"),
        Flag("cpu-period", "", INT, "Limit the CPU CFS (Completely Fair Scheduler) period"),
        Flag("cpu-quota", "", INT, "Limit the CPU CFS (Completely Fair Scheduler) quota"),
        Flag("cpu-shares", "c", INT, "CPU shares (relative weight)"),
        Flag("cpuset-cpus", "", STRING, "CPUs in which to allow execution (0-3, 0,1)"),
        Flag("cpuset-mems", "", STRING, "MEMs in which to allow execution (0-3, 0,1)"),
        Flag("disable-content-trust", "", BOOL, "Skip image verification", True),
        Flag("file", "f", STRING, 'Name of the Dockerfile (Default is "PATH/Dockerfile")'),
        Flag("force-rm", "", BOOL, "Always remove intermediate containers"),
        Flag("iidfile", "", STRING, "Write the image ID to the file"),
        Flag("isolation", "", STRING, "Container isolation technology"),
        Flag("label", "", LABELS, "Set metadata for an image"),
        Flag("memory", "m", BYTES, "Memory limit"),
        Flag("memory-swap", "", SWAP, "Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
        Flag("network", "", STRING, "Set the networking mode for the RUN instructions during build", "default"),
        Flag("no-cache", "", BOOL, "Do not use cache when building the image"),
        Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
        Flag("pull", "", BOOL, "Always attempt to pull a newer version of the image"),
        Flag("quiet", "q", BOOL, "Suppress the build output and print image ID on success"),
        Flag("rm", "", BOOL, "Remove intermediate containers after a successful build", True),
        Flag("security-opt", "", STRINGS, "Security options"),
        Flag("shm-size", "", BYTES, 'Size of "/dev/shm"'),
        Flag("squash", "", BOOL, "Squash newly built layers into a single new layer", elsewhere=EXPERIMENTAL),
        Flag("tag", "t", repeated("list", _tag), 'Name and optionally a tag in the "name:tag" format'),
        Flag("target", "", STRING, "Set the target build stage to build."),
        Flag("ulimit", "", ULIMIT, "Ulimit options", shown="[]"),
    ],
)
def build(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: pack the context, send it, show what the daemon says.

    With --quiet all of that is held back, and shown (on standard error) only if the build fails.
    """
    quiet = flags.on("quiet")
    _remove_old(cli, flags.text("iidfile"))
    data, dockerfile = yield from context(cli, args[0], flags.text("file"))
    sending = f"Sending build context to Docker daemon {human_size(data.size):>8}\r\r\n"
    held: list[str] = []
    if not quiet:
        cli.out(sending)
    response = yield from cli.try_call(
        "POST",
        "/build",
        _query(cli, flags, dockerfile),
        data,
        {"Content-Type": "application/x-tar", **NO_AUTHS},
    )
    if response.failed:
        if quiet:
            cli.err(sending)
        raise CommandError(error_text(response))
    id = ""

    def learn(detail: dict[str, Any]) -> None:
        nonlocal id
        id = detail.get("ID", "")

    width = cli.terminal.width if cli.terminal.stdout_tty and not quiet else 0
    stream = response.stream
    assert stream is not None
    try:
        yield from show_progress(stream, held.append if quiet else cli.out, width, learn)
    except CommandError:
        if quiet:
            cli.err(sending + "".join(held))
        raise
    finally:
        if not stream.closed:
            stream.cancel()
    if quiet:
        id = "".join(held)
        cli.out(id)
    if flags.text("iidfile"):
        _write_id(cli, flags.text("iidfile"), id)
    return 0


def _remove_old(cli: Cli, path: str) -> None:
    """A stale id must not be left behind by a build that fails."""
    if path and cli.terminal.exists(path):
        cli.terminal.filesystem.remove(cli.terminal.abspath(path))


def _write_id(cli: Cli, path: str, id: str) -> None:
    if not id:
        raise CommandError(f"Server did not provide an image ID. Cannot write {path}")
    try:
        cli.terminal.write_file(path, id.encode())
    except OSError as error:
        raise CommandError(f"open {path}: {str(error.strerror).lower()}") from None


def _query(cli: Cli, flags: Flags, dockerfile: str) -> dict[str, str]:
    """The build's options; what is as the daemon has it by itself is not said."""
    query = {"dockerfile": dockerfile, "version": "1"}
    for flag, parameter in _SWITCHES.items():
        if flags.on(flag):
            query[parameter] = "1"
    if not flags.on("rm"):
        query["rm"] = "0"
    for flag, parameter in _TEXTS.items():
        if flags.text(flag):
            query[parameter] = flags.text(flag)
    if platform := wanted_platform(cli, flags):
        query["platform"] = platform
    for flag, parameter in _NUMBERS.items():
        if flags.get(flag):
            query[parameter] = str(flags.get(flag))
    if flags.text("network") not in ("", "default"):
        query["networkmode"] = flags.text("network")
    for flag, parameter in (("tag", "t"), ("add-host", "extrahosts"), ("security-opt", "securityopt")):
        if flags.get(flag):
            query[parameter] = Repeated(flags.get(flag))
    for flag, parameter, value in (
        ("build-arg", "buildargs", {name: _given(cli, name, text) for name, text in _named(flags.get("build-arg"))}),
        ("label", "labels", {name: text or "" for name, text in _named(flags.get("label"))}),
        ("cache-from", "cachefrom", [name for text in flags.get("cache-from") for name in text.split(",")]),
        ("ulimit", "ulimits", [limit for _, limit in sorted(flags.get("ulimit").items())]),
    ):
        if flags.get(flag):
            query[parameter] = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return query


_SWITCHES = {"quiet": "q", "no-cache": "nocache", "force-rm": "forcerm", "pull": "pull"}
_TEXTS = {
    "cgroup-parent": "cgroupparent",
    "cpuset-cpus": "cpusetcpus",
    "cpuset-mems": "cpusetmems",
    "isolation": "isolation",
    "target": "target",
}
_NUMBERS = {
    "cpu-period": "cpuperiod",
    "cpu-quota": "cpuquota",
    "cpu-shares": "cpushares",
    "memory": "memory",
    "memory-swap": "memswap",
    "shm-size": "shmsize",
}


def _named(texts: list[str]) -> list[tuple[str, str | None]]:
    """`name=value` or a name alone, in turn."""
    return [(name, value if equals else None) for name, equals, value in (text.partition("=") for text in texts)]


def _given(cli: Cli, name: str, value: str | None) -> str | None:
    """A build argument's value; without one it is the environment's, if that has it."""
    return cli.terminal.env.get(name) if value is None else value
