"""What could come next on a line: commands, flags, and the names of what is there in the live world.

Everything is read off the declarations that the client itself works with: which words are commands,
which flags a command has and which of them take a value, and from its usage line what its arguments
name (`CONTAINER`, `IMAGE`, `NETWORK`, `VOLUME`). Nothing here knows a single docker command.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from simdocker.actors.client.catalogue import COMMANDS, GROUPS, SYNONYMS, load
from simdocker.actors.client.line import GLOBAL_FLAGS
from simdocker.backends.sim.shell.builtins import BUILTINS
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simdocker.actors.client.command import Command
    from simdocker.actors.client.grammar import Flag
    from simdocker.scenario.session import Session

SEPARATOR = re.compile(r"\|\||&&|[|;&\n(]")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
RUNNING_ONLY = {"attach", "exec", "kill", "pause", "port", "stop", "top"}
STOPPED_ONLY = {"start"}
FLAG_NAMES = {  # what the value of a flag names, for those whose value names something
    "network": "NETWORK", "volume": "VOLUME", "volumes-from": "CONTAINER", "link": "CONTAINER", "env-file": "FILE",
    "label-file": "FILE", "cidfile": "FILE",
}  # fmt: skip


class Candidate(NamedTuple):
    """A word that could stand here instead of the one begun, and what it is."""

    text: str
    note: str = ""


def candidates(line: str, session: Session, host: str) -> tuple[str, list[Candidate]]:
    """The word begun at the end of `line`, and what could stand there instead."""
    words = SEPARATOR.split(line)[-1].split(" ")
    begun = words[-1]
    before = [word for word in words[:-1] if word]
    while before and ASSIGNMENT.match(before[0]):
        before.pop(0)
    found = _Candidates(session, host, begun).of(before)
    unique = {candidate.text: candidate for candidate in found if candidate.text.startswith(begun)}
    return begun, sorted(unique.values())


class _Candidates:
    """The candidates for the word `begun` on one host."""

    def __init__(self, session: Session, host: str, begun: str) -> None:
        self.session = session
        self.host = host
        self.begun = begun

    def listing(self, kind: str) -> list[dict[str, Any]]:
        """The objects of that kind there are now."""
        return self.session.world.listing(kind, self.host)

    def of(self, before: list[str]) -> Iterable[Candidate]:
        if not before:
            return self.files() if "/" in self.begun else self.programs()
        if before[0] != "docker":
            return self.files()
        rest, flag = _after_flags(GLOBAL_FLAGS, before[1:])
        if flag is not None:
            return ()
        if self.begun.startswith("-") and not rest:
            return _flags(GLOBAL_FLAGS)
        return self.docker(rest)

    def docker(self, rest: list[str]) -> Iterable[Candidate]:
        """After `docker` and its own flags."""
        if not rest:
            return _commands("")
        words = rest[:2] if rest[0] in GROUPS else rest[:1]
        called = " ".join(words)
        called = SYNONYMS.get(called, called)
        if called not in COMMANDS:
            return _commands(f"{rest[0]} ") if rest[0] in GROUPS and len(rest) == 1 else ()
        command = load(called)
        args, flag = _after_flags(command.flags, rest[len(words) :], command.interspersed)
        if flag is not None:
            return self.named(FLAG_NAMES.get(flag.name, ""), called)
        if self.begun.startswith("-") and (command.interspersed or not args):
            return _flags(command.flags)
        return self.named(_argument(command, len(args)), called)

    def named(self, kind: str, called: str) -> Iterator[Candidate]:
        """The things that a word of a usage line stands for."""
        if "CONTAINER" in kind or kind.startswith("NAME|"):
            yield from self.containers(called)
        if "IMAGE" in kind or "REPOSITORY" in kind or kind.startswith("NAME"):
            yield from self.images()
        if kind.startswith("NAME[:TAG") or (kind == "IMAGE" and called.split()[-1] in ("run", "create")):
            yield from self.published()
        if "NETWORK" in kind or kind.startswith("NAME|"):
            for network in self.listing("network"):
                yield Candidate(network["Name"], f"network, {network['Driver']}")
        if "VOLUME" in kind or kind.startswith("NAME|"):
            for volume in self.listing("volume"):
                yield Candidate(volume["Name"], "volume")
        if kind in ("FILE", "VOLUME") or kind.startswith(("COMMAND", "ARG")):
            yield from self.files()

    def containers(self, called: str) -> Iterator[Candidate]:
        verb = called.split()[-1]
        for container in self.listing("container"):
            running = container["State"] in ("running", "paused", "restarting")
            if not (verb in RUNNING_ONLY and not running) and not (verb in STOPPED_ONLY and running):
                yield Candidate(container["Names"][0].removeprefix("/"), f"{container['Image']}, {container['State']}")

    def images(self) -> Iterator[Candidate]:
        for image in self.listing("image"):
            for tag in image["RepoTags"] or ():
                yield Candidate(tag.removesuffix(":latest"), "here")

    def published(self) -> Iterator[Candidate]:
        """What the registries hold; the tags of a repository once its name is written out."""
        for registry in self.session.world.registries.values():
            for repository in registry.repositories():
                name = repository.removeprefix("library/")
                if registry.name != HUB:
                    name = f"{registry.name}/{repository}"
                yield Candidate(name, f"on {registry.name}")
                if self.begun.startswith(f"{name}:"):
                    for tag in registry.tags(repository) or ():
                        yield Candidate(f"{name}:{tag}", f"on {registry.name}")

    def programs(self) -> Iterator[Candidate]:
        """Programs and builtins of the host."""
        shell = self.session.shell(self.host).process
        for name in BUILTINS:
            yield Candidate(name)
        for directory in shell.env.get("PATH", "").split(":"):
            if shell.access(directory, 0):
                for name in shell.listdir(directory):
                    yield Candidate(name)

    def files(self) -> Iterator[Candidate]:
        """Files below the host shell's working directory, or at an absolute path."""
        shell = self.session.shell(self.host).process
        directory = posixpath.dirname(self.begun)
        prefix = directory if directory.endswith("/") or not directory else f"{directory}/"
        hidden = posixpath.basename(self.begun).startswith(".")
        try:
            names = shell.listdir(directory or ".")
        except OSError:
            return
        for name in names:
            if hidden or not name.startswith("."):
                is_directory = shell.lstat(prefix + name).st_mode & 0o170000 == 0o040000
                yield Candidate(prefix + name + ("/" if is_directory else ""))


def _commands(prefix: str) -> Iterator[Candidate]:
    """The words after `prefix`: docker's commands and groups, or a group's commands."""
    for words in COMMANDS:
        if words.startswith(prefix) and " " not in words[len(prefix) :]:
            yield Candidate(words[len(prefix) :], load(words).short)
    if not prefix:
        for group, note in GROUPS.items():
            yield Candidate(group, note)


def _flags(declared: Mapping[str, Flag]) -> Iterator[Candidate]:
    for flag in declared.values():
        if not flag.hidden and not flag.deprecated:
            yield Candidate(f"--{flag.name}", flag.usage)


def _after_flags(
    declared: Mapping[str, Flag], words: list[str], interspersed: bool = False
) -> tuple[list[str], Flag | None]:
    """The arguments among `words`, and the flag whose value comes next, if one does."""
    shorts = {flag.short: flag for flag in declared.values() if flag.short}
    args: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-" or (args and not interspersed):
            args.append(word)
            continue
        flag = declared.get(word[2:]) if word.startswith("--") else shorts.get(word[-1])
        if flag is not None and flag.kind.lone is None and "=" not in word:
            if not rest:
                return args, flag
            rest.pop(0)
    return args, None


def _argument(command: Command, index: int) -> str:
    """What the argument at `index` names, in the words of the command's usage line."""
    words = [word for word in command.tail.split() if word != "[OPTIONS]"]
    if not words:
        return ""
    word = words[index] if index < len(words) else words[-1]
    repeated = words[-1].endswith("...]")
    return word.strip("[]") if index < len(words) or repeated else ""
