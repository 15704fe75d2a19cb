"""ulimit: the shell's own resource limits, which what it starts inherits (busybox's shell/shell_common.c)."""

from __future__ import annotations

from collections.abc import Iterator

from simdocker.backends.sim.shell.builtins import BuiltinCall, builtin
from simdocker.backends.sim.shell.state import BuiltinFailure

LIMITS = {  # letter: label, name of the limit, bytes of a unit; in the order of `ulimit -a`
    "c": ("core file size (blocks)", "core", 512), "d": ("data seg size (kb)", "data", 1024),
    "e": ("scheduling priority", "nice", 1), "f": ("file size (blocks)", "fsize", 512),
    "i": ("pending signals", "sigpending", 1), "l": ("max locked memory (kb)", "memlock", 1024),
    "m": ("max memory size (kb)", "rss", 1024), "n": ("open files", "nofile", 1),
    "q": ("POSIX message queues (bytes)", "msgqueue", 1), "r": ("real-time priority", "rtprio", 1),
    "s": ("stack size (kb)", "stack", 1024), "t": ("cpu time (seconds)", "cpu", 1),
    "u": ("max user processes", "nproc", 1), "v": ("virtual memory (kb)", "as", 1024),
    "x": ("file locks", "locks", 1),
}  # fmt: skip
UNLIMITED = "unlimited"


@builtin("ulimit")
def ulimit(call: BuiltinCall) -> int:
    """`-H`, `-S` and `-a` count wherever they stand; the others are obeyed one after another. A value without
    a letter is `-f`'s; without `-H` or `-S` both limits are set and the soft one is shown."""
    try:
        asked = list(_options(call.args))
    except _BadOption as bad:
        call.err(f"ulimit: invalid option -- '{bad.args[0]}'\n")
        return 1
    letters = [letter for letter, _ in asked]
    hard, soft = "H" in letters, "S" in letters
    both = hard == soft
    if "a" in letters:
        for letter, (label, _, _) in LIMITS.items():
            call.out(f"{label:<32}(-{letter}) {_shown(call, letter, hard=hard and not soft)}\n")
        return 0
    asked = [(letter, value) for letter, value in asked if letter not in "HS"]
    for letter, value in asked or [("f", None)]:
        if value is None:
            label = f"{LIMITS[letter][0]:<32}(-{letter}) " if len(asked) > 1 else ""
            call.out(f"{label}{_shown(call, letter, hard=hard and not soft)}\n")
        elif not _set(call, letter, value, soft=soft or both, hard=hard or both):
            return 1
    return 0


class _BadOption(Exception):
    """The letter."""


def _options(args: list[str]) -> Iterator[tuple[str, str | None]]:
    """getopt(3) with values that may be left out, and that may stand apart. Raises _BadOption."""
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return
        if not word.startswith("-") or word == "-":
            yield "f", word
            continue
        at = 1
        while at < len(word):
            letter = word[at]
            at += 1
            if letter in "HSa":
                yield letter, None
                continue
            if letter not in LIMITS:
                raise _BadOption(letter)
            value = word[at:] or (rest.pop(0) if rest and not rest[0].startswith("-") else None)
            yield letter, value
            break


def _shown(call: BuiltinCall, letter: str, *, hard: bool) -> str:
    _, name, unit = LIMITS[letter]
    value = call.p.getrlimit(name)[hard]
    return UNLIMITED if value < 0 else str(value // unit)


def _set(call: BuiltinCall, letter: str, text: str, *, soft: bool, hard: bool) -> bool:
    """Whether the limit could be set; it is said when not."""
    label, name, unit = LIMITS[letter]
    if text == UNLIMITED:
        value = -1
    elif text.isdecimal():
        value = int(text) * unit
    else:
        return _complain(call, f"invalid number '{text}'", f"{text}: invalid number")
    old = call.p.getrlimit(name)
    try:
        call.p.setrlimit(name, value if soft else old[0], value if hard else old[1])
    except OSError as error:
        label = label.partition(" (")[0]
        return _complain(
            call, f"error setting limit: {error.strerror}", f"{label}: cannot modify limit: {error.strerror}"
        )
    return True


def _complain(call: BuiltinCall, text: str, in_bash: str) -> bool:
    if call.sh.state.bash:
        raise BuiltinFailure(in_bash, 1)
    call.complain(text)
    return False
