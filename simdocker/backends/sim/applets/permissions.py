"""chmod, chown and chgrp."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Failure, Usage, options
from simdocker.backends.sim.applets.tree import (
    DIRECTORY,
    LINK,
    group_number,
    join,
    kind,
    user_number,
)


@applet("chmod")
def chmod(call: Call) -> int:
    args = list(call.args)
    # A mode such as -x looks like an option.
    mode_at = next((i for i, arg in enumerate(args) if arg[:1] != "-" or arg[1:2] in tuple("rwxXst")), -1)
    if mode_at < 0:
        options(call, "Rcvf")
        raise Usage
    text = args.pop(mode_at)
    call.args = args
    found = options(call, "Rcvf")
    if not found.args:
        raise Usage
    if modes.change(text, 0, False, call.p.umask) is None:
        raise Failure(f"invalid mode '{text}'")
    status = 0
    for path in found.args:
        status |= _change_mode(call, path, text, found.flags, top=True)
    return status


def _change_mode(call: Call, path: str, text: str, flags: dict[str, int], *, top: bool) -> int:
    p = call.p
    try:
        found = p.stat(path) if top else p.lstat(path)
        status = 0
        if kind(found) == LINK:
            return 0
        mode = modes.change(text, found.st_mode & 0o7777, kind(found) == DIRECTORY, p.umask) or 0
        p.chmod(path, mode)
        if "v" in flags or ("c" in flags and mode != found.st_mode & 0o7777):
            call.out(f"mode of '{path}' changed to {mode:04o} ({modes.describe(mode)[1:]})\n")
        if "R" in flags and kind(found) == DIRECTORY:
            for name in p.listdir(path):
                status |= _change_mode(call, join(path, name), text, flags, top=False)
        return status
    except OSError as error:
        if "f" not in flags:
            call.complain(f"{path}: {error.strerror}")
        return 1


@applet("chown", "chgrp")
def chown(call: Call) -> int:
    found = options(call, "RhLHPcvf")
    if len(found.args) < 2:
        raise Usage
    text, *paths = found.args
    user, group = _owner(call, text)
    status = 0
    for path in paths:
        status |= _change_owner(call, path, user, group, found.flags, top=True)
    return status


def _owner(call: Call, text: str) -> tuple[int, int]:
    """`user`, `user:group`, `:group`; chgrp's `group`. -1 leaves as it is."""
    p = call.p
    if call.name == "chgrp":
        group = group_number(p, text)
        if group is None:
            raise Failure(f"unknown group {text}")
        return -1, group
    separator = ":" if ":" in text else "." if "." in text and user_number(p, text) is None else ""
    name, _, group_name = text.partition(separator) if separator else (text, "", "")
    user = user_number(p, name) if name else -1
    if separator and (user is None or (group_name and group_number(p, group_name) is None)):
        raise Failure(f"unknown user/group {text}")
    if user is None:
        raise Failure(f"unknown user {name}")
    group = group_number(p, group_name) if group_name else -1
    return user, -1 if group is None else group


def _change_owner(call: Call, path: str, user: int, group: int, flags: dict[str, int], *, top: bool) -> int:
    p = call.p
    try:
        found = p.lstat(path)
        p.chown(path, user, group, follow="h" not in flags and top)
        status = 0
        if "v" in flags:
            call.out(
                f"changed ownership of '{path}' to {found.st_uid if user < 0 else user}:"
                f"{found.st_gid if group < 0 else group}\n"
            )
        if "R" in flags and kind(found) == DIRECTORY:
            for name in p.listdir(path):
                status |= _change_owner(call, join(path, name), user, group, flags, top=False)
        return status
    except OSError as error:
        if "f" not in flags:
            call.complain(f"{path}: {error.strerror}")
        return 1
