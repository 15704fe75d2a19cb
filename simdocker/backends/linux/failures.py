"""What dockerd says when a step of a container's start fails, with the exit code that goes with it."""

from __future__ import annotations

import errno
import os

from simdocker.backends.linux.forkserver import StepError
from simdocker.backends.linux.programs import NO_TWIN
from simdocker.backends.linux.steps import INIT, Step
from simdocker.backends.ports import ProcessSpec, StartFailed
from simdocker.backends.runc_errors import CREATE, EXEC, GO_ERRORS, sentence

NOT_IN_PATH, NOT_EXECUTABLE, STAND_IN = errno.ESRCH, errno.EPERM, errno.EINVAL  # `calls.look_path` tells so


def failure(error: StepError, prefix: str, spec: ProcessSpec) -> StartFailed:
    """What dockerd says when a step of runc's fails, with the exit code that goes with it."""
    step, number = error.step, error.errno
    go = GO_ERRORS.get(number) or os.strerror(number).lower()
    if step.call == "look path":
        return _not_found(step.args[0], number, go, error.what, in_exec=prefix is EXEC)
    if step.call in ("move_mount", "open_tree"):
        target = step.args[1]
        source = next((mount.source for mount in spec.mounts if mount.target == target), INIT)
        text = (
            f'error during container init: error mounting "{source}" to rootfs at "{target}": '
            f"mount {source}:{target} (via /proc/self/fd/6), flags: 0x5000: {go}"
        )
        return StartFailed(sentence(prefix, text), 127)
    if step.call == "chdir":
        return StartFailed(sentence(prefix, f'chdir to cwd ("{step.args[0]}") set in config.json failed: {go}'), 126)
    return StartFailed(sentence(prefix, f"error during container init: {step.name}: {error.what}: {go}"), 128)


def unprepared(step: Step, number: int) -> str:
    """What dockerd says when runc could not make a container's cgroup, or not open what it gets of the host."""
    go = GO_ERRORS.get(number) or os.strerror(number).lower()
    if step.call == "mkdir":
        return sentence(CREATE, f"unable to apply cgroup configuration: mkdir {step.args[0]}: {go}")
    if step.call == "keep devices":
        return sentence(CREATE, f"error setting cgroup config for procHooks process: load program: {go}")
    path, value = step.args
    if step.call != "write":
        return sentence(CREATE, f'error during container init: error mounting "{path}" to rootfs at "{value}": {go}')
    text = f'error setting cgroup config for procHooks process: failed to write "{value}": write {path}: {go}'
    return sentence(CREATE, text)


def _not_found(name: str, number: int, go: str, what: str, *, in_exec: bool) -> StartFailed:
    prefix = EXEC if in_exec else CREATE
    if number == STAND_IN:
        text = f'exec: "{name}": {what} {NO_TWIN}'
        return StartFailed(sentence(prefix, text), 126)
    if number == NOT_EXECUTABLE:
        return StartFailed(sentence(prefix, f'exec: "{name}": permission denied'), 126)
    if number == NOT_IN_PATH:
        text = f'exec: "{name}": executable file not found in $PATH'
        return StartFailed(sentence(prefix, text), 126 if in_exec else 127)
    text = f'exec: "{name}": stat {name}: {go}'
    return StartFailed(sentence(prefix, text), 126 if in_exec or number == errno.EACCES else 127)
