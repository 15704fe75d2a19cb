"""Logging drivers: how a container's output is kept, and for how long.

`json-file` and `local` write files that are rotated when they are full, `none` keeps nothing, and what
else dockerd knows wants a service that no host here runs. What a container asks is completed by the
daemon's own configuration when it is made (`mergeAndVerifyLogConfig`); the driver itself starts with the
container's first process, and only then are its options read. Sentences and sizes are 20.10's, recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from simdocker.actors.daemon.container import LARGEST_LOG, Container, Log, lines_of
from simdocker.actors.daemon.settings import LOG_DRIVERS, NO_LOG, Settings
from simdocker.api import BadRequest, InternalError
from simdocker.api.models import HostConfig, LogConfig
from simdocker.api.times import rfc3339

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

JSON_FILE, LOCAL = "json-file", "local"
COMMON = frozenset(("mode", "max-buffer-size"))
OPTIONS = {
    JSON_FILE: frozenset("max-file max-size compress labels labels-regex env env-regex tag".split()),
    LOCAL: frozenset(("max-file", "max-size", "compress")),
}
REFUSED_AT_CREATE = {
    "awslogs": "must specify a value for log opt 'awslogs-group'",
    "gelf": "gelf-address is a required parameter",
    "logentries": "Missing logentries token",
}
REFUSED_AT_START = {
    "fluentd": "dial tcp 127.0.0.1:24224: connect: connection refused",
    "gcplogs": "No project was specified and couldn't read project from the metadata server. Please specify a project",
    "journald": "journald is not enabled on this host",
    "splunk": "splunk: splunk-url is expected",
    "syslog": "Unix syslog delivery error",
}
NO_COMPRESSION = "compress cannot be true when max-file is less than 2 or max-size is not set"
LOCAL_SIZE, LOCAL_FILES = 20 << 20, 5  # the local driver's defaults
LOCAL_FRAME = 28  # its bytes around a line: two lengths, the stream's name, the time (recorded)

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kKmMgGtTpP])?[iI]?[bB]?")
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
_TAG_FIELD = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


def configured(settings: Settings, asked: LogConfig | None) -> LogConfig | None:
    """What a container logs with: its own wish, completed by the daemon's defaults; None for dockerd's usual.

    Raises BadRequest for a driver or an option that is not known."""
    driver = (asked.Type if asked is not None else "") or settings.log_driver
    options = dict((asked.Config if asked is not None else None) or {})
    if driver == settings.log_driver:
        options = {**settings.log_opts, **options}
    if driver == JSON_FILE and not options:
        return None
    if driver != NO_LOG:
        _check(driver, options)
    return LogConfig(driver, options)


def completed(settings: Settings, host: HostConfig) -> HostConfig:
    """What a container asks of its host, with all of its log configuration; the request stays as it came."""
    log = configured(settings, host.LogConfig)
    return host if log is None else msgspec.structs.replace(host, LogConfig=log)


def _check(driver: str, options: Mapping[str, str]) -> None:
    if driver not in LOG_DRIVERS:
        raise BadRequest(f'error looking up logging plugin {driver}: plugin "{driver}" not found')
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise BadRequest(f"logger: logging mode not supported: {mode}")
    if "max-buffer-size" in options:
        if mode != "non-blocking":
            raise BadRequest("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
        try:
            size(options["max-buffer-size"], 1024)
        except ValueError as error:
            raise BadRequest(f"error parsing option max-buffer-size: {error}") from None
    if driver in REFUSED_AT_CREATE:
        raise BadRequest(REFUSED_AT_CREATE[driver])
    for name in options:
        if driver in OPTIONS and name not in OPTIONS[driver] | COMMON:
            told = f"{driver} log driver" if driver == JSON_FILE else f"log driver {driver}"
            raise BadRequest(f"unknown log opt '{name}' for {told}")


def kept(container: Container) -> bool:
    """Whether anybody can read what it has written."""
    return container.host.LogConfig is None or container.host.LogConfig.Type != NO_LOG


def opened(daemon: Daemon, container: Container) -> Log:
    """The log of a container that starts. Raises InternalError for options that make no sense."""
    config = container.host.LogConfig
    if config is None or config.Type == NO_LOG or (config.Type in ("", JSON_FILE) and not config.Config):
        return container.log
    try:
        if config.Type in REFUSED_AT_START:
            raise ValueError(REFUSED_AT_START[config.Type])
        open_driver = _local if config.Type == LOCAL else _json_file
        return open_driver(daemon, container, config.Config or {})
    except ValueError as error:
        raise InternalError(f"failed to initialize logging driver: {error}") from None


def _json_file(daemon: Daemon, container: Container, options: Mapping[str, str]) -> Log:
    capacity = None
    if "max-size" in options:
        capacity = size(options["max-size"], 1000)
        if capacity <= 0:
            raise ValueError("max-size must be a positive number")
    files = _integer(options["max-file"]) if "max-file" in options else 1
    if files < 1:
        raise ValueError("max-file cannot be less than 1")
    if "compress" in options and _boolean(options["compress"]) and (files < 2 or capacity is None):
        raise ValueError(NO_COMPRESSION)
    attributes = _attributes(daemon, container, options)
    log = Log() if capacity is None else RotatingLog(capacity, files, _json_bytes(attributes))
    log.details = ",".join(f"{quote(name)}={quote(attributes[name], safe='')}" for name in sorted(attributes))
    return log


def _local(daemon: Daemon, container: Container, options: Mapping[str, str]) -> Log:
    try:
        capacity = size(options["max-size"], 1024) if "max-size" in options else LOCAL_SIZE
    except ValueError as error:
        raise ValueError(f"invalid value for max-size: {options['max-size']}: {error}") from None
    try:
        files = _integer(options["max-file"]) if "max-file" in options else LOCAL_FILES
    except ValueError as error:
        raise ValueError(f"invalid value for max-file: {options['max-file']}: {error}") from None
    try:
        compressed = _boolean(options.get("compress", "true"))
    except ValueError as error:
        raise ValueError(f"error reading compress log option: {error}") from None
    if files < 0:
        raise ValueError("max file count cannot be less than 0")
    if files < 2 and compressed:
        raise ValueError("compression cannot be enabled when max file count is 1")
    return RotatingLog(capacity or LOCAL_SIZE, files, lambda now, fd, line: LOCAL_FRAME + len(line))


class RotatingLog(Log):
    """A log in `files` files of `capacity` bytes: before a line goes into one that is full, it is put aside,
    and the oldest is deleted. `bytes_of(ns, fd, line)` is how long a line is in the driver's format."""

    __slots__ = ("_bytes_of", "_capacity", "_files", "_lines", "_size")

    def __init__(self, capacity: int, files: int, bytes_of: Callable[[int, int, bytes], int]) -> None:
        super().__init__()
        self._files = max(files, 1)
        self._capacity = min(capacity, max(LARGEST_LOG // self._files, 1))
        self._bytes_of = bytes_of
        self._lines = [0]  # in each file, the oldest first
        self._size = 0  # of the newest

    def _add(self, entry: tuple[int, int, bytes]) -> None:
        now, fd, data = entry
        for line in lines_of(data):
            if self._size >= self._capacity:
                self._rotate()
            self._size += self._bytes_of(now, fd, line)
            self._lines[-1] += 1
            super()._add((now, fd, line))

    def _shorten(self) -> None:
        """It is the files that are deleted."""

    def _rotate(self) -> None:
        self._size = 0
        self._lines.append(0)
        if len(self._lines) > self._files:
            del self.entries[: self._lines.pop(0)]


def _json_bytes(attributes: Mapping[str, str]) -> Callable[[int, int, bytes], int]:
    more = {"attrs": dict(attributes)} if attributes else {}

    def count(now: int, fd: int, line: bytes) -> int:
        shown = {"log": line.decode(errors="replace"), "stream": "stderr" if fd == 2 else "stdout", **more}
        return len(json.dumps({**shown, "time": rfc3339(now)}, ensure_ascii=False, separators=(",", ":")).encode()) + 1

    return count


def _attributes(daemon: Daemon, container: Container, options: Mapping[str, str]) -> dict[str, str]:
    """What `docker logs --details` shows: the labels and variables that were asked for, and the tag."""
    labels = container.config.Labels or {}
    variables = dict(entry.partition("=")[::2] for entry in container.config.Env or ())
    found = {}
    for option, values in (("labels", labels), ("env", variables)):
        for name in options.get(option, "").split(","):
            if name in values:
                found[name] = values[name]
        pattern = options.get(f"{option}-regex")
        if pattern:
            found |= {name: value for name, value in values.items() if re.search(pattern, name)}
    if "tag" in options:
        found["tag"] = _TAG_FIELD.sub(lambda field: _tag(container, field[1]), options["tag"])
    return found


def _tag(container: Container, name: str) -> str:
    image = container.image.id if container.image is not None else ""
    known = {
        "ID": container.short_id, "FullID": container.id, "Name": container.name, "ImageName": container.image_ref,
        "ImageID": image.removeprefix("sha256:")[:12], "ImageFullID": image, "DaemonName": "docker",
    }  # fmt: skip
    if name not in known:
        raise ValueError(f"template: log-tag: can't evaluate field {name}")
    return known[name]


def size(text: str, unit: int) -> int:
    """`10k` in bytes, in thousands or in 1024s as `unit` says. Raises ValueError with go-units' sentence."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid size: '{text}'")
    return int(float(match[1]) * unit ** (" kmgtp".index((match[2] or " ").lower())))


def _integer(text: str) -> int:
    if re.fullmatch(r"[+-]?\d+", text) is None:
        raise ValueError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _boolean(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
