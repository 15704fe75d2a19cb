"""`docker plugin create`."""

from __future__ import annotations

import json
import posixpath

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.contexts import directory_tar
from simdocker.actors.client.plugins import reference
from simdocker.actors.client.values import BOOL

LONG = (
    "Create a plugin from a rootfs and configuration. Plugin data directory must contain config.json and rootfs "
    "directory."
)


@command(
    "[OPTIONS] PLUGIN PLUGIN-DATA-DIR",
    LONG,
    args=at_least(2),
    flags=[Flag("compress", "", BOOL, "Compress the context using gzip")],
)
def plugin_create(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: look at the configuration, pack the directory, send it."""
    name, directory = args
    familiar = reference(name).familiar
    where = cli.terminal.abspath(directory)
    if not cli.terminal.is_dir(where):
        missing = not cli.terminal.exists(where)
        raise CommandError(f"lstat {where}: no such file or directory" if missing else "context must be a directory")
    try:
        json.loads(cli.terminal.read_file(posixpath.join(where, "config.json")))
    except OSError:
        raise CommandError(f"open {posixpath.join(directory, 'config.json')}: no such file or directory") from None
    except ValueError:
        raise CommandError("unexpected EOF") from None
    headers = {"Content-Type": "application/x-tar"}
    yield from cli.call("POST", "/plugins/create", {"name": familiar}, directory_tar(cli, where), headers)
    cli.out(name + "\n")
    return 0
