"""Signal names and numbers as `kill` and `trap` know them."""

from __future__ import annotations

_ALL = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH POLL PWR SYS"
).split()
NAMES = dict(enumerate(_ALL, 1))
NUMBERS = {name: number for number, name in NAMES.items()} | {"IOT": 6, "CLD": 17, "IO": 29}


def number_of(text: str) -> int | None:
    """A signal by number, by name, or by name with SIG."""
    if text.isdigit():
        return int(text) if int(text) <= 64 else None
    return NUMBERS.get(text.upper().removeprefix("SIG"))


def table(args: list[str]) -> str:
    """What `kill -l` prints."""
    if not args:
        return "".join(f"{number:>2}) {name}\n" for number, name in NAMES.items())
    lines = []
    for arg in args:
        if arg.isdigit():
            number = int(arg)
            lines.append(NAMES.get(number - 128 if number > 128 else number, arg))
        else:
            lines.append(str(number_of(arg) or arg))
    return "".join(f"{line}\n" for line in lines)
