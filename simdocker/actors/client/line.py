"""One docker command line, read: which command, with which flags and arguments, or why not.

Reading depends on the words alone, so a line is read once and shared by every host that runs it;
`memo` keeps what the command derives from its words (such as the body of a create request).
Complaints and exit codes are docker CLI 28's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from simdocker.actors.client.absent import CHECKPOINT, absence
from simdocker.actors.client.absent import COMMANDS as ABSENT
from simdocker.actors.client.catalogue import COMMANDS, GROUPS, SYNONYMS, load
from simdocker.actors.client.command import Command
from simdocker.actors.client.grammar import Flag, Flags, HelpWanted, UsageError, read_flags
from simdocker.actors.client.help import GLOBAL_USAGE, usage_line
from simdocker.actors.client.values import BOOL, LIST, STRING

GLOBAL_FLAGS = {
    flag.name: flag
    for flag in (
        Flag("config", "", STRING, "Location of client config files", "/root/.docker"),
        Flag(
            "context",
            "c",
            STRING,
            "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context "
            'set with "docker context use")',
        ),
        Flag("debug", "D", BOOL, "Enable debug mode"),
        Flag("host", "H", LIST, "Daemon socket to connect to"),
        Flag("log-level", "l", STRING, 'Set the logging level ("debug", "info", "warn", "error", "fatal")', "info"),
        Flag("tls", "", BOOL, "Use TLS; implied by --tlsverify"),
        Flag("tlscacert", "", STRING, "Trust certs signed only by this CA", "/root/.docker/ca.pem"),
        Flag("tlscert", "", STRING, "Path to TLS certificate file", "/root/.docker/cert.pem"),
        Flag("tlskey", "", STRING, "Path to TLS key file", "/root/.docker/key.pem"),
        Flag("tlsverify", "", BOOL, "Use TLS and verify the remote"),
        Flag("version", "v", BOOL, "Print version information and quit"),
    )
}

LOG_LEVELS = ("panic", "fatal", "error", "warn", "warning", "info", "debug", "trace")

NO_FLAGS: dict[str, Flag] = {}

USAGE_EXIT = 125  # a command line that cannot be read
PLAIN_EXIT = 1


class Line:
    """A command line that leads to `command`, called by `words` (`"container ls"`)."""

    __slots__ = ("args", "checked", "command", "flags", "globals", "memo", "since", "words")

    def __init__(self, command: Command, words: str, flags: Flags, args: list[str], globals_: Flags) -> None:
        self.command = command
        self.words = words
        self.flags = flags
        self.args = args
        self.globals = globals_
        self.memo: dict[str, Any] = {}
        # Flags that a daemon may be too old for. They are looked at only when there are some.
        found = [command.flags[name] for name in flags.given]
        self.since = [(flag.name, flag.since) for flag in found if flag.since]
        self.checked = bool(self.since) or any(flag.elsewhere for flag in found)


class Help:
    """A command line that asks for help: on `command`, on the group `words`, or ("") on docker. One
    that names no command gets it `unasked`, on standard error."""

    __slots__ = ("command", "globals", "unasked", "warnings", "words")

    def __init__(
        self, words: str, command: Command | None, globals_: Flags, warnings: str = "", unasked: bool = False
    ) -> None:
        self.words = words
        self.command = command
        self.globals = globals_
        self.warnings = warnings
        self.unasked = unasked


class Answer:
    """A command line answered at once, without a daemon: what to print where, and the exit code."""

    __slots__ = ("exit_code", "stderr", "stdout")

    def __init__(self, exit_code: int, stdout: str = "", stderr: str = "") -> None:
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr


@lru_cache(4096)
def read_line(words: tuple[str, ...]) -> Line | Help | Answer:
    """Read what follows `docker` on a command line."""
    try:
        flags, rest = read_flags(GLOBAL_FLAGS, words, interspersed=False)
    except UsageError as fault:
        return _misused(fault, GLOBAL_USAGE, "docker")
    except HelpWanted as wish:
        return _help(_after_flags(words), Flags(GLOBAL_FLAGS, {}), str(wish))
    level = flags.text("log-level")
    if level.lower() not in LOG_LEVELS:
        return Answer(PLAIN_EXIT, stderr=f"Unable to parse logging level: {level}\n")
    if len(flags.many("host")) > 1:
        return Answer(PLAIN_EXIT, stderr=not_resolved("Specify only one -H"))
    if not rest and flags.on("version"):
        from simdocker.actors.client.cli import GIT_COMMIT, VERSION

        return Answer(0, f"Docker version {VERSION}, build {GIT_COMMIT}\n")
    if not rest:
        return Help("", None, flags, unasked=True)
    if rest[0] == "help":
        return _help(rest[1:], flags)
    if rest[0] in GROUPS and len(rest) > 1 and f"{rest[0]} {rest[1]}" in SYNONYMS:
        rest = [*SYNONYMS[f"{rest[0]} {rest[1]}"].split(), *rest[2:]]
    for length in (1, 2, 3):
        called = " ".join(rest[:length])
        if len(rest) >= length and called in COMMANDS:
            return _read_command(called, rest[length:], flags)
    return _no_command(rest, flags)


def _read_command(words: str, rest: list[str], globals_: Flags) -> Line | Help | Answer:
    command = load(words)
    usage = usage_line(words, command)
    try:
        flags, args = read_flags(command.flags, rest, command.interspersed)
    except UsageError as fault:
        return _misused(fault, usage, f"docker {words}")
    except HelpWanted as wish:
        return Help(words, command, globals_, str(wish))
    complaint = command.args(len(args))
    if "arg(s)" in complaint:
        return Answer(PLAIN_EXIT, stderr=f"{complaint}\n")
    if complaint:
        # docker says "See" after one of its rules, "SRun" (a slip in CLI 28) after another
        hint = "See" if "at least" in complaint and "most" not in complaint else "Run"
        hint = "SRun" if complaint.startswith("requires at most") else hint
        text = f"docker: 'docker {words}' {complaint}\n\nUsage:  {usage}\n\n{hint} 'docker {words} --help'"
        return Answer(PLAIN_EXIT, stderr=f"{text} for more information\n")
    return Line(command, words, flags, args, globals_)


def _no_command(rest: list[str], globals_: Flags) -> Help | Answer:
    """The words lead nowhere: docker still reads the flags, which may ask for help or be wrong."""
    if sentence := absence(rest):
        asked = rest[0] == CHECKPOINT and "--help" in rest  # what is not there has no help, but that is no fault
        return Answer(0 if asked else PLAIN_EXIT, stderr=sentence)
    group = rest[0] if rest[0] in GROUPS or rest[0] in ABSENT else ""
    if " ".join(rest[:2]) in GROUPS:
        group = " ".join(rest[:2])
    usage = f"docker {group}" + (" COMMAND" if group in ("manifest", "volume") else "") if group else GLOBAL_USAGE
    try:
        _, args = read_flags(NO_FLAGS if group else GLOBAL_FLAGS, rest[len(group.split()) :])
    except UsageError as fault:
        return _misused(fault, usage, f"docker {group}".rstrip())
    except HelpWanted as wish:
        return Help(group, None, globals_, str(wish))
    if not args:
        return Help(group, None, globals_, unasked=True)
    where = f"docker {group}".rstrip()
    text = f"docker: unknown command: {where} {args[0]}\n"
    if group:
        text += f"\nUsage:  {usage}\n"
    return Answer(PLAIN_EXIT, stderr=f"{text}\nRun '{where} --help' for more information\n")


def _help(words: list[str], globals_: Flags, warnings: str = "") -> Help | Answer:
    """`docker help …` and `docker --help …`."""
    called = " ".join(words)
    called = SYNONYMS.get(called, called)
    if called in COMMANDS:
        return Help(called, load(called), globals_, warnings)
    if not words or called in GROUPS:
        return Help(called, None, globals_, warnings)
    if sentence := absence(words):
        return Answer(PLAIN_EXIT, stderr=sentence)
    return Answer(PLAIN_EXIT, stderr=f"unknown help topic: {words[-1]}\n")


def _after_flags(words: tuple[str, ...]) -> list[str]:
    """The words of `docker --help ps` without the flags before them."""
    return [word for word in words if not word.startswith("-")]


def _misused(fault: UsageError, usage: str, called: str) -> Answer:
    text = f"{fault}\n\nUsage:  {usage}\n\nRun '{called} --help' for more information\n"
    return Answer(USAGE_EXIT, stderr=text)


def not_resolved(why: str) -> str:
    """What docker says to an address it cannot read."""
    return f"Failed to initialize: unable to resolve docker endpoint: {why}\n"
