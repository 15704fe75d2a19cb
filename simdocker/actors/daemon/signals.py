"""Signal names as Docker accepts them: `KILL`, `SIGKILL`, `9`, `RTMIN+3` (moby/sys/signal)."""

from __future__ import annotations

from simdocker.api.gotext import digits

SIGHUP, SIGINT, SIGKILL, SIGTERM = 1, 2, 9, 15

_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split()

SIGNALS = {name: number for number, name in enumerate(_NAMES, 1)} | {
    "IOT": 6,
    "POLL": 29,
    "CLD": 17,
    "RTMIN": 34,
    "RTMAX": 64,
}
SIGNALS |= {f"RTMIN+{n}": 34 + n for n in range(1, 16)} | {f"RTMAX-{n}": 64 - n for n in range(1, 15)}


_NUMBERS = frozenset(SIGNALS.values())


def parse_signal(text: str) -> int:
    """The number of a signal given by name or number, -1 for what is neither (signal.ParseSignal): any
    number but 0 will do, `supported` or not."""
    if digits(text.removeprefix("+")):
        return int(text) or -1
    return SIGNALS.get(text.upper().removeprefix("SIG"), -1)


def supported(number: int) -> bool:
    """Whether Linux has that signal (signal.ValidSignalForPlatform)."""
    return number in _NUMBERS
