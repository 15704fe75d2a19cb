"""`docker volume ls`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.listing import Column, View, label_of, labels_text, write
from simdocker.actors.client.format.natural import natural_key
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.gotemplate.gotypes import STRING as TEXT
from simdocker.actors.client.values import BOOL, FILTER, STRING

VOLUMES = View(
    "*formatter.volumeContext",
    {
        "Availability": Column("AVAILABILITY", lambda volume: "N/A"),
        "Driver": Column("DRIVER", lambda volume: volume["Driver"]),
        "Group": Column("GROUP", lambda volume: "N/A"),
        "Label": Column("", lambda volume, name: label_of(volume.get("Labels"), name), (TEXT,)),
        "Labels": Column("LABELS", lambda volume: labels_text(volume.get("Labels"))),
        "Links": Column("LINKS", lambda volume: str((volume.get("UsageData") or {}).get("RefCount", "N/A"))),
        "Mountpoint": Column("MOUNTPOINT", lambda volume: volume["Mountpoint"]),
        "Name": Column("VOLUME NAME", lambda volume: volume["Name"]),
        "Scope": Column("SCOPE", lambda volume: volume["Scope"]),
        "Size": Column(
            "SIZE", lambda volume: human_size(volume["UsageData"]["Size"]) if volume.get("UsageData") else "N/A"
        ),
        "Status": Column("STATUS", lambda volume: "N/A"),
    },
)


@command(
    "[OPTIONS]",
    "List volumes",
    aliases="docker volume ls, docker volume list",
    args=no_args,
    flags=[
        Flag(
            "cluster",
            "",
            BOOL,
            "Display only cluster volumes, and use cluster volume list formatting",
            since="1.42",
        ),
        Flag("filter", "f", FILTER, 'Provide filter values (e.g. "dangling=true")'),
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("quiet", "q", BOOL, "Only display volume names"),
    ],
)
def volume_ls(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; sorted by name."""
    wanted = filters(flags.get("filter"))
    response = yield from cli.call("GET", "/volumes", {"filters": wanted} if wanted else {})
    layout, quiet = flags.text("format"), flags.on("quiet")
    if layout in ("", "table"):
        layout = "{{.Name}}" if quiet else "table {{.Driver}}\t{{.Name}}"
    elif layout == "raw":
        layout = "name: {{.Name}}" if quiet else "name: {{.Name}}\ndriver: {{.Driver}}\n"
    volumes = sorted(response.body["Volumes"] or (), key=lambda volume: natural_key(volume["Name"]))
    cli.out(write(VOLUMES, layout, volumes))
    return 0
