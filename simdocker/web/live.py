"""A world into which a page types: its branches, and what the page is told of them.

The simulation runs on a thread of its own, because a line that waits for a key (`docker run -it`) waits
in the middle of the world. What the page asks for comes in as plain JSON objects with `do`, what it is
told goes out as objects with `is`; both are listed in `Live`. A branch is a session that began as a copy of
another one's first lines: the simulation is deterministic, so a copy is the same lines played again.
"""

from __future__ import annotations

import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.backends.sim.shell.grammar import unfinished
from simdocker.errors import UserError
from simdocker.lessons.session import LessonSession
from simdocker.scenario.pace import Pace, Unattended
from simdocker.scenario.session import Entry, Session, type_again
from simdocker.scenario.units import duration
from simdocker.web.contrast import contrast
from simdocker.web.keyboard import Gone, PageKeyboard
from simdocker.web.story import Event
from simdocker.web.telling import Teller, opening
from simdocker.web.tutor import Tutor, course, of_course

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.lines import Line
    from simdocker.scenario.model import Scenario
    from simdocker.trace import Record

SOON = 0.05  # seconds: what happens goes to the page in pieces that it can draw
MANY = 400  # events in such a piece
LINES, LETTERS, BRANCHES = 500, 10_000, 20  # what a page may ask of this machine: far more than a class does
SECOND = 10**9
THINKING = 60 * SECOND  # a person may think for longer; the world does not wait longer for them

Say = Callable[[Mapping[str, Any]], None]


class Branch:
    """One way the story went: its session and its story."""

    def __init__(self, name: str, live: Live, entries: list[Entry]) -> None:
        self.name = name
        self._live = live
        self.session = live.opened()
        self.teller = self._told()
        if entries:
            self.session.restore([_again(entry) for entry in entries], _relive)
            self.tell_anew()

    def tell_anew(self) -> None:
        """The story from its beginning, after the session went back or forward in silence."""
        self.teller = self._told()

    def _told(self) -> Teller:
        teller = Teller(opening(self._live.scenario, seed=self.session.world.seed))
        for record in self.session.world.trace.records:
            teller.add(record)
        return teller


class Live:
    """One page's worlds. The page may ask (`do`):

    `run` {line, host, columns, rows} · `keys` {keys} · `complete` {line, host} · `pass` {time} · `undo` {count} ·
    `redo` · `reset` · `restore` {entries} · `fork` {at: entries that both share} · `switch` {to} · `other` {to} ·
    `lesson` {name, "" for none} · `predict` {number, answer} · `hint` · `solution`

    and is told (`is`):

    `world` {branch, branches, hosts, entries, undone, story}: everything anew · `events` {events, steps} ·
    `lesson` {…}: what `Tutor.told` says, after each line · `course` {lessons} ·
    `output` {fd, data} · `ended` {exit, entry, prompt} · `more` {prompt}: the line goes on ·
    `candidates` {begun, found} · `other` {branch, document}: this branch and another, compared · `sorry` {text}
    """

    def __init__(
        self,
        scenario: Scenario,
        say: Say,
        *,
        seed: int | None = None,
        profile: str | None = None,
        lesson: Lesson | None = None,
    ) -> None:
        self._free = scenario  # the world that is opened where there is no lesson
        self.scenario, self.seed, self.profile = scenario, seed, profile
        self.tutor: Tutor | None = None
        if lesson is not None:
            self.tutor, self.scenario = Tutor(lesson), lesson.scenario
        self._say = say
        self._asked: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self.keyboard = PageKeyboard(self._flush)
        self._texts = {fd: getincrementaldecoder("utf-8")("replace") for fd in (1, 2)}  # a piece may end in a letter
        self._events: list[Event] = []
        self._flushed = 0.0
        self._since = time.monotonic_ns()
        self._source = ""  # the beginning of a line that goes on
        self.branch = Branch("main", self, [])
        self.branches = {"main": self.branch}
        self._listen()
        self.thread = threading.Thread(target=self._live, name="simdocker ui", daemon=True)
        self.thread.start()

    # -- from the page's side ---------------------------------------------------------------------

    def ask(self, request: Mapping[str, Any]) -> None:
        """From any thread: the page wants something. Keys go to the line that runs; all else waits for its end."""
        if request.get("do") == "keys":
            self.keyboard.type(str(request.get("keys", ""))[:LETTERS].encode("utf-8", "replace"))
        else:
            self._asked.put(request)

    def close(self) -> None:
        """From any thread: the page is gone."""
        self.keyboard.hang_up()
        self._asked.put(None)
        self.thread.join(timeout=5)

    def show(self, fd: int, data: bytes) -> None:
        """What the simulated processes print."""
        self._flush()
        self._say({"is": "output", "fd": fd, "data": self._texts[fd].decode(data)})

    def opened(self) -> Session:
        """A fresh session of the lesson, or of the world."""
        if self.tutor is not None:
            return LessonSession(self.tutor.lesson, screen=self.show, terminal=True)
        return Session(self.scenario, seed=self.seed, profile=self.profile, screen=self.show, terminal=True)

    # -- on the thread ----------------------------------------------------------------------------

    def _live(self) -> None:
        self._say({"is": "course", "lessons": course()})
        self._tell_world()
        while (request := self._asked.get()) is not None:
            branch = self.branch
            before = list(branch.session.entries)
            try:
                act = ACTS.get(str(request.get("do")))
                if act is None:
                    raise UserError(f"a page cannot ask for {request.get('do')!r}")
                act(self, request)
            except Gone:
                return
            except UserError as error:
                self._say({"is": "sorry", "text": str(error)})
            except Exception as error:  # a fault of the simulator must not cost a class its session
                self._say({"is": "sorry", "text": f"this is a fault of simdocker: {error!r}; the command is undone"})
                if self.branch is not branch or branch.session.entries != before:
                    self._back_to(branch, before)

    def _back_to(self, branch: Branch, entries: list[Entry]) -> None:
        """As it was before an act that failed; should that fail too, the world as it began."""
        self.branch = branch
        self._listen()
        try:
            branch.session.restore([_again(entry) for entry in entries], _relive)
        except Exception:
            branch.session.restore([], _relive)
        self._went()

    def _run(self, request: Mapping[str, Any]) -> None:
        session = self.branch.session
        host = self._host(request)
        source = self._source + str(request.get("line", ""))
        if len(source) > LETTERS or len(session.entries) >= LINES:
            raise UserError(f"that is more than a page may ask for: {LINES} lines of {LETTERS} letters")
        if unfinished(source, bash=True):
            self._source = source + "\n"
            self._say({"is": "more", "prompt": "> "})
            return
        self._source = ""
        if not source.strip():
            self._say({"is": "more", "prompt": self._prompt(host)})
            return
        size = (_within(request.get("columns"), 20, 400, 80), _within(request.get("rows"), 5, 200, 24))
        entry = Entry(host, source, self._pause(), size)
        self.keyboard.forget()
        try:
            session.perform(entry, Pace(session, self.keyboard, None).conduct)
        finally:
            self._since = time.monotonic_ns()
            self._flush()
        self._say({"is": "ended", "exit": entry.exit, "entry": _plain(entry), "prompt": self._prompt(host)})
        self._tell_lesson()

    def _pass(self, request: Mapping[str, Any]) -> None:
        try:
            passing = duration(str(request.get("time", "")))
        except ValueError as error:
            raise UserError(str(error)) from None
        session = self.branch.session
        session.perform(entry := Entry(next(iter(session.world.machines)), "", passing), Unattended().conduct)
        self._flush()
        self._say({"is": "ended", "exit": 0, "entry": _plain(entry), "prompt": ""})
        self._tell_lesson()

    def _undo(self, request: Mapping[str, Any]) -> None:
        if not self.branch.session.undo(_within(request.get("count"), 1, LINES, 1)):
            raise UserError("there is nothing to undo: this is the world as it began")
        self._went()

    def _redo(self, request: Mapping[str, Any]) -> None:
        if self.branch.session.redo() is None:
            raise UserError("there is nothing to redo: nothing was undone since the last command")
        self._went()

    def _reset(self, request: Mapping[str, Any]) -> None:
        self.branch.session.undo(len(self.branch.session.entries))
        self._went()

    def _restore(self, request: Mapping[str, Any]) -> None:
        """What a link carries: the lines of another page, played again here."""
        given = request.get("entries")
        if not isinstance(given, list) or len(given) > LINES:
            raise UserError("this link's commands cannot be read: copy the whole link")
        try:
            entries = [_entry(each) for each in given]
        except (msgspec.ValidationError, ValueError):
            raise UserError("this link's commands cannot be read: copy the whole link") from None
        for entry in entries:
            if entry.host not in self.branch.session.world.machines:
                raise UserError(f"this link is for another world: here is no host {entry.host}")
        self.branch.session.restore(entries, _relive)
        self._went()

    def _fork(self, request: Mapping[str, Any]) -> None:
        """A new branch that shares the first `at` entries."""
        if len(self.branches) >= BRANCHES:
            raise UserError(f"there are {BRANCHES} branches already: go on in one of them")
        entries = self.branch.session.entries
        shared = entries[: _within(request.get("at"), 0, len(entries), len(entries))]
        name = next(name for number in range(1, BRANCHES + 1) if (name := f"branch {number}") not in self.branches)
        self.branches[name] = Branch(name, self, shared)
        self._go_to(name)

    def _switch(self, request: Mapping[str, Any]) -> None:
        self._go_to(self._named(request))

    def _other(self, request: Mapping[str, Any]) -> None:
        name = self._named(request)
        stories = [branch.teller.story for branch in (self.branch, self.branches[name])]
        pair = contrast(stories[0], stories[1], (self.branch.name, name))
        shown = {"stories": msgspec.to_builtins(stories), "comparison": msgspec.to_builtins(pair)}
        self._say({"is": "other", "branch": name, "document": shown})

    def _lesson(self, request: Mapping[str, Any]) -> None:
        """Another lesson, or none: a world of its own, in which nothing was typed yet."""
        name = str(request.get("name") or "")
        before = self.tutor, self.scenario
        self.tutor = Tutor(of_course(name)) if name else None
        self.scenario = self.tutor.lesson.scenario if self.tutor is not None else self._free
        try:
            main = Branch("main", self, [])
        except BaseException:
            self.tutor, self.scenario = before
            raise
        self.branch.session.listener = None
        self.branches = {"main": main}
        self.branch = main
        self._go_to("main")

    def _predict(self, request: Mapping[str, Any]) -> None:
        number = request.get("number")
        self._tutored().predict(number if isinstance(number, int) else -1, str(request.get("answer", ""))[:LETTERS])
        self._tell_lesson()

    def _hint(self, request: Mapping[str, Any]) -> None:
        self._tutored().hint()
        self._tell_lesson()

    def _solution(self, request: Mapping[str, Any]) -> None:
        self._tutored().solve()
        self._tell_lesson()

    def _tutored(self) -> Tutor:
        if self.tutor is None:
            raise UserError("no lesson is open: choose one")
        return self.tutor

    def _complete(self, request: Mapping[str, Any]) -> None:
        from simdocker.scenario.completion import candidates

        line = (self._source + str(request.get("line", "")))[-LETTERS:]
        begun, found = candidates(line, self.branch.session, self._host(request))
        self._say({"is": "candidates", "begun": begun, "found": [[each.text, each.note] for each in found[:200]]})

    # -- telling ----------------------------------------------------------------------------------

    def _go_to(self, name: str) -> None:
        self.branch.session.listener = None
        self.branch = self.branches[name]
        self._listen()
        self._tell_world()

    def _went(self) -> None:
        """The branch went back or forward in silence."""
        self.branch.tell_anew()
        self._tell_world()

    def _tell_world(self) -> None:
        self._events.clear()
        self._source = ""
        session = self.branch.session
        self._since = time.monotonic_ns()
        self._say(
            {
                "is": "world",
                "branch": self.branch.name,
                "branches": list(self.branches),
                "hosts": list(session.world.machines),
                "entries": [_plain(entry) for entry in session.entries],
                "undone": len(session.undone),
                "prompt": self._prompt(next(iter(session.world.machines))),
                "lesson": self.tutor.lesson.name if self.tutor is not None else "",
                "story": msgspec.to_builtins(self.branch.teller.story),
            }
        )
        self._tell_lesson()

    def _tell_lesson(self) -> None:
        """Where the lesson stands; no news where there is none."""
        session = self.branch.session
        if self.tutor is not None and isinstance(session, LessonSession):
            self._say(self.tutor.told(session))

    def _listen(self) -> None:
        self.branch.session.listener = self._heard

    def _heard(self, record: Record) -> None:
        self._events.append(self.branch.teller.add(record))
        if len(self._events) >= MANY or time.monotonic() - self._flushed > SOON:
            self._flush()

    def _flush(self) -> None:
        self._flushed = time.monotonic()
        if not self._events:
            return
        teller = self.branch.teller
        self._say(
            {
                "is": "events",
                "events": msgspec.to_builtins(self._events),
                "steps": [[number, msgspec.to_builtins(teller.story.steps[number])] for number in teller.stale()],
            }
        )
        self._events.clear()

    def _prompt(self, host: str) -> str:
        cwd = self.branch.session.shell(host).process.cwd
        return f"{host}$ " if cwd == "/home/user" else f"{host}:{cwd}$ "

    def _pause(self) -> int:
        """The world goes on while a person thinks, as at the prompt of `simdocker shell`."""
        return min(time.monotonic_ns() - self._since, THINKING)

    def _host(self, request: Mapping[str, Any]) -> str:
        hosts = self.branch.session.world.machines
        host = str(request.get("host") or next(iter(hosts)))
        if host not in hosts:
            raise UserError(f"there is no host {host!r}: there are {', '.join(hosts)}")
        return host

    def _named(self, request: Mapping[str, Any]) -> str:
        name = str(request.get("to"))
        if name not in self.branches:
            raise UserError(f"there is no branch {name!r}: there are {', '.join(self.branches)}")
        return name


ACTS: dict[str, Callable[[Live, Mapping[str, Any]], None]] = {
    "run": Live._run,
    "pass": Live._pass,
    "undo": Live._undo,
    "redo": Live._redo,
    "reset": Live._reset,
    "restore": Live._restore,
    "fork": Live._fork,
    "switch": Live._switch,
    "other": Live._other,
    "complete": Live._complete,
    "lesson": Live._lesson,
    "predict": Live._predict,
    "hint": Live._hint,
    "solution": Live._solution,
}


class _Carried(msgspec.Struct):
    """An entry as a link carries it. Keys are texts, each with the ns after its line began."""

    host: str
    line: str
    pause: int = 0
    size: tuple[int, int] = (80, 24)
    keys: list[tuple[int, str]] = []
    exit: int = 0


def _plain(entry: Entry) -> dict[str, Any]:
    keys = [(at, typed.decode("utf-8", "surrogateescape")) for at, typed in entry.keys]
    carried = _Carried(entry.host, entry.line, entry.pause_ns, entry.size, keys, entry.exit)
    return msgspec.to_builtins(carried)  # type: ignore[no-any-return]


def _entry(given: object) -> Entry:
    """Raises msgspec.ValidationError, and ValueError for what no page sends."""
    carried = msgspec.convert(given, _Carried)
    times = [at for at, _ in carried.keys]
    columns, rows = carried.size
    carried.line.encode()  # what is no text cannot have been typed
    if len(carried.line) > LETTERS or not 0 <= carried.pause <= 3600 * SECOND or times != sorted(times):
        raise ValueError(carried)
    if not (0 <= columns <= 400 and 0 <= rows <= 200) or (
        times and not 0 <= times[0] <= times[-1] <= 2 * 3600 * SECOND
    ):
        raise ValueError(carried)
    keys = [(at, typed.encode("utf-8", "surrogateescape")) for at, typed in carried.keys]
    return Entry(carried.host, carried.line, carried.pause, carried.size, keys)


def _again(entry: Entry) -> Entry:
    """The same entry for another session."""
    return Entry(entry.host, entry.line, entry.pause_ns, entry.size, list(entry.keys))


def _relive(line: Line, entry: Entry) -> None:
    """Conductor: the keys arrive when they did; a line that does not end after them is ended as a scenario's is."""
    type_again(line, entry)
    Unattended().conduct(line, entry)


def _within(value: object, least: int, most: int, otherwise: int) -> int:
    """A number from the page, kept within reason."""
    return min(max(value, least), most) if isinstance(value, int) else otherwise
