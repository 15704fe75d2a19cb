"""`docker version`: the client's version and the daemon's, with all its components."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simdocker.actors.client.build import BUILD
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import BAD_TEMPLATE
from simdocker.actors.client.format.table import align
from simdocker.actors.client.gotemplate import FUNCTIONS, Template, TemplateError, Value
from simdocker.actors.client.gotemplate.functions import Function
from simdocker.actors.client.gotemplate.gotypes import STRINGS
from simdocker.actors.client.gotemplate.schema import go_type
from simdocker.actors.client.values import STRING

LAYOUT = """{{with .Client -}}
Client:{{if ne .Platform nil}}{{if ne .Platform.Name ""}} {{.Platform.Name}}{{end}}{{end}}
 Version:\t{{.Version}}
 API version:\t{{.APIVersion}}{{if ne .APIVersion .DefaultAPIVersion}} (downgraded from {{.DefaultAPIVersion}}){{end}}
 Go version:\t{{.GoVersion}}
 Git commit:\t{{.GitCommit}}
 Built:\t{{.BuildTime}}
 OS/Arch:\t{{.Os}}/{{.Arch}}
 Context:\t{{.Context}}
{{- end}}

{{- if ne .Server nil}}{{with .Server}}

Server:{{if ne .Platform.Name ""}} {{.Platform.Name}}{{end}}
 {{- range $component := .Components}}
 {{$component.Name}}:
  {{- if eq $component.Name "Engine" }}
  Version:\t{{.Version}}
  API version:\t{{index .Details "ApiVersion"}} (minimum version {{index .Details "MinAPIVersion"}})
  Go version:\t{{index .Details "GoVersion"}}
  Git commit:\t{{index .Details "GitCommit"}}
  Built:\t{{index .Details "BuildTime"}}
  OS/Arch:\t{{index .Details "Os"}}/{{index .Details "Arch"}}
  Experimental:\t{{index .Details "Experimental"}}
  {{- else }}
  Version:\t{{$component.Version}}
  {{- range $key := getDetailsOrder $component}}
  {{$key}}:\t{{index $component.Details $key}}
   {{- end}}
  {{- end}}
 {{- end}}
 {{- end}}{{- end}}"""

_FUNCTIONS = FUNCTIONS | {
    "getDetailsOrder": Function(
        lambda component: Value(STRINGS, sorted(component.data.get("Details") or ())),
        go_type("types.ComponentVersion"),
    )
}


@command(
    "[OPTIONS]",
    "Show the Docker version information",
    args=no_args,
    flags=[Flag("format", "f", STRING, INSPECT_FORMAT_HELP)],
)
def version(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; without a daemon the client's part is shown all the same."""
    layout = flags.text("format") or LAYOUT
    try:
        source = "{{json .}}" if layout == "json" else layout
        template = Template.parse(source, "version", frozenset({"getDetailsOrder"}))
    except TemplateError as fault:
        raise CommandError(f"template parsing error: {fault}", BAD_TEMPLATE) from None
    server: dict[str, Any] | None = None
    complaint: CommandError | None = None
    try:
        response = yield from cli.call("GET", "/version")
        server = _with_engine(response.body)
    except CommandError as fault:
        complaint = fault
    client = {**BUILD, "Arch": cli.arch, "Context": cli.way.context, "ApiVersion": cli.api_version}
    shown = Value(go_type("system.versionInfo"), {"Client": client, "Server": server})
    text = ""
    try:
        text = template.execute(shown, functions=_FUNCTIONS)
    except TemplateError as fault:
        complaint = complaint or CommandError(str(fault))
    cli.out(align(text + "\n", width=20, padding=1))
    if complaint is not None:
        raise complaint
    return 0


def _with_engine(server: dict[str, Any]) -> dict[str, Any]:
    """The daemon's answer with its build time readable, and an Engine component in any case."""
    components = [dict(component) for component in server.get("Components") or ()]
    for component in components:
        details = component.get("Details") or {}
        if component["Name"] == "Engine" and "BuildTime" in details:
            component["Details"] = {**details, "BuildTime": _ansi(details["BuildTime"])}
    if all(component["Name"] != "Engine" for component in components):
        names = ("ApiVersion", "MinAPIVersion", "GitCommit", "GoVersion", "Os", "Arch")
        details = {name: server.get(name, "") for name in names}
        details["BuildTime"] = _ansi(server.get("BuildTime", ""))
        details["Experimental"] = "true" if server.get("Experimental") else "false"
        components.append({"Name": "Engine", "Version": server.get("Version", ""), "Details": details})
    return {**server, "Components": components}


def _ansi(text: str) -> str:
    """`Thu May  7 21:09:36 2026`, or the text as it is when it is no RFC 3339 time."""
    try:
        moment = datetime.fromisoformat(text[:19])
    except ValueError:
        return text
    return moment.strftime("%a %b ") + f"{moment.day:2d}" + moment.strftime(" %H:%M:%S %Y")
