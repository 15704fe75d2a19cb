"""Manifest lists in the making: `~/.docker/manifests`, and what registries say of manifests.

`docker manifest` works on the client alone: a list is a directory, each image in it a file with the image's
manifest and the platform that it is for (docker's `cli/manifest/store`). It asks registries by itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from typing import Any

import msgspec
from simpy import Event

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.credentials import Credentials, server_of
from simdocker.actors.client.grammar import Flag
from simdocker.actors.client.values import BOOL
from simdocker.actors.distribution.directory import HTTP, ConnectionFailed
from simdocker.actors.distribution.repository import Repository
from simdocker.actors.distribution.session import AuthConfig, Refused
from simdocker.content.manifest import MANIFEST, Descriptor, ImageConfig, Index, Manifest, Platform, read_manifest
from simdocker.content.reference import InvalidReference, Reference, parse_as_cli

INSECURE = Flag("insecure", "", BOOL, "Allow communication with an insecure registry")
PLATFORM_FIELDS = ("architecture", "os", "os.version", "os.features", "variant")
EXPERIMENTAL = """\
{}

EXPERIMENTAL:
  docker manifest {} is an experimental feature.
  Experimental features provide early access to product functionality. These
  features may change between releases without warning, or can be removed from a
  future release. Learn more about experimental features in our documentation:
  https://docs.docker.com/go/experimental/"""


class IsList(Exception):
    """The name stands for an index, not for one image's manifest; the argument is the index."""

    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self.index = index


class Entry(msgspec.Struct):
    """One image of a list: the name it was found under, its manifest, and its platform."""

    ref: str
    manifest: Manifest
    platform: Platform

    @property
    def descriptor(self) -> Descriptor:
        manifest = self.manifest
        return Descriptor(manifest.mediaType, manifest.digest, manifest.size, self.platform)

    def plain(self) -> dict[str, Any]:
        """As docker keeps and shows it."""
        manifest = self.manifest
        platform = msgspec.to_builtins(self.platform)
        kind = "OCIManifest" if manifest.mediaType == MANIFEST else "SchemaV2Manifest"
        return {
            "Ref": self.ref,
            "Descriptor": {
                "mediaType": manifest.mediaType,
                "digest": manifest.digest,
                "size": manifest.size,
                "platform": {name: platform[name] for name in PLATFORM_FIELDS if name in platform},
            },
            "Raw": base64.b64encode(manifest.encoded).decode(),
            kind: json.loads(manifest.encoded),
        }

    @classmethod
    def read(cls, text: bytes) -> Entry:
        """What `plain` gave. Raises ValueError."""
        found = json.loads(text)
        platform = msgspec.convert(found["Descriptor"].get("platform") or {"architecture": "", "os": ""}, Platform)
        return cls(found["Ref"], read_manifest(base64.b64decode(found["Raw"])), platform)


class ManifestStore:
    """The lists of one user, by name."""

    def __init__(self, cli: Cli) -> None:
        self._terminal = cli.terminal
        self._top = f"{cli.way.directory}/manifests"

    def entries(self, name: Reference) -> list[Entry]:
        """The images of a list, sorted by name; none when there is no such list."""
        folder = self._folder(name)
        if not self._terminal.is_dir(folder):
            return []
        return [self._read(f"{folder}/{file}") for file in sorted(self._terminal.filesystem.names(folder))]

    def get(self, name: Reference, image: Reference) -> Entry | None:
        path = f"{self._folder(name)}/{_file_name(image)}"
        return self._read(path) if self._terminal.exists(path) else None

    def save(self, name: Reference, image: Reference, entry: Entry) -> None:
        """Raises CommandError."""
        folder = self._folder(name)
        text = json.dumps(entry.plain(), separators=(",", ":"))
        try:
            self._terminal.make_directory(folder, 0o755)
            self._terminal.write_file(f"{folder}/{_file_name(image)}", text.encode())
        except OSError as error:
            raise CommandError(f"open {error.filename}: {str(error.strerror).lower()}") from None

    def remove(self, name: Reference) -> None:
        if self._terminal.exists(self._folder(name)):
            self._terminal.filesystem.remove(self._folder(name))

    def _folder(self, name: Reference) -> str:
        return f"{self._top}/{_file_name(name)}"

    def _read(self, path: str) -> Entry:
        try:
            return Entry.read(self._terminal.read_file(path))
        except (ValueError, KeyError, msgspec.ValidationError) as fault:
            raise CommandError(f"{path}: {fault}") from None


def _file_name(name: Reference) -> str:
    return name.canonical.replace(":", "-").replace("/", "_")


def named(text: str, prefix: str = "") -> Reference:
    """A name as `docker manifest` takes it. Raises CommandError."""
    try:
        return parse_as_cli(text).or_latest()
    except InvalidReference as fault:
        raise CommandError(f"{prefix}{fault.message}") from None


def no_such(name: Reference) -> CommandError:
    return CommandError(f"No such manifest: {name.canonical}")


def repository(cli: Cli, name: Reference, insecure: bool) -> Repository:
    """The way to a name's repository. Raises CommandError where there are no registries to ask."""
    if cli.registries is None:
        raise CommandError("simdocker: `docker manifest` asks registries, and this client has no way to any")
    registry = cli.registries(name.domain, "")
    known = registry.registry
    if insecure and known is not None and known.scheme == HTTP:
        registry = cli.registries(name.domain, HTTP)
    who = Credentials(cli.terminal).get(server_of(name.domain))
    return Repository(registry, name, AuthConfig(*who) if who is not None else AuthConfig())


def fetch(cli: Cli, name: Reference, insecure: bool) -> Generator[Event, Any, Entry]:
    """Process → Entry: an image as its registry has it. Raises IsList, CommandError."""
    there = yield from _reached(cli, name, insecure)
    try:
        document = yield from there.manifest(name.digest or name.tag)
        if isinstance(document, Index):
            raise IsList(document)
        return (yield from _entry(there, name.canonical, document, None))
    except (Refused, ConnectionFailed) as fault:
        raise _told(name, fault) from None


def fetch_all(cli: Cli, name: Reference, index: Index, insecure: bool) -> Generator[Event, Any, list[Entry]]:
    """Process → every image of an index. Raises CommandError."""
    there = yield from _reached(cli, name, insecure)
    found = []
    try:
        for part in index.manifests:
            document = yield from there.manifest(part.digest)
            if isinstance(document, Index):
                raise CommandError(f"unsupported manifest format: {document.mediaType}")
            found.append((yield from _entry(there, f"{name.canonical}@{part.digest}", document, part.platform)))
    except (Refused, ConnectionFailed) as fault:
        raise _told(name, fault) from None
    return found


def _reached(cli: Cli, name: Reference, insecure: bool) -> Generator[Event, Any, Repository]:
    there = repository(cli, name, insecure)
    try:
        yield from there.ping()
    except ConnectionFailed as fault:
        raise CommandError(f"failed to configure transport: error pinging v2 registry: {fault.message}") from None
    return there


def _entry(there: Repository, ref: str, document: Manifest, platform: Platform | None) -> Generator[Event, Any, Entry]:
    """Process → Entry; the platform is the index's or else the configuration's."""
    config: ImageConfig = yield from there.config(document.config.digest)
    return Entry(ref, document, platform or config.platform)


def _told(name: Reference, fault: Refused | ConnectionFailed) -> CommandError:
    if isinstance(fault, ConnectionFailed):
        return CommandError(fault.message)
    if fault.code in ("MANIFEST_UNKNOWN", "NAME_UNKNOWN"):
        return CommandError(f"no such manifest: {name.canonical}")
    if fault.code == "DENIED":
        return CommandError(f"errors:\n{fault.message}\nunauthorized: authentication required")
    return CommandError(fault.message)
