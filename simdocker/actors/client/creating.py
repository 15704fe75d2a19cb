"""Making a container for `docker run` and `docker create`, and fetching its image when it is missing."""

from __future__ import annotations

import posixpath

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.help import older
from simdocker.actors.client.options.body import create_body, depends_on_terminal
from simdocker.actors.client.options.hosts import local_dns_warning
from simdocker.actors.client.platform import wanted_platform
from simdocker.actors.client.pulling import Write, pull_image
from simdocker.actors.client.terminal import Process
from simdocker.api.models import ContainerCreateBody, Mount
from simdocker.content.platforms import normalized
from simdocker.content.reference import InvalidReference, Reference, parse_as_cli, parse_id

PULL_OPTIONS = ("always", "missing", "never", "")


class Creation:
    """A request to make a container, ready to be sent; `reference` is None for an image given by id."""

    __slots__ = ("body", "cidfile", "platform", "pull", "query", "quiet", "reference")

    def __init__(self, flags: Flags, body: ContainerCreateBody, platform: str) -> None:
        self.body = body
        self.pull = flags.text("pull")
        self.quiet = flags.on("quiet")
        self.cidfile = flags.text("cidfile")
        self.platform = platform
        try:
            self.reference: Reference | None = None if parse_id(body.Image) else parse_as_cli(body.Image).or_latest()
            self.query = {"platform": normalized(platform)} if self.platform else {}
        except InvalidReference as fault:
            raise CommandError(fault.message) from None
        except ValueError as fault:
            raise CommandError(f"error parsing specified platform: {fault}") from None
        if flags.text("name"):
            self.query["name"] = flags.text("name")


def asks_for_trust(cli: Cli, flags: Flags) -> bool:
    """Whether anything is said of signatures at all."""
    return "DOCKER_CONTENT_TRUST" in cli.terminal.env or flags.changed("disable-content-trust")


def read_body(cli: Cli, flags: Flags, args: list[str], detach: bool = False) -> ContainerCreateBody:
    """The request's body, made once per command line where it depends on the words alone. Raises
    ValueError for options that cannot be used."""
    terminal = cli.terminal
    console = (terminal.height, terminal.width) if terminal.stdout_tty else (0, 0)
    kept = cli.memo.get("body")
    if kept is not None and kept.HostConfig.ConsoleSize == console:
        return kept  # type: ignore[no-any-return]
    if flags.text("pull") not in PULL_OPTIONS:
        wanted = 'must be one of "always", "missing" or "never"'
        raise ValueError(f"invalid pull option: '{flags.text('pull')}': {wanted}")
    body = create_body(flags, args, terminal, detach=detach, console=console)
    if not depends_on_terminal(flags):
        cli.memo["body"] = body
    return body


def create_container(cli: Cli, flags: Flags, body: ContainerCreateBody) -> Process:
    """Process → id. Raises CommandError.

    1. The id file must not be there yet.
    2. With `--pull always` the image is pulled first.
    3. Create; when the daemon does not know the image, pull it and create again.
    4. Warnings go to standard error, the id into its file.
    """
    cidfile = flags.text("cidfile")
    if cidfile:
        _check_cidfile(cli, cidfile)
    creation = cli.memo.get("creation")
    platform = wanted_platform(cli, flags)
    if creation is None or creation.body is not body or creation.platform != platform:
        _check_version(cli, body)
        creation = cli.memo["creation"] = Creation(flags, body, platform)
    if flags.on("use-api-socket"):
        body = _with_api_socket(cli, body)
    progress: Write | None = None if creation.quiet else cli.err
    reference = creation.reference
    if reference is not None and not reference.digest and asks_for_trust(cli, flags):
        from simdocker.actors.client import trust

        if trust.trusted(cli, flags):
            raise (yield from trust.refusal(cli, reference))
    if creation.pull == "always" and reference is not None:
        yield from pull_image(cli, reference, creation.platform, progress)
    response = yield from cli.try_call("POST", "/containers/create", creation.query, body)
    if response.status == 404 and reference is not None and creation.pull == "missing":
        if not creation.quiet:
            cli.err(f"Unable to find image '{reference.familiar}' locally\n")
        yield from pull_image(cli, reference, creation.platform, progress)
        response = yield from cli.try_call("POST", "/containers/create", creation.query, body)
    if response.status >= 400:
        raise CommandError(error_text(response))
    answer = response.body
    host = body.HostConfig
    local_dns = local_dns_warning(host.Dns) if host is not None and host.Dns else ""
    for warning in (*(answer.get("Warnings") or ()), *([local_dns] if local_dns else ())):
        cli.err(f"WARNING: {warning}\n")
    id: str = answer["Id"]
    if cidfile:
        try:
            cli.terminal.write_file(cidfile, id.encode(), 0o666)
        except OSError as fault:
            why = f"open {cidfile}: {(fault.strerror or str(fault)).lower()}"
            raise CommandError(f"failed to create the container ID file: {why}") from None
    return id


def _check_cidfile(cli: Cli, path: str) -> None:
    """docker makes the file before the container; here only that it can be made is looked at."""
    terminal = cli.terminal
    if terminal.exists(path):
        raise CommandError(f"container ID file found, make sure the other container isn't running or delete {path}")
    if not terminal.is_dir(posixpath.dirname(terminal.abspath(path))):
        raise CommandError(f"failed to create the container ID file: open {path}: no such file or directory")


def _check_version(cli: Cli, body: ContainerCreateBody) -> None:
    networking = body.NetworkingConfig
    endpoints = (networking.EndpointsConfig or {}).values() if networking is not None else ()
    if any(endpoint is not None and endpoint.MacAddress for endpoint in endpoints) and older(cli.api_version, "1.44"):
        raise CommandError(
            '"specify mac-address per network" requires API version 1.44, '
            f"but the Docker daemon API version is {cli.api_version}"
        )


def _with_api_socket(cli: Cli, body: ContainerCreateBody) -> ContainerCreateBody:
    """The body with the daemon's own socket mounted, for docker inside the container."""
    import msgspec

    scheme, _, path = cli.connection.address.partition("://")
    if scheme != "unix":
        raise CommandError("flag --use-api-socket can only be used with a local daemon")
    assert body.HostConfig is not None
    socket = Mount(Type="bind", Source=path, Target="/var/run/docker.sock", BindOptions={})
    host = msgspec.structs.replace(body.HostConfig, Mounts=[*(body.HostConfig.Mounts or ()), socket])
    return msgspec.structs.replace(body, HostConfig=host)
