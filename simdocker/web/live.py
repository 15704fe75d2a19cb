"""A world into which a page types: what the page may ask, and what it is told.

The simulation runs on a thread of its own, because a line that waits for a key (`docker run -it`) waits
in the middle of the world. What the page asks for comes in as plain JSON objects with `do`, what it is
told goes out as objects with `is`; both are listed in `Live`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.backends.sim.shell.grammar import unfinished
from simdocker.errors import UserError
from simdocker.lessons.session import LessonSession
from simdocker.scenario.pace import Pace, Unattended
from simdocker.scenario.session import Entry, Session, type_again
from simdocker.scenario.units import duration
from simdocker.web.branch import Branch
from simdocker.web.carried import LETTERS, LINES, entry_of, plain
from simdocker.web.contrast import contrast
from simdocker.web.keyboard import Gone, PageKeyboard
from simdocker.web.tutor import Tutor, course, of_course
from simdocker.web.voice import Say, Voice

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.lines import Line
    from simdocker.scenario.model import Scenario

BRANCHES = 20  # of one page: far more than a class makes
THINKING = 60 * 10**9  # ns: a person may think for longer; the world does not wait longer for them


class Live:
    """One page's worlds. The page may ask (`do`):

    `run` {line, host, columns, rows} · `keys` {keys} · `complete` {line, host} · `pass` {time} · `undo` {count} ·
    `redo` · `reset` · `restore` {entries} · `fork` {at: entries that both share} · `switch` {to} · `other` {to} ·
    `lesson` {name, "" for none} · `predict` {number, answer} · `hint` · `solution`

    and is told (`is`):

    `world` {branch, branches, hosts, entries, printed, undone, story}: everything anew, `printed` by the entries ·
    `events` {events, steps} · `reads`: the line that runs waits for what is typed ·
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
        self.keyboard = PageKeyboard(self._waits)
        self._reads = False  # the line at work was seen to wait for what is typed
        self._since = time.monotonic_ns()
        self._source = ""  # the beginning of a line that goes on
        self.branch = Branch("main", self.opened())
        self.branches = {"main": self.branch}
        self.voice = Voice(say, self.branch.teller)
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
        self.voice.printed(fd, data)

    def opened(self) -> Session:
        """A fresh session of the lesson, or of the world."""
        if self.tutor is not None:
            session: Session = LessonSession(self.tutor.lesson, screen=self.show, terminal=True)
        else:
            session = Session(self.scenario, seed=self.seed, profile=self.profile, screen=self.show, terminal=True)
        session.look = self.keyboard.present
        return session

    # -- on the thread ----------------------------------------------------------------------------

    def _live(self) -> None:
        with suppress(Gone):
            self._serve()

    def _serve(self) -> None:
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
                raise
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
            branch.restore(entries, self._relive)
        except Gone:
            raise
        except Exception:
            branch.restore([], self._relive)
        self._tell_world()

    def _waits(self, everything: bool) -> None:
        """The line waits, for a key or for an event to come: what happened is told first."""
        self.voice.flush()
        if everything and not self._reads:
            self._reads = True
            self._say({"is": "reads"})

    def _relive(self, line: Line, entry: Entry) -> None:
        """Conductor: the keys arrive when they did; a line that does not end after them is ended as a scenario's is."""
        type_again(line, entry, self.keyboard.present)
        Unattended(self.keyboard.present).conduct(line, entry)

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
        self._reads = False
        try:
            session.perform(entry, Pace(session, self.keyboard, None).conduct)
        finally:
            self._since = time.monotonic_ns()
            self.voice.flush()
        self._say({"is": "ended", "exit": entry.exit, "entry": plain(entry), "prompt": self._prompt(host)})
        self._tell_lesson()

    def _pass(self, request: Mapping[str, Any]) -> None:
        try:
            passing = duration(str(request.get("time", "")))
        except ValueError as error:
            raise UserError(str(error)) from None
        session = self.branch.session
        session.perform(
            entry := Entry(next(iter(session.world.machines)), "", passing), Unattended(self.keyboard.present).conduct
        )
        self.voice.flush()
        self._say({"is": "ended", "exit": 0, "entry": plain(entry), "prompt": ""})
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
            entries = [entry_of(each) for each in given]
        except (msgspec.ValidationError, ValueError):
            raise UserError("this link's commands cannot be read: copy the whole link") from None
        for entry in entries:
            if entry.host not in self.branch.session.world.machines:
                raise UserError(f"this link is for another world: here is no host {entry.host}")
        self.branch.restore(entries, self._relive)
        self._tell_world()

    def _fork(self, request: Mapping[str, Any]) -> None:
        """A new branch that shares the first `at` entries."""
        if len(self.branches) >= BRANCHES:
            raise UserError(f"there are {BRANCHES} branches already: go on in one of them")
        entries = self.branch.session.entries
        shared = entries[: _within(request.get("at"), 0, len(entries), len(entries))]
        name = next(name for number in range(1, BRANCHES + 1) if (name := f"branch {number}") not in self.branches)
        branch = Branch(name, self.opened())
        branch.restore(shared, self._relive)
        self.branches[name] = branch
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
            main = Branch("main", self.opened())
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
        self._tell_world()

    def _went(self) -> None:
        """The branch went back or forward in silence."""
        self.branch.tell_anew()
        self._tell_world()

    def _tell_world(self) -> None:
        self._source = ""
        self._listen()
        session = self.branch.session
        self._since = time.monotonic_ns()
        self._say(
            {
                "is": "world",
                "branch": self.branch.name,
                "branches": list(self.branches),
                "hosts": list(session.world.machines),
                "entries": [plain(entry) for entry in session.entries],
                "printed": self.branch.printed(),
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
        """The branch at hand is the one that is told of."""
        self.voice.begin(self.branch.teller)
        self.branch.session.listener = self.voice.heard

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


def _within(value: object, least: int, most: int, otherwise: int) -> int:
    """A number from the page, kept within reason."""
    return min(max(value, least), most) if isinstance(value, int) else otherwise
