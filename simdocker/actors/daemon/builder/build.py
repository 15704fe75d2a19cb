"""One build: the stages of a Dockerfile, step by step (moby's `builder/dockerfile/evaluator.go`)."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event

from simdocker.actors.daemon.builder.arguments import Arguments
from simdocker.actors.daemon.builder.cache import Cache
from simdocker.actors.daemon.builder.configuring import CONFIGURE, Draft, expanded
from simdocker.actors.daemon.builder.copying import Copy
from simdocker.actors.daemon.builder.options import Options
from simdocker.actors.daemon.builder.output import Output
from simdocker.actors.daemon.builder.running import Intermediate
from simdocker.actors.daemon.builder.sources import Source
from simdocker.actors.daemon.checks import DEFAULT_PATH
from simdocker.actors.daemon.committing import Change, commit
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.pull import Pull
from simdocker.actors.daemon.web import SCHEMES, unreachable
from simdocker.api import ApiError, BadRequest, InternalError, NotFound
from simdocker.api.models import ContainerConfig, HealthConfig
from simdocker.backends.ports import DriverError, Process
from simdocker.content import platforms
from simdocker.content import reference as references
from simdocker.content.digest import short
from simdocker.content.dockerfile import (
    BadInstruction,
    DockerfileError,
    Expander,
    ExpansionError,
    Instruction,
    Parsed,
    Stage,
    instruction,
    parse,
    stages,
)

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

SCRATCH = "scratch"
NEEDS_BUILDKIT = (
    "the --{} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images "
    "with BuildKit enabled"
)
OTHER_PLATFORM = """
WARNING: Pulled image with specified platform ({}), but the resulting image's configured platform ({}) does not match.
This is most likely caused by a bug in the build system that created the fetched image ({}).
Please notify the image author to correct the configuration.
"""


class Build:
    """One build over a build context. Making one checks the Dockerfile; `run` builds."""

    def __init__(self, daemon: Daemon, options: Options, parsed: Parsed, context: Source, output: Output) -> None:
        """Raises BadRequest with the sentence of what is wrong with the Dockerfile."""
        self.daemon = daemon
        self.options = options
        self.context = context
        self.output = output
        self.escape = parsed.escape
        self.warnings = parsed.warnings
        try:
            self.before, self.stages = stages(parsed)
        except BadInstruction as fault:
            raise BadRequest(str(fault)) from None
        self._choose_target()
        for stage in self.stages[-1:]:
            stage.instructions += [_label(name, value) for name, value in sorted(options.labels.items())]
        self.arguments = Arguments(options.arguments)
        self.containers = Intermediate(daemon, options.host, output)
        self.cache = Cache(daemon, use=not options.no_cache, sources=options.cache_from)
        self.results: list[tuple[str, Image | None]] = []  # name and image of each stage that is done
        self._done = 0
        self._steps = len(self.before) + len(self.stages) + sum(len(stage.instructions) for stage in self.stages)

    def _choose_target(self) -> None:
        target = self.options.target
        if not target:
            return
        for number, stage in enumerate(self.stages):
            if stage.name == target.lower():
                self.stages = self.stages[: number + 1]
                return
        raise BadRequest(f"failed to reach build target {target} in Dockerfile")

    def run(self) -> Generator[Event, Any, Image]:
        """Process → Image: build. Raises ApiError, CommandFailed.

        1. The ARGs before the first FROM.
        2. Each stage: its base image, then its steps.
        3. Complain of arguments that nothing asked for.
        """
        if self.warnings:
            self.output.error_text("\n".join(self.warnings) + "\n")
        for step in self.before:
            self._say_step(step.code)
            self._argument_before_from(step)
        if not self.stages:
            raise InternalError("unexpected EOF")  # dockerd falls over ARGs alone: its client sees the connection end
        draft = None
        for stage in self.stages:
            if stage.name and any(name == stage.name for name, _ in self.results):
                raise InternalError("a stage name already used")
            self._say_step(stage.code)
            draft = yield from self._stage(stage)
            self.arguments.end_stage()
            self.results.append((stage.name, draft.image))
        unused = self.arguments.unused()
        if unused:
            self.output.text(f"[Warning] One or more build-args [{' '.join(unused)}] were not consumed\n")
        if draft is None or draft.image is None:
            raise InternalError("No image was generated. Is your Dockerfile empty?")
        return draft.image

    def _say_step(self, code: str) -> None:
        self._done += 1
        self.daemon.trace.note(self.daemon.actor, "build step", {"step": self._done, "of": self._steps, "what": code})
        self.output.text(f"Step {self._done}/{self._steps} : {code}\n")

    def _argument_before_from(self, step: Instruction) -> None:
        expander = Expander(self.escape, self.arguments.before_from())
        for word in step.words:
            name, equals, value = word.partition("=")
            name, value = _expand(expander, name), _expand(expander, value)
            self.arguments.declare_before_from(name, value if equals else None)

    # -- a stage -----------------------------------------------------------------------------------

    def _stage(self, stage: Stage) -> Generator[Event, Any, Draft]:
        """Process → Draft: build one stage to its end."""
        self.cache.begin_stage()
        image = yield from self._base(stage)
        draft = self._begin(image)
        yield from self._triggers(draft)
        self._say_image(draft)
        for step in stage.instructions:
            self._say_step(step.code)
            yield from self._step(draft, step)
            self._say_image(draft)
        if draft.image is not None:
            self.output.message({"aux": {"ID": draft.image.id}})
        return draft

    def _base(self, stage: Stage) -> Process:
        """Process → the Image that FROM names, None for scratch."""
        expander = Expander(self.escape, self.arguments.before_from())
        platform = self.options.platform
        if stage.platform:
            platform = _expand(expander, stage.platform)
            try:
                self.daemon.platform_as(platform)
            except BadRequest as fault:
                raise InternalError(f"failed to parse platform {platform}: {fault.message}") from None
        name = _expand(expander, stage.base)
        if not name:
            raise InternalError(f"base name ({stage.base}) should not be blank")
        for earlier, image in self.results:
            if earlier and earlier == name.lower():
                return image
        if name == SCRATCH:
            return None
        return (yield from self._image(name, platform))

    def _image(self, name: str, platform: str) -> Process:
        """Process → Image: the one here or, if it is not here or `--pull` was given, the registry's."""
        images = self.daemon.images
        if not self.options.pull:
            try:
                return images.get(name)
            except NotFound:
                pass
        if name == SCRATCH:
            raise InternalError(f"'{SCRATCH}' is a reserved name")
        reference = references.parse(name).or_latest()
        wanted = self.daemon.platform_of(platform)
        pulled = yield from Pull(self.daemon, reference, wanted, warns=False).start()
        try:
            while (message := (yield from pulled.stream.read())) is not None:
                if "error" in message:
                    raise InternalError(message["error"])
                self.output.message(message)
        finally:
            if not pulled.stream.closed:
                pulled.stream.cancel()
        image = images.get(name)
        if wanted is not None and not platforms.suits(wanted, image.document.platform):
            self.output.text(OTHER_PLATFORM.format(wanted, image.document.platform, name))
        return image

    def _begin(self, image: Image | None) -> Draft:
        config = image.config if image is not None else ContainerConfig()
        env = list(config.Env or ())
        if not any(entry.startswith("PATH=") for entry in env):
            env.append(DEFAULT_PATH)
        config = msgspec.structs.replace(
            config, Env=env, OpenStdin=False, StdinOnce=False, Image=image.id if image else ""
        )
        return Draft(config, image, self.arguments, self.escape)

    def _triggers(self, draft: Draft) -> Process:
        """Process: what the base image's ONBUILDs left to do."""
        triggers = draft.config.OnBuild
        if not triggers:
            return
        draft.change(OnBuild=None)
        self.output.text(f"# Executing {len(triggers)} build trigger{'s' if len(triggers) > 1 else ''}\n")
        for text in triggers:
            try:
                nodes = parse(text).nodes
                if len(nodes) != 1:
                    raise InternalError("onbuild trigger should be a single expression")
                step = instruction(nodes[0])
            except (DockerfileError, BadInstruction) as fault:
                raise InternalError(str(fault)) from None
            yield from self._step(draft, step)

    def _say_image(self, draft: Draft) -> None:
        self.output.text(f" ---> {short(draft.image.id) if draft.image is not None else ''}\n")

    # -- a step ------------------------------------------------------------------------------------

    def _step(self, draft: Draft, step: Instruction) -> Process:
        """Process: one instruction; the draft then stands on the image it left behind."""
        failed = True
        try:
            step = expanded(draft, step)
            if step.name == "RUN":
                yield from self._run(draft, step)
            elif step.name in ("COPY", "ADD"):
                yield from self._copy(draft, step)
            else:
                yield from self._configure(draft, step)
            failed = False
        except DriverError as error:
            raise InternalError(str(error.args[0])) from None
        finally:
            if self.options.force_remove or (self.options.remove and not failed):
                yield from self.containers.remove_all()

    def _found(self, draft: Draft, made_by: ContainerConfig) -> Generator[Event, Any, bool]:
        """Process → whether the cache has the step; then the draft stands on what it has."""
        cached = self.cache.probe(draft.image, made_by)
        if cached is None:
            self.daemon.trace.note(self.daemon.actor, "build cache miss", {"command": " ".join(made_by.Cmd or ())})
            return False
        yield self.daemon.work("build.cached")
        self.output.text(" ---> Using cache\n")
        self.daemon.trace.note(self.daemon.actor, "build cache hit", {"image": short(cached.id)})
        _stand_on(draft, cached)
        return True

    def _commit(self, draft: Draft, layer: str, made_by: ContainerConfig, container: str = "") -> Process:
        """Process: what `layer` changed and the draft's configuration become the next image."""
        change = Change(layer, draft.config, made_by, container, draft.author)
        _stand_on(draft, (yield from commit(self.daemon, change, draft.image)))

    def _configure(self, draft: Draft, step: Instruction) -> Process:
        """Process: an instruction that changes the configuration alone."""
        if step.name == "HEALTHCHECK":
            before = draft.config.Healthcheck
            if before is not None and before.Test and before.Test[0] != "NONE":
                self.output.text(f"Note: overriding previous HEALTHCHECK: [{' '.join(before.Test)}]\n")
        comment = CONFIGURE[step.name](draft, step)
        said = [f"#(nop) {comment}"] if step.name == "WORKDIR" else ["#(nop) ", comment]
        made_by = msgspec.structs.replace(draft.config, Cmd=[*draft.shell(), *said])
        if (yield from self._found(draft, made_by)):
            return
        container = yield from self.containers.create(made_by)
        made_by = msgspec.structs.replace(made_by, Hostname=container.config.Hostname)
        yield from self._commit(draft, container.id, made_by, container.id)

    def _run(self, draft: Draft, step: Instruction) -> Process:
        """Process: RUN: a container runs the command, and what it changed is kept."""
        if step.flags:
            raise InternalError(NEEDS_BUILDKIT.format(next(iter(step.flags))))
        config = draft.config
        command = draft.command(step)
        arguments = self.arguments.beside(config.Env or ())
        shown = command
        if arguments:
            counted = self.arguments.in_history(arguments)
            shown = [f"|{len(counted)}", *counted, *command]
        made_by = msgspec.structs.replace(config, Cmd=shown, Entrypoint=None if shown else config.Entrypoint)
        if (yield from self._found(draft, made_by)):
            return
        container = yield from self.containers.create(
            msgspec.structs.replace(
                config,
                Cmd=command,
                Entrypoint=[""] if shown else config.Entrypoint,  # nothing to run: the image's own command
                Env=[*(config.Env or ()), *arguments],
                Healthcheck=HealthConfig(Test=["NONE"]),
            )
        )
        yield from self.containers.run(container)
        yield from self._commit(draft, container.id, made_by, container.id)

    def _copy(self, draft: Draft, step: Instruction) -> Process:
        """Process: COPY and ADD: a writable layer without a container takes the files."""
        if "chmod" in step.flags:
            raise InternalError(NEEDS_BUILDKIT.format("chmod"))
        daemon, layer, source = self.daemon, self.daemon.new_id(), self.context
        origin = ""
        try:
            if step.flags.get("from"):
                origin = daemon.new_id()
                source = yield from self._copy_from(step.flags["from"], origin)
            self._check_urls(step)
            copy = Copy(step, source, draft.config.WorkingDir, preserve=bool(origin))
            comment = f"#(nop) {copy.comment(step.words[-1])}"
            yield daemon.env.timeout(daemon.cost("digest.mib") * copy.size >> 20)
            made_by = msgspec.structs.replace(draft.config, Cmd=[*draft.shell(), comment])
            if (yield from self._found(draft, made_by)):
                return
            below = draft.image.chain_id if draft.image is not None else ""
            daemon.storage.create(layer, below, init=False)
            yield from daemon.storage.mount(layer)
            copy.put(daemon.storage.files(layer), f"{daemon.storage.directory(layer)}/{'merged' if below else 'diff'}")
            daemon.storage.unmount(layer)
            yield from self._commit(draft, layer, made_by)
        finally:
            daemon.storage.remove(layer)
            if origin:
                daemon.storage.remove(origin)

    def _check_urls(self, step: Instruction) -> None:
        """Raises InternalError for a source that is to be fetched."""
        for url in filter(lambda word: word.startswith(SCHEMES), step.words[:-1]):
            why = "source can't be a URL for COPY" if step.name == "COPY" else unreachable(self.daemon, url)
            raise InternalError(f"{step.name} failed: {why}")

    def _copy_from(self, name: str, layer: str) -> Process:
        """Process → Source: the files of an earlier stage, by name or number, or of an image; seen through a
        writable layer `layer` that nothing is written to."""
        try:
            stage = self._earlier(name)
            image = stage[0] if stage is not None else (yield from self._image(name, self.options.platform))
        except ApiError as fault:
            raise InternalError(f"invalid from flag value {name}: {fault.message}") from None
        storage = self.daemon.storage
        storage.create(layer, image.chain_id if image is not None else "", init=False)
        yield from storage.mount(layer)
        return Source(storage.files(layer), is_context=False)

    def _earlier(self, name: str) -> tuple[Image | None] | None:
        """What an earlier stage stands on, None when there is no such stage. Raises InternalError for a number
        that is none."""
        for earlier, image in self.results:
            if earlier and earlier == name.lower():
                return (image,)
        try:
            number = int(name)
        except ValueError:
            return None
        if number == len(self.results):
            raise InternalError("refers to current build stage")
        if not 0 <= number < len(self.results):
            raise InternalError("index out of bounds")
        return (self.results[number][1],)


def _stand_on(draft: Draft, image: Image) -> None:
    draft.image = image
    draft.change(Image=image.id)


def _label(name: str, value: str) -> Instruction:
    """`--label name=value` as the LABEL that it becomes at the end of the last stage."""
    return Instruction("LABEL", f"LABEL {name}={value}", (name, value), {})


def _expand(expander: Expander, word: str) -> str:
    try:
        return expander.word(word)
    except ExpansionError as fault:
        raise InternalError(str(fault)) from None
