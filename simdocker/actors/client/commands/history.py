"""`docker history`: the steps that made an image."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.history import HISTORY, HistoryRow, history_layout
from simdocker.actors.client.format.listing import write
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.names import checked
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] IMAGE",
    "Show the history of an image",
    args=exactly(1),
    aliases="docker image history, docker history",
    flags=[
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("human", "H", BOOL, "Print sizes and dates in human readable format", True),
        Flag("no-trunc", "", BOOL, "Don't truncate output"),
        Flag(
            "platform",
            "",
            STRING,
            'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
            since="1.48",
        ),
        Flag("quiet", "q", BOOL, "Only show image IDs"),
    ],
)
def history(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request, one row a step, the newest first."""
    response = yield from cli.call("GET", f"/images/{checked('image', args[0])}/history")
    human, trunc, now = flags.on("human"), not flags.on("no-trunc"), now_ns(cli)
    layout = history_layout(flags.text("format"), flags.on("quiet"), human)
    cli.out(write(HISTORY, layout, [HistoryRow(step, trunc, human, now) for step in response.body]))
    return 0
