"""What `docker context create`, `update` and `import` write: a context's description and its endpoint.

`--docker` is a list of settings (`host=tcp://server:2375,ca=/certs/ca.pem`); files that it names are copied.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.contextstore import DEFAULT, DOCKER, TLS_FILES, check_name
from simdocker.actors.client.values import Kind, go_quote, parse_bool

KEYS = ("from", "host", "ca", "cert", "key", "skip-tls-verify")
HELP = """\
{0}

Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation

Example:

$ docker context {1} my-context --description "some description" --docker \
"host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"
"""
Tls = dict[str, bytes]


def _settings(text: str, old: dict[str, str] | None) -> dict[str, str]:
    """pflag's stringToString: `name=value` pairs, comma-separated."""
    pairs = [text] if text.count("=") == 1 else next(csv.reader([text]), [])
    found = dict(old or {})
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{pair} must be formatted as key=value")
        found[name] = value
    return found


SETTINGS = Kind("stringToString", _settings, {})


def default_document(cli: Cli) -> dict[str, Any]:
    """The context `default`, which is what DOCKER_HOST says or the host's own daemon."""
    address = cli.way.default_address() or cli.connection.address
    return document(DEFAULT, "", {"Host": address, "SkipTLSVerify": False})


def document(name: str, description: str, endpoint: dict[str, Any]) -> dict[str, Any]:
    """A context's file."""
    metadata = {"Description": description} if description else {}
    return {"Name": name, "Metadata": metadata, "Endpoints": {DOCKER: endpoint}}


def find(cli: Cli, name: str) -> tuple[dict[str, Any], Tls]:
    """A context and its TLS files. Raises CommandError."""
    if name == DEFAULT:
        return default_document(cli), {}
    return cli.way.contexts.read(name), cli.way.contexts.tls_of(name)


def check_new(cli: Cli, name: str) -> None:
    """Raises CommandError for a name that cannot be given to a context, or is."""
    check_name(name)
    if cli.way.contexts.has(name):
        raise CommandError(f"context {go_quote(name)} already exists")


def endpoint(cli: Cli, settings: dict[str, str]) -> tuple[dict[str, Any], Tls]:
    """The endpoint that `--docker` describes, and its TLS files. Raises CommandError."""
    try:
        return _endpoint(cli, settings)
    except CommandError as fault:
        raise CommandError(f"unable to create docker endpoint config: {fault.message}") from None


def _endpoint(cli: Cli, settings: dict[str, str]) -> tuple[dict[str, Any], Tls]:
    unknown = [key for key in settings if key not in KEYS]
    if unknown:
        raise CommandError("\n".join(f"unrecognized config key: {key}" for key in unknown))
    if "from" in settings:
        other, files = find(cli, settings["from"])
        return other["Endpoints"][DOCKER], files
    try:
        skip = parse_bool(settings["skip-tls-verify"]) if "skip-tls-verify" in settings else False
    except ValueError:
        raise CommandError(
            f"skip-tls-verify: parsing {go_quote(settings['skip-tls-verify'])}: invalid syntax"
        ) from None
    files = {}
    for key, file in TLS_FILES.items():
        if settings.get(key):
            try:
                files[file] = cli.terminal.read_file(cli.terminal.abspath(settings[key]))
            except OSError as error:
                raise CommandError(f"open {settings[key]}: {str(error.strerror).lower()}") from None
    host = settings.get("host", "")
    if host and "://" not in host:
        raise CommandError(f"unable to apply docker endpoint options: unable to parse docker host `{host}`")
    return {**({"Host": host} if host else {}), "SkipTLSVerify": skip}, files


def save(cli: Cli, name: str, content: dict[str, Any], files: Tls) -> None:
    """Write a context. Raises CommandError."""
    try:
        cli.way.contexts.write(name, content, files)
    except OSError as error:
        raise CommandError(f"{error.filename}: {str(error.strerror).lower()}") from None


def packed(content: dict[str, Any], files: Tls) -> bytes:
    """A context as the archive that `export` writes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, "meta.json", json.dumps(content, separators=(",", ":")).encode(), 0o644)
        for folder in ("tls", f"tls/{DOCKER}") if files else ("tls",):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o700
            archive.addfile(entry)
        for name, data in files.items():
            _add(archive, f"tls/{DOCKER}/{name}", data, 0o600)
    return out.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def unpacked(name: str, data: bytes) -> tuple[dict[str, Any], Tls]:
    """The context of an archive, under a new name. Raises CommandError."""
    content: dict[str, Any] | None = None
    files: Tls = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is None:
                    continue
                if member.name == "meta.json":
                    content = json.loads(file.read())
                elif member.name.startswith(f"tls/{DOCKER}/") and member.name.count("/") == 2:
                    files[member.name.rpartition("/")[2]] = file.read()
                else:
                    raise CommandError(f"unexpected context file: {member.name}" if "tls" not in member.name else "")
    except (tarfile.TarError, ValueError):
        raise CommandError("unexpected EOF") from None
    if not isinstance(content, dict) or not isinstance((content.get("Endpoints") or {}).get(DOCKER), dict):
        raise CommandError("invalid context: no metadata found")
    metadata = content.get("Metadata")
    return {**content, "Name": name, "Metadata": metadata if isinstance(metadata, dict) else {}}, files
