"""Instructions that only change an image's configuration: ENV, LABEL, CMD, USER, EXPOSE and the like.

Each is a function from a `Draft` and the instruction to the line that history keeps of it. A build
commits that line with the changed configuration; `docker commit --change` and `docker import
--change` take the configuration alone (dockerd's `BuildFromConfig`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon.builder.arguments import Arguments
from simdocker.actors.daemon.signals import parse_signal
from simdocker.api import ApiError, BadRequest, InternalError
from simdocker.api.gotext import duration_text, go_quote
from simdocker.api.models import ContainerConfig, HealthConfig
from simdocker.content.dockerfile import (
    BadInstruction,
    DockerfileError,
    Expander,
    ExpansionError,
    Instruction,
    instruction,
    parse,
)
from simdocker.content.dockerfile.expansion import variables
from simdocker.content.dockerfile.instructions import interval, retries
from simdocker.content.dockerfile.ports import exposed_ports

if TYPE_CHECKING:
    from simdocker.actors.daemon.image_store import Image

DEFAULT_SHELL = ["/bin/sh", "-c"]
CHANGES = frozenset("CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD USER VOLUME WORKDIR".split())
"""The instructions that `--change` takes."""

EXPANDED = frozenset("ADD ARG COPY ENV LABEL STOPSIGNAL USER VOLUME WORKDIR".split())
"""The instructions in whose words variables are put (EXPOSE does it in its own way)."""


class Draft:
    """The image that a build is at: the configuration so far, and the image it stands on (None: scratch)."""

    __slots__ = ("arguments", "author", "command_set", "config", "escape", "image")

    def __init__(self, config: ContainerConfig, image: Image | None, arguments: Arguments, escape: str) -> None:
        self.config = config
        self.image = image
        self.arguments = arguments
        self.escape = escape
        self.author = ""
        self.command_set = False  # whether CMD came in this stage; if not, ENTRYPOINT drops the base's

    def change(self, **fields: Any) -> None:
        """Set fields of the configuration, which others may hold, so it is replaced."""
        self.config = msgspec.structs.replace(self.config, **fields)

    def expander(self) -> Expander:
        """What puts the variables of this point into words: the arguments, and over them the environment."""
        env = self.config.Env or ()
        return Expander(self.escape, variables((*self.arguments.beside(env), *env)))

    def shell(self) -> list[str]:
        """What a command in shell form is handed to."""
        return self.config.Shell or DEFAULT_SHELL

    def command(self, step: Instruction) -> list[str]:
        """The arguments that a command in JSON or shell form means."""
        return list(step.words) if step.json else [*self.shell(), *step.words]


def expanded(draft: Draft, step: Instruction) -> Instruction:
    """The instruction with its variables put in. Raises BadRequest."""
    if step.name not in EXPANDED:
        return step
    expander = draft.expander()
    try:
        words = tuple(_argument(expander, word) if step.name == "ARG" else expander.word(word) for word in step.words)
        flags = {name: expander.word(text) if name == "chown" else text for name, text in step.flags.items()}
    except ExpansionError as fault:
        raise BadRequest(str(fault)) from None
    return msgspec.structs.replace(step, words=words, flags=flags)


def _argument(expander: Expander, word: str) -> str:
    """An ARG's `name=value`, each expanded by itself. Raises ExpansionError."""
    name, equals, value = word.partition("=")
    return expander.word(name) + equals + expander.word(value)


def changed(config: ContainerConfig, lines: Iterable[str]) -> ContainerConfig:
    """`config` after these instructions, as for `docker commit --change`. Raises BadRequest with the
    builder's sentence."""
    given = list(lines)
    if not given:
        return config
    try:
        parsed = parse("\n".join(given))
        for node in parsed.nodes:
            if node.name.upper() not in CHANGES:
                raise BadRequest(f"{node.name} is not a valid change command")
        steps = [instruction(node) for node in parsed.nodes]
    except (DockerfileError, BadInstruction) as fault:
        raise BadRequest(str(fault)) from None
    draft = Draft(config, None, Arguments({}), parsed.escape)
    for step in steps:
        try:
            CONFIGURE[step.name](draft, expanded(draft, step))
        except ApiError as fault:
            raise BadRequest(fault.message) from None
    return draft.config


# -- one function an instruction, in alphabetical order --------------------------------------------


def _arg(draft: Draft, step: Instruction) -> str:
    for word in step.words:
        name, equals, value = word.partition("=")
        draft.arguments.declare(name, value if equals else None)
    return " ".join(("ARG", *step.words))


def _cmd(draft: Draft, step: Instruction) -> str:
    command = draft.command(step)
    draft.change(Cmd=command)
    draft.command_set = draft.command_set or bool(command)
    return f"CMD {_quoted(command)}"


def _entrypoint(draft: Draft, step: Instruction) -> str:
    command = draft.command(step)
    draft.change(Entrypoint=command)
    if not draft.command_set:
        draft.change(Cmd=None)
    return f"ENTRYPOINT {_quoted(command)}"


def _env(draft: Draft, step: Instruction) -> str:
    env = list(draft.config.Env or ())
    at = {entry.partition("=")[0]: number for number, entry in reversed(list(enumerate(env)))}
    for name, value in _pairs(step):
        if name in at:
            env[at[name]] = f"{name}={value}"
        else:
            at[name] = len(env)
            env.append(f"{name}={value}")
    draft.change(Env=env)
    return " ".join(("ENV", *(f"{name}={value}" for name, value in _pairs(step))))


def _expose(draft: Draft, step: Instruction) -> str:
    expander = draft.expander()
    try:
        specs = [word for text in step.words for word in expander.words(text)]
        ports = exposed_ports(specs)
    except (ExpansionError, ValueError) as fault:
        raise InternalError(str(fault)) from None
    draft.change(ExposedPorts=_united(draft.config.ExposedPorts, ports))
    return " ".join(("EXPOSE", *specs))


def _healthcheck(draft: Draft, step: Instruction) -> str:
    kind, *command = step.words
    if kind.upper() == "NONE":
        check = HealthConfig(Test=["NONE"])
    else:
        check = HealthConfig(
            Test=["CMD" if step.json else "CMD-SHELL", *command],
            Interval=interval(step, "interval"),
            Timeout=interval(step, "timeout"),
            StartPeriod=interval(step, "start-period"),
            Retries=retries(step),
        )
    before = draft.image.config.Healthcheck if draft.image is not None else None
    draft.change(Healthcheck=_inheriting(check, before))
    times = " ".join(f'"{duration_text(ns)}"' for ns in (check.Interval, check.Timeout, check.StartPeriod))
    return f"HEALTHCHECK &{{{_quoted(check.Test or [])} {times} '\\x{check.Retries:02x}'}}"


def _label(draft: Draft, step: Instruction) -> str:
    draft.change(Labels={**(draft.config.Labels or {}), **dict(_pairs(step))})
    return " ".join(("LABEL", *(f"{name}={value}" for name, value in _pairs(step))))


def _maintainer(draft: Draft, step: Instruction) -> str:
    draft.author = step.words[0]
    return f"MAINTAINER {draft.author}"


def _onbuild(draft: Draft, step: Instruction) -> str:
    draft.change(OnBuild=[*(draft.config.OnBuild or ()), step.trigger])
    return f"ONBUILD {step.trigger}"


def _shell(draft: Draft, step: Instruction) -> str:
    draft.change(Shell=list(step.words))
    return f"SHELL [{' '.join(step.words)}]"


def _stopsignal(draft: Draft, step: Instruction) -> str:
    if parse_signal(step.words[0]) < 0:
        raise InternalError(f"Invalid signal: {step.words[0]}")
    draft.change(StopSignal=step.words[0])
    return f"STOPSIGNAL {step.words[0]}"


def _user(draft: Draft, step: Instruction) -> str:
    draft.change(User=step.words[0])
    return f"USER {step.words[0]}"


def _volume(draft: Draft, step: Instruction) -> str:
    if not all(step.words):
        raise InternalError("VOLUME specified can not be an empty string")
    draft.change(Volumes=_united(draft.config.Volumes, step.words))
    return f"VOLUME [{' '.join(step.words)}]"


def _workdir(draft: Draft, step: Instruction) -> str:
    wanted = step.words[0]
    if not wanted:
        raise InternalError("cannot normalize nothing")
    if not wanted.startswith("/"):
        wanted = posixpath.normpath(posixpath.join("/", draft.config.WorkingDir, wanted))
    draft.change(WorkingDir=wanted)
    return f"WORKDIR {wanted}"


CONFIGURE: Mapping[str, Callable[[Draft, Instruction], str]] = {
    "ARG": _arg,
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
"""What each of them does to the draft; the text is what history says of it. They raise ApiError."""


def _pairs(step: Instruction) -> Iterable[tuple[str, str]]:
    return zip(step.words[::2], step.words[1::2], strict=True)


def _quoted(words: Iterable[str]) -> str:
    """Go's %q of a list of texts."""
    return f"[{' '.join(go_quote(word) for word in words)}]"


def _united(before: Mapping[str, Any] | None, names: Iterable[str]) -> dict[str, Any]:
    return {**(before or {}), **{name: {} for name in names}}


def _inheriting(check: HealthConfig, before: HealthConfig | None) -> HealthConfig:
    """What a health check leaves open it has from the image below (daemon/commit.go `merge`)."""
    if before is None:
        return check
    fields = ("Interval", "Timeout", "StartPeriod", "Retries")
    return msgspec.structs.replace(check, **{name: getattr(check, name) or getattr(before, name) for name in fields})
