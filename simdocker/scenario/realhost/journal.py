"""What a play makes on an engine and on this machine, on disk before it is made, so that who is killed leaves nothing.

Every request that makes something passes here twice: before it goes out, what it will be is written down (`asked`), and
with its answer what it has become (`answered`). A name or an id is removed as it stands. What has neither (a container
that the engine names, the steps of a build) is known by what was asked for and by having been made within SOON of it.
The next play on that engine, and `simdocker cleanup`, undo what plays that are dead wrote down, and nothing else.

The files lie where they outlast a reboot, as containers do: in $XDG_STATE_HOME/simdocker (~/.local/state/simdocker).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from simdocker.api import Request, Response
from simdocker.api.times import parse_time, unix_nano
from simdocker.api.wire import to_wire
from simdocker.backends.engine.asking import Engine
from simdocker.backends.linux.journal import Entry, Journal, Undone, clean, started, undo, undoes
from simdocker.content.blob import Blob
from simdocker.content.reference import HUB, InvalidReference, parse
from simdocker.errors import UserError

SOON_NS = 60_000_000_000
"""Within this of the request the engine has made what it will make, though nobody waits for the answer."""

PATIENCE = 60
"""Seconds for an engine to remove one thing: it gives a container that does not heed SIGKILL ten, and unmounts."""

EARLIER_NS = 1_000_000_000
"""By so much an object's time may lie before the request's: volumes tell theirs in whole seconds."""

OBJECT, UNNAMED, SESSION, DIRECTORY = "engine object", "engine object without a name", "shell", "directory of a play"

PATHS = {"container": "/containers/{}", "network": "/networks/{}", "volume": "/volumes/{}", "image": "/images/{}"}
SHOWN = {**PATHS, "container": "/containers/{}/json", "image": "/images/{}/json"}
FORCED = {"container": {"force": "1", "v": "1"}}
REMOVED = (200, 204)
GONE = (*REMOVED, 404)
IN_USE = 409


class Made(msgspec.Struct, array_like=True):
    """An object by its name or id; `since` is when it was asked for (Unix ns by the engine's clock), 0 when its id is
    known: an older one of that name is somebody else's."""

    address: str
    what: str
    name: str
    since: int = 0


class Wanted(msgspec.Struct, array_like=True):
    """An object asked for without a name: a container of `image`, an image or a builder's container (image "")."""

    address: str
    what: str
    since: int
    image: str = ""


class Shell(msgspec.Struct, array_like=True):
    """A session's process group, by its leader and when that started."""

    pid: int
    started: int


def state_directory() -> Path:
    """Where all plays on engines have their journals."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "simdocker", "engines")


def _directory(address: str) -> Path:
    """Each engine has a directory: a play must not wait for engines that it does not use."""
    return state_directory() / hashlib.sha256(address.encode()).hexdigest()[:16]


def clean_up(address: str) -> Undone:
    """Undo what dead plays left on the engine at `address`, and here. Raises OSError when journals cannot be read."""
    return _cleaned(_directory(address))


def _cleaned(directory: Path) -> Undone:
    _silent.clear()
    return _until_nothing_moves(lambda: clean(directory))


def _until_nothing_moves(undo_all: Callable[[], Undone]) -> Undone:
    """A volume is known after its container and so would go before it, which cannot be: what could not go while
    something else was there has another try when that is gone."""
    undone = undo_all()
    while undone.failures:
        again = undo_all()
        undone = Undone(undone.entries + again.entries, again.failures, undone.nothing + again.nothing)
        if not again.entries:
            break
    return undone


def clean_up_all() -> Undone:
    """The same for every engine that was played on."""
    result = Undone.none()
    with suppress(FileNotFoundError):
        for directory in sorted(state_directory().iterdir()):
            result.add(_cleaned(directory))
    return result


class PlayJournal:
    """One play's. `known` are the names of what was on the engine before."""

    def __init__(self, engine: Engine, known: Mapping[str, set[str]]) -> None:
        self._engine = engine
        self._known = known
        self.front = ""  # the registry that stands in for Docker Hub: a pulled image has its name for a moment
        self._skew_ns = _skew(engine)
        self._asked: dict[int, list[tuple[str, str]]] = {}
        try:
            self._journal = Journal(_directory(engine.address))
        except OSError as error:
            raise UserError(f"the journal of plays cannot be kept in {state_directory()}: {error.strerror}") from None

    def close(self) -> Undone:
        """Remove all that the play made. What cannot go stays in the journal, for the next play or cleanup."""
        _silent.clear()
        undone = _until_nothing_moves(self._undo)
        self._journal.close()
        return undone

    def _undo(self) -> Undone:
        undone = undo(self._journal.entries())
        for entry in undone.settled:
            self._journal.forget(*entry)
        return undone

    def directory(self, path: Path) -> None:
        """A directory is about to be made."""
        self._journal.record(DIRECTORY, str(path))

    def shell(self, pid: int) -> None:
        """A session's shell has started."""
        self._journal.record(SESSION, _text(Shell(pid, started(pid))))

    def asked(self, request: Request) -> None:
        """A request is about to go out."""
        if request.method != "POST":
            return
        entries = [(OBJECT if isinstance(what, Made) else UNNAMED, _text(what)) for what in self._makes(request)]
        for entry in entries:
            self._journal.record(*entry)
        self._asked[id(request)] = entries

    def answered(self, request: Request, response: Response) -> None:
        """Its answer: what was refused was not made; what has an id now is known by that."""
        entries = self._asked.pop(id(request), ())
        made = _MADE.get(request.path)
        if made is not None and response.status == 201:
            what, key = made
            if what == "volume" and any(kind == OBJECT for kind, _ in entries):
                return  # it has no id: its name and the time stay
            if response.body[key] not in self._known[what]:
                self.made(what, response.body[key])
        if response.failed or made is not None:
            for kind, text in entries:
                if response.failed or kind == UNNAMED or msgspec.json.decode(text, type=Made).what == made[0]:  # type: ignore[index]
                    self._journal.forget(kind, text)

    def building(self, said: str) -> None:
        """A line of a build's output, by which a container is known that starts long after the build was asked for."""
        if step := _RUNNING.match(said):
            self.made("container", step[1])
        elif step := _REMOVED.match(said):
            self._journal.forget(OBJECT, _text(Made(self._engine.address, "container", step[1])))

    def made(self, what: str, name: str) -> None:
        """Something is there, by its id or name."""
        self._journal.record(OBJECT, _text(Made(self._engine.address, what, name)))

    def _makes(self, request: Request) -> Iterator[Made | Wanted]:
        """What a request will make, if the engine grants it."""
        address, now, query = self._engine.address, time.time_ns() + self._skew_ns, request.query
        body = {} if request.body is None or isinstance(request.body, Blob | bytes) else to_wire(request.body)
        if request.path == "/containers/create":
            if query.get("name"):
                yield from self._new("container", query["name"], now)
            else:
                yield Wanted(address, "container", now, str(body.get("Image", "")))
            for name in _volumes(body.get("HostConfig") or {}):
                yield from self._new("volume", name, now)
        elif request.path == "/networks/create":
            yield from self._new("network", str(body.get("Name", "")), now)
        elif request.path == "/volumes/create":
            yield from self._new("volume", str(body.get("Name") or ""), now)
        elif request.path == "/images/create":
            name = _image(query.get("fromImage") or query.get("repo", ""), query.get("tag"))
            yield from self._new("image", name, now)
            with suppress(InvalidReference):
                wanted = parse(name)
                if self.front and wanted.domain == HUB and wanted.tag:
                    yield from self._new("image", f"{self.front}/{wanted.path}:{wanted.tag}", now)
        elif request.path.endswith("/tag") or request.path == "/commit":
            if query.get("repo"):
                yield from self._new("image", _image(query["repo"], query.get("tag")), now)
            elif request.path == "/commit":
                yield Wanted(address, "image", now)
        elif request.path in ("/build", "/images/load"):
            if request.path == "/build":
                for name in filter(None, query.get("t", "").split(",")):
                    yield from self._new("image", name, now)
            yield Wanted(address, "container", now)
            yield Wanted(address, "image", now)

    def _new(self, what: str, name: str, now: int) -> Iterator[Made]:
        """The entry for a name that was not there before."""
        if what == "image":
            with suppress(InvalidReference):
                name = parse(name).or_latest().familiar  # as the engine lists it: the request may say docker.io/library
        if name and not {name, f"{name}:latest"} & self._known[what]:
            yield Made(self._engine.address, what, name, now)


_MADE = {
    "/containers/create": ("container", "Id"),
    "/networks/create": ("network", "Id"),
    "/volumes/create": ("volume", "Name"),
    "/commit": ("image", "Id"),
}


def _volumes(host_config: Mapping[str, Any]) -> Iterator[str]:
    """The named volumes that come into being with a container."""
    for bind in host_config.get("Binds") or ():
        source = str(bind).partition(":")[0]
        if source and not source.startswith(("/", ".", "~")):
            yield source
    for mount in host_config.get("Mounts") or ():
        if mount.get("Type") == "volume" and mount.get("Source"):
            yield str(mount["Source"])


def _image(name: str, tag: str | None) -> str:
    if not tag or not name:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


def _skew(engine: Engine) -> int:
    """By how many ns the engine's clock is ahead of ours; what is less than a second is the time of asking."""
    said = (engine.get("/info") or {}).get("SystemTime", "")
    ahead = _unix_ns(said) - time.time_ns() if said else 0
    return ahead if abs(ahead) > EARLIER_NS else 0


def _unix_ns(said: str) -> int:
    """RFC 3339 with any fraction and zone."""
    return unix_nano(parse_time(said, 0))


def _text(entry: Made | Wanted | Shell) -> str:
    return msgspec.json.encode(entry).decode()


# -- undoing -------------------------------------------------------------------------------------


_silent: dict[str, str] = {}
"""What was said of the engines that did not answer: they are not waited for again, entry by entry."""


@undoes(OBJECT)
def _remove_object(text: str) -> bool:
    made = msgspec.json.decode(text, type=Made)
    if made.since:
        shown = _ask(made.address, "GET", SHOWN[made.what].format(made.name), {})[1]
        at = _made_at(shown) if isinstance(shown, dict) else None
        if at is None or (made.what != "image" and at < made.since - EARLIER_NS):
            return False  # it is not there, or older than the play
        if made.what == "volume" and at > made.since + SOON_NS:
            return False  # somebody has made it anew
    return _remove(made.address, made.what, made.name)


@undoes(UNNAMED)
def _remove_wanted(text: str) -> bool:
    wanted = msgspec.json.decode(text, type=Wanted)
    removed = [_remove(wanted.address, wanted.what, id) for id in _made_then(wanted)]
    return any(removed)


def _made_then(wanted: Wanted) -> Iterator[str]:
    """The ids of what the request that was not answered made."""
    if wanted.what == "container":
        for one in _listed(wanted, "/containers/json", {"all": "1"}):
            image = str(one.get("Image", ""))
            if image == wanted.image if wanted.image else _AN_ID.fullmatch(image):
                yield one["Id"]
    else:
        yield from (one["Id"] for one in _listed(wanted, "/images/json", {"filters": '{"dangling":["true"]}'}))


_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12,64})\b")
_REMOVED = re.compile(r"Remov(?:ed|ing) intermediate container ([0-9a-f]{12,64})\b")
_AN_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
"""What a builder's container calls its image."""


def _listed(wanted: Wanted, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for one in _ask(wanted.address, "GET", path, query)[1] or ():
        shown = _ask(wanted.address, "GET", SHOWN[wanted.what].format(one["Id"]), {})[1]
        at = _made_at(shown) if isinstance(shown, dict) else None
        if at is not None and wanted.since - EARLIER_NS <= at <= wanted.since + SOON_NS:
            yield one


def _made_at(shown: Mapping[str, Any]) -> int | None:
    said = shown.get("Created") or shown.get("CreatedAt")
    return _unix_ns(said) if isinstance(said, str) else None


def _remove(address: str, what: str, name: str) -> bool:
    """Whether there was something to remove. Raises OSError where the engine does not."""
    status, said = _ask(address, "DELETE", PATHS[what].format(name), FORCED.get(what, {}))
    if status in GONE or (status == IN_USE and what == "image"):  # somebody else's containers came to use the image
        return status in REMOVED
    message = said.get("message", "") if isinstance(said, dict) else ""
    raise OSError(errno.EBUSY, message or f"the engine answered {status}")


def _ask(address: str, method: str, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
    if address in _silent:
        raise OSError(errno.ECONNREFUSED, _silent[address])
    try:
        return Engine(address, PATIENCE).ask(method, path, query)
    except UserError as error:
        _silent[address] = str(error)
        raise OSError(errno.ECONNREFUSED, str(error)) from None


@undoes(SESSION)
def _end_shell(text: str) -> bool:
    shell = msgspec.json.decode(text, type=Shell)
    if started(shell.pid) != shell.started:
        return False
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)
    return True


@undoes(DIRECTORY)
def _remove_directory(name: str) -> bool:
    try:
        shutil.rmtree(name)
    except FileNotFoundError:
        return False
    return True


def described(entry: Entry) -> str:
    """An entry, as `simdocker cleanup` names it."""
    readers: dict[str, Callable[[], str]] = {
        OBJECT: lambda: "{0.what} {0.name} on {0.address}".format(msgspec.json.decode(entry.name, type=Made)),
        UNNAMED: lambda: "{0.what} without a name on {0.address}".format(msgspec.json.decode(entry.name, type=Wanted)),
        SESSION: lambda: f"shell {msgspec.json.decode(entry.name, type=Shell).pid}",
        DIRECTORY: lambda: f"directory {entry.name}",
    }
    return readers[entry.kind]() if entry.kind in readers else f"{entry.kind} {entry.name}"
