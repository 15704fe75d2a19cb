"""Replace what differs from run to run (ids, times, random names) by stable placeholders.

Outputs of two runs that went the same way are then equal as text, wherever they ran. Within one
run the same id always gets the same placeholder:

    64 hex digits   <id1+>      12 hex digits   <id1>      (the same number for the same id)
    times           <time>      random names    <name>      busybox's version   <version>

What busybox's usage says below the synopsis is left out (see `without_help`).

The zero time 0001-01-01T00:00:00Z is kept: whether a time is set matters.
"""

from __future__ import annotations

import re

_ADJECTIVES = (
    "admiring adoring affectionate agitated amazing angry awesome beautiful blissful bold boring "
    "brave busy charming clever cocky compassionate competent condescending confident cool cranky "
    "crazy dazzling determined distracted dreamy eager ecstatic elastic elated elegant eloquent "
    "epic exciting fervent festive flamboyant focused friendly frosty funny gallant gifted goofy "
    "gracious great happy hardcore heuristic hopeful hungry infallible inspiring intelligent "
    "interesting jolly jovial keen kind laughing loving lucid magical modest musing mystifying "
    "naughty nervous nice nifty nostalgic objective optimistic peaceful pedantic pensive practical "
    "priceless quirky quizzical recursing relaxed reverent romantic sad serene sharp silly sleepy "
    "stoic strange stupefied suspicious sweet tender thirsty trusting unruffled upbeat vibrant "
    "vigilant vigorous wizardly wonderful xenodochial youthful zealous zen"
).split()

_ID = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{12})(?![0-9A-Za-z])")
_NAME = re.compile(rf"(?<![\w-])(?:{'|'.join(_ADJECTIVES)})_[a-z]+\d?(?![\w-])")

_DURATION = (
    r"(?:Less than a second|About a minute|About an hour|1 second"
    r"|\d+ (?:seconds|minutes|hours|days|weeks|months|years))"
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIMES = [
    # 2026-01-31T10:00:00.123Z, 2026-01-31 10:00:00.1 +0000 UTC, 2026-01-31 10:00:00
    re.compile(
        r"(?!0001-)\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?"
        r"(?:Z|[+-]\d\d:\d\d| [+-]\d{4}(?: [A-Z]{3,4})?)?"
    ),
    re.compile(rf"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} [ \d]\d \d\d:\d\d:\d\d UTC \d{{4}}"),
    re.compile(rf"\b{_MONTH} [ \d]\d (?:\d\d:\d\d| \d{{4}})(?!\d)"),  # ls -l
    re.compile(rf"\b{_DURATION} ago\b"),
    re.compile(rf"(?<=\bUp ){_DURATION}"),
    re.compile(r"(?<![\w.])1[789]\d{8}(?:\d{9}|\.\d{9})?(?![\w.])"),  # seconds, nanoseconds
    re.compile(r"(?<=\btime=)[\d.]+(?= ms\b)"),  # ping
    re.compile(r"(?<=min/avg/max = )[\d./]+(?= ms\b)"),
]
_FLEETING = re.compile(r"^[0-9a-f]{12}: Verifying Checksum\n", re.M)  # an engine says so if it takes long enough
_DIGEST_GONE = re.compile(
    r"^Untagged: \S+@sha256:[0-9a-f]{64}\n", re.M
)  # what a registry on the loopback named has none
_TIMED = re.compile(r"^((?:real|user|sys)\s+)\d+m\s?[\d.]+s$", re.M)
_HOME = re.compile(r"(?:/root|<workdir>)(?=/\.docker/)")  # on a real machine the user's home is the working directory
_EXE = re.compile(r"\{exe\} ")  # what busybox started through /proc/self/exe is called by some kernels
_PROCESSES = re.compile(r"^(?:USER +)?PID\b.*(?:\n.*)*", re.M)
_PROCESS = re.compile(r"^( *(?:[a-z]+ +)?)(?!1 )\d+\b", re.M)
_ADDRESS = re.compile(r"\b(?:172|192\.168|10)\.\d+\.[\d.]*\d\b")
_PORT = re.compile(r"\b(?:49[1-9]|32[7-9])\d\d\b")
_BUSYBOX = re.compile(r"\bBusyBox v[\d.]+ \([^)]*\)")
_USAGE = re.compile(
    r"(multi-call binary\.\n)(?:[^\n]+\n)*"
    r"(\nUsage: [^\n]*\n(?:(?:\t|\[| *or:? )[^\n]*\n)*)"
    r"(?:\n(?:(?!BusyBox |Currently |[a-z/][\w./-]*: )[^\n]*\n)*)?"
)
_TABLE_HEADER = re.compile(r"^[A-Z][A-Z /%]*(?: {2,}[A-Z][A-Z /%]*)+$")
_GAP = re.compile(r" {2,}")


class Normaliser:
    """Normalises the outputs of one run, in the order in which they appeared. `home` is the user's working directory;
    with `alone` False, what one engine says and the same one another time does not goes too: the addresses and ports
    that come next, progress that is too quick to be seen, the numbers of processes but 1, what `time` measures."""

    def __init__(self, home: str = "", *, alone: bool = True) -> None:
        self._home = home
        self._alone = alone
        self._numbers: dict[str, int] = {}

    @property
    def seen(self) -> int:
        """How many ids there were so far."""
        return len(self._numbers)

    def text(self, text: str) -> str:
        """Return `text` with placeholders for all that differs from run to run."""
        if self._home:
            text = as_recorded(text, self._home)
        if not self._alone:
            text = _FLEETING.sub("", _DIGEST_GONE.sub("", text))
            text = _EXE.sub("", _HOME.sub("<home>", _TIMED.sub(r"\1<time>", text)))
            text = _PROCESSES.sub(lambda listed: _PROCESS.sub(r"\1<pid>", listed[0]), text)
            text = _PORT.sub("<port>", _ADDRESS.sub("<address>", text))
        for pattern in _TIMES:
            text = pattern.sub("<time>", text)
        text = _BUSYBOX.sub("BusyBox <version>", without_help(text))
        text = _NAME.sub("<name>", text)
        text = _ID.sub(self._placeholder, text)
        return _collapse_table(text)

    def _placeholder(self, match: re.Match[str]) -> str:
        found = match.group()
        number = self._numbers.setdefault(found[:12], len(self._numbers) + 1)
        return f"<id{number}+>" if len(found) == 64 else f"<id{number}>"


def without_help(text: str) -> str:
    """Usage texts of busybox up to the synopsis.

    The descriptions below it are under the GPL: the simulated busybox does not have them, and recordings
    need not keep them. One ends where another usage, a message (`name: …`) or a list begins.
    """
    return _USAGE.sub(r"\1\2", text)


def as_recorded(text: str, directory: str) -> str:
    """What was printed in a working directory, as the recordings write it."""
    return re.sub(rf"{re.escape(directory)}(?![\w-])", "<workdir>", text)


def normalise(*texts: str) -> list[str]:
    """Normalise the outputs of one scenario, given in order of appearance."""
    normaliser = Normaliser()
    return [normaliser.text(text) for text in texts]


def _collapse_table(text: str) -> str:
    """Narrow the gaps between columns: their widths follow those of ids, times and names."""
    lines = text.split("\n")
    table = False
    for index, line in enumerate(lines):
        table = table or _TABLE_HEADER.match(line.rstrip()) is not None
        if table or "<id" in line or "<time>" in line or "<name>" in line:
            lines[index] = _GAP.sub("  ", line)
    return "\n".join(lines)
