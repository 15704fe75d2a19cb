"""`docker events`: what happens in the daemon, as it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import BAD_TEMPLATE
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.gotemplate import Template, TemplateError, Value
from simdocker.actors.client.gotemplate.schema import go_type
from simdocker.actors.client.timestamps import timestamp
from simdocker.actors.client.values import FILTER, STRING
from simdocker.api.units import S


@command(
    "[OPTIONS]",
    "Get real time events from the server",
    aliases="docker system events, docker events",
    args=no_args,
    flags=[
        Flag("filter", "f", FILTER, "Filter output based on conditions provided"),
        Flag("format", "", STRING, INSPECT_FORMAT_HELP),
        Flag("since", "", STRING, "Show all events created since timestamp"),
        Flag("until", "", STRING, "Stream events until this timestamp"),
    ],
)
def events(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: print the stream of events until it ends."""
    template = _template(flags.text("format"))
    query: dict[str, str] = {}
    for name in ("since", "until"):
        if flags.text(name):
            try:
                query[name] = timestamp(flags.text(name), now_ns(cli))
            except ValueError as fault:
                raise CommandError(str(fault)) from None
    wanted = filters(flags.get("filter"))
    if wanted:
        query["filters"] = wanted
    response = yield from cli.call("GET", "/events", query)
    stream = response.stream
    while stream is not None:
        event = yield from stream.read()
        if event is None:
            break
        if template is None:
            cli.out(line(event))
            continue
        try:
            cli.out(template.execute(Value(go_type("events.Message"), event)) + "\n")
        except TemplateError as fault:
            raise CommandError(str(fault)) from None
    return 0


def _template(layout: str) -> Template | None:
    """The template of `--format`, tried on an empty event."""
    if not layout:
        return None
    try:
        template = Template.parse("{{json .}}" if layout == "json" else layout)
        template.execute(Value(go_type("*events.Message"), {}))
    except TemplateError as fault:
        raise CommandError(f"Error parsing format: {fault}", BAD_TEMPLATE) from None
    return template


def line(event: Mapping[str, Any]) -> str:
    """`2026-06-01T00:00:00.000000000Z container start <id> (image=busybox, name=web)`."""
    nanos = event.get("timeNano") or event.get("time", 0) * S
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    text = f"{event.get('Type', '')} {event.get('Action', '')} {actor.get('ID', '')}"
    if attributes:
        text += f" ({', '.join(f'{name}={attributes[name]}' for name in sorted(attributes))})"
    return f"{_moment(nanos)} {text}\n" if nanos else text + "\n"


def _moment(nanos: int) -> str:
    from datetime import UTC, datetime

    seconds, fraction = divmod(nanos, S)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:09d}Z"
