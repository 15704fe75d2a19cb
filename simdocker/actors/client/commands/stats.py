"""`docker stats`: what containers use, once or again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command
from simdocker.actors.client.each import container_name
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.listing import Column, View, write
from simdocker.actors.client.format.units import bytes_size, human_size, short_id
from simdocker.actors.client.terminal import Process
from simdocker.actors.client.values import BOOL, STRING
from simdocker.api import Broken, Response, Stream

REDRAW_NS = 500_000_000
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", " \x1b[K\n", "\x1b[J"
NOTHING_YET = "--"


class StatsRow:
    """One container's latest sample; `sample` is None before the first, and `dead` after the last."""

    __slots__ = ("asked", "dead", "sample", "stream", "trunc")

    def __init__(self, asked: str, trunc: bool) -> None:
        self.asked = asked
        self.trunc = trunc
        self.sample: Mapping[str, Any] | None = None
        self.stream: Stream | None = None
        self.dead = False

    def _or_nothing(self, answer: str) -> str:
        return NOTHING_YET if self.sample is None or self.dead else answer

    def number(self, *path: str) -> int:
        value: Any = self.sample or {}
        for key in path:
            value = (value or {}).get(key) or 0
        return int(value or 0)

    def identity(self) -> str:
        id = str((self.sample or {}).get("id") or "")
        return self._or_nothing(short_id(id) if self.trunc else id) if id else self.asked

    def name(self) -> str:
        return str((self.sample or {}).get("name") or "").removeprefix("/") or NOTHING_YET

    def processor(self) -> str:
        """The share of one processor since the sample before (`calculateCPUPercentUnix`)."""
        used = self.number("cpu_stats", "cpu_usage", "total_usage")
        used -= self.number("precpu_stats", "cpu_usage", "total_usage")
        passed = self.number("cpu_stats", "system_cpu_usage") - self.number("precpu_stats", "system_cpu_usage")
        share = 100 * self.number("cpu_stats", "online_cpus") * used / passed if used > 0 and passed > 0 else 0.0
        return self._or_nothing(f"{share:.2f}%")

    def _memory(self) -> int:
        usage, inactive = (
            self.number("memory_stats", "usage"),
            self.number("memory_stats", "stats", "total_inactive_file"),
        )
        return usage - inactive if inactive < usage else usage

    def memory(self) -> str:
        limit = self.number("memory_stats", "limit")
        return self._or_nothing(f"{bytes_size(self._memory())} / {bytes_size(limit)}")

    def memory_share(self) -> str:
        limit = self.number("memory_stats", "limit")
        return self._or_nothing(f"{100 * self._memory() / limit if limit else 0:.2f}%")

    def network(self) -> str:
        interfaces = ((self.sample or {}).get("networks") or {}).values()
        received, sent = (sum(interface[key] for interface in interfaces) for key in ("rx_bytes", "tx_bytes"))
        return self._or_nothing(f"{human_size(received, 3)} / {human_size(sent, 3)}")

    def processes(self) -> str:
        return self._or_nothing(str(self.number("pids_stats", "current")))


STATS = View(
    "*container.statsContext",
    {
        "BlockIO": Column("BLOCK I/O", lambda row: row._or_nothing("0B / 0B")),
        "CPUPerc": Column("CPU %", StatsRow.processor),
        "Container": Column("CONTAINER", lambda row: row.asked),
        "ID": Column("CONTAINER ID", StatsRow.identity),
        "MemPerc": Column("MEM %", StatsRow.memory_share),
        "MemUsage": Column("MEM USAGE / LIMIT", StatsRow.memory),
        "Name": Column("NAME", StatsRow.name),
        "NetIO": Column("NET I/O", StatsRow.network),
        "PIDs": Column("PIDS", StatsRow.processes),
    },
)
TABLE = "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}"


@command(
    "[OPTIONS] [CONTAINER...]",
    "Display a live stream of container(s) resource usage statistics",
    args=lambda count: "",
    aliases="docker container stats, docker stats",
    flags=[
        Flag("all", "a", BOOL, "Show all containers (default shows just running)"),
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("no-stream", "", BOOL, "Disable streaming stats and only pull the first result"),
        Flag("no-trunc", "", BOOL, "Do not truncate output"),
    ],
)
def stats(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: the named containers, or those that run and, while it streams, those that start later."""
    layout, trunc = flags.text("format"), not flags.on("no-trunc")
    layout = TABLE if layout in ("", "table") else layout
    once = flags.on("no-stream")
    rows = [StatsRow(container_name(name), trunc) for name in args]
    events: Response | None = None
    if not args:
        events = yield from cli.call("GET", "/events", {"filters": '{"type":{"container":true}}'})
        query = {"all": "1"} if flags.on("all") else {}
        listed = yield from cli.call("GET", "/containers/json", query)
        rows = [StatsRow(summary["Id"][:12], trunc) for summary in listed.body]
    if once:
        for row in rows:
            row.sample = (yield from _ask(cli, row, "0")).body
        cli.out(write(STATS, layout, rows))
        return 0
    return (yield from _stream(cli, rows, layout, events))


def _ask(cli: Cli, row: StatsRow, stream: str) -> Process:
    """Process → Response. Raises CommandError with docker's sentence."""
    response = yield from cli.try_call("GET", f"/containers/{row.asked}/stats", {"stream": stream})
    if response.failed:
        raise CommandError(error_text(response))
    return response


def _stream(cli: Cli, rows: list[StatsRow], layout: str, events: Response | None) -> Exit:
    """Process: redraw twice a second, until the named containers are gone."""
    try:
        for row in rows:
            yield from _begin(cli, row)
        if events is not None and events.stream is not None:
            cli.env.process(_newcomers(cli, events.stream, rows))
        while events is not None or not all(row.dead for row in rows):
            yield from cli.terminal.sleep(REDRAW_NS)
            text = write(STATS, layout, [row for row in rows if events is None or not row.dead])
            cli.out(HOME + text + HOME + "".join(line + CLEAR_LINE for line in text.split("\n")) + CLEAR_BELOW)
    finally:  # also when it is interrupted: the daemon samples for as long as somebody listens
        for stream in (events.stream if events is not None else None, *(row.stream for row in rows)):
            if stream is not None:
                stream.cancel()
    return 0


def _begin(cli: Cli, row: StatsRow) -> Process:
    """Process: follow one container's samples from now on."""
    stream = row.stream = (yield from _ask(cli, row, "1")).stream

    def follow() -> Process:
        try:
            while (sample := (yield from stream.read())) is not None:
                row.sample = sample
        except Broken:
            pass
        row.dead = True

    cli.env.process(follow())


def _newcomers(cli: Cli, events: Any, rows: list[StatsRow]) -> Process:
    """Process: containers that start while one looks are shown too; those that end are not any more."""
    while (event := (yield from events.read())) is not None:
        id, action = event["Actor"]["ID"][:12], event["Action"]
        if action == "die":
            for row in rows:
                row.dead = row.dead or row.asked == id
        elif action == "start" and not any(row.asked == id and not row.dead for row in rows):
            row = StatsRow(id, rows[0].trunc if rows else True)
            rows.append(row)
            yield from _begin(cli, row)
