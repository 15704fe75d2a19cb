"""A page's world: what it may ask, what it is told, and that nothing it asks can hurt."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from simdocker.lessons import catalogue
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.load import from_yaml
from simdocker.web import live as module
from simdocker.web.live import Live

PATIENCE = 60.0


class Page:
    """What a browser would be: asks, and waits for what it is told."""

    def __init__(self, world: str | None = None, lesson: str | None = None) -> None:
        scenario = from_yaml(world, "world.yaml") if world else open_world(None)[0]
        self.told: list[Mapping[str, Any]] = []
        self._read = 0
        self._stirred = threading.Condition()
        self.live = Live(scenario, self._hear, lesson=catalogue.find(lesson) if lesson else None)
        self.world = self.wait("world")

    def _hear(self, message: Mapping[str, Any]) -> None:
        with self._stirred:
            self.told.append(message)
            self._stirred.notify()

    def wait(self, *kinds: str, where: Callable[[Mapping[str, Any]], bool] = lambda message: True) -> Any:
        """The next message of one of the kinds."""
        with self._stirred:
            while True:
                while self._read < len(self.told):
                    message = self.told[self._read]
                    self._read += 1
                    if message["is"] in kinds and where(message):
                        return message
                assert self._stirred.wait(PATIENCE), f"no {kinds} in {[m['is'] for m in self.told]}"

    def ask(self, do: str, **what: object) -> None:
        self.live.ask({"do": do, **what})

    def run(self, line: str, **what: object) -> Any:
        self.ask("run", line=line, **what)
        return self.wait("ended", "more", "sorry")

    def printed(self) -> str:
        return "".join(message["data"] for message in self.told if message["is"] == "output")

    def events(self) -> list[Any]:
        """All events since the world was told."""
        begun = max(i for i, message in enumerate(self.told) if message["is"] == "world")
        events = list(self.told[begun]["story"]["events"])
        for message in self.told[begun:]:
            events += message["events"] if message["is"] == "events" else []
        return events


@pytest.fixture
def open_page() -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def opened(world: str | None = None, lesson: str | None = None) -> Page:
        pages.append(Page(world, lesson))
        return pages[-1]

    yield opened
    for page in pages:
        page.live.close()
        assert not page.live.thread.is_alive()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


def test_a_line_gives_its_events_its_output_and_its_exit_code(page: Page) -> None:
    ended = page.run("docker run --name web busybox sh -c 'echo hello; exit 3'")
    assert ended["exit"] == 3 and ended["entry"]["line"].startswith("docker run")
    assert "hello\r\n" in page.printed() or "hello\n" in page.printed()
    events = page.events()
    assert [event["seq"] for event in events] == list(range(len(events)))
    [step] = [step for message in page.told if message["is"] == "events" for _, step in message["steps"]][-1:]
    assert step["exit"] == 3 and step["line"].startswith("docker run")
    assert any(change[0] == "container/web@laptop" for event in events for change in event.get("changes", ()))


def test_what_a_page_hears_piece_by_piece_is_the_story_it_would_be_told_anew(page: Page) -> None:
    page.run("docker run -d --name web nginx")
    page.run("docker exec web ls /")
    heard = page.events()
    page.ask("switch", to="main")
    assert page.wait("world")["story"]["events"] == heard


def test_keys_reach_the_container_that_reads_them(page: Page) -> None:
    page.ask("run", line="docker run -it --name box busybox sh", columns=80, rows=24)
    page.wait("output", where=lambda message: "/ # " in message["data"])
    page.ask("keys", keys="echo in the box\r")
    page.wait("output", where=lambda message: "in the box" in message["data"])
    page.ask("keys", keys="exit 7\r")
    ended = page.wait("ended")
    assert ended["exit"] == 7
    assert "".join(keys for _, keys in ended["entry"]["keys"]) == "echo in the box\rexit 7\r"


def test_ctrl_c_ends_what_runs_for_ever(page: Page) -> None:
    page.ask("run", line="docker run --rm busybox sh -c 'while true; do date; sleep 1; done'")
    page.wait("output", where=lambda message: "2026" in message["data"])
    page.ask("keys", keys="\x03")
    assert page.wait("ended")["exit"] == 130


def test_undo_and_redo_lead_through_the_same_worlds(page: Page) -> None:
    page.run("docker volume create a")
    page.run("docker volume create b")
    after = page.events()
    page.ask("undo")
    world = page.wait("world")
    assert [entry["line"] for entry in world["entries"]] == ["docker volume create a"] and world["undone"] == 1
    page.ask("redo")
    assert page.wait("world")["story"]["events"] == after
    page.ask("reset")
    world = page.wait("world")
    assert world["entries"] == [] and world["story"]["events"] == []
    page.ask("undo")
    assert "nothing to undo" in page.wait("sorry")["text"]


def test_a_branch_shares_the_past_and_goes_its_own_way(page: Page) -> None:
    page.run("docker volume create shared")
    page.run("docker volume create left")
    page.ask("fork", at=1)
    world = page.wait("world")
    assert world["branch"] == "branch 1" and world["branches"] == ["main", "branch 1"]
    page.run("docker volume create right")
    before = page.printed()
    page.run("docker volume ls -q")
    assert page.printed()[len(before) :].split() == ["right", "shared"]
    page.ask("other", to="main")
    told = page.wait("other")["document"]
    other = told["stories"][1]
    assert [step["command"] for step in told["comparison"]["steps"] if step["differences"]] == [
        "docker volume create right",
        "docker volume ls -q",
    ]
    shared = [event for event in other["events"] if event.get("step") == 0]
    assert shared and shared == [event for event in page.events() if event.get("step") == 0]
    page.ask("switch", to="main")
    page.wait("world")
    before = page.printed()
    page.run("docker volume ls -q")
    assert page.printed()[len(before) :].split() == ["left", "shared"]


def test_a_link_carries_the_commands_and_their_keys(open_page: Callable[..., Page]) -> None:
    first = open_page()
    first.ask("run", line="docker run -it --name box busybox sh")
    first.wait("output", where=lambda message: "/ # " in message["data"])
    first.ask("keys", keys="touch /made; exit\r")
    first.wait("ended")
    first.run("docker diff box")
    first.ask("switch", to="main")
    told = first.wait("world")
    second = open_page()
    second.ask("restore", entries=told["entries"])
    again = second.wait("world")
    assert again["story"] == told["story"] and again["entries"] == told["entries"]


@pytest.mark.parametrize(
    "entries",
    [
        "text",
        [1],
        [{"host": "laptop"}],
        [{"host": "laptop", "line": "x", "pause": -1}],
        [{"host": "laptop", "line": "x", "keys": [[5, "a"], [1, "b"]]}],
        [{"host": "laptop", "line": "x", "size": [10**9, 1]}],
        [{"host": "laptop", "line": "x" * 20_000}],
        [{"host": "laptop", "line": "x"}] * 1000,
        [{"host": "nowhere", "line": "docker ps"}],
    ],
)
def test_a_link_that_no_page_made_is_refused_and_costs_nothing(page: Page, entries: object) -> None:
    page.run("docker volume create kept")
    page.ask("restore", entries=entries)
    assert "link" in page.wait("sorry")["text"]
    page.run("docker volume ls -q")
    assert "kept" in page.printed()


def test_a_link_with_a_line_that_never_ends_comes_to_an_end(page: Page) -> None:
    page.ask("restore", entries=[{"host": "laptop", "line": "while true; do echo x; sleep 60; done"}])
    [entry] = page.wait("world")["entries"]
    assert entry["exit"] == 130 and entry["keys"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "frob"}, "cannot ask for 'frob'"),
        ({}, "cannot ask for None"),
        ({"do": "run", "line": "docker ps", "host": "moon"}, "no host 'moon'"),
        ({"do": "pass", "time": "soon"}, "soon"),
        ({"do": "switch", "to": "x"}, "no branch 'x'"),
        ({"do": "redo"}, "nothing to redo"),
        ({"do": "run", "line": "echo " + "x" * 20_000}, "more than a page may ask for"),
    ],
)
def test_what_a_page_cannot_have_is_one_sentence(page: Page, request_: dict[str, Any], said: str) -> None:
    page.live.ask(request_)
    assert said in page.wait("sorry")["text"]
    assert page.run("true")["exit"] == 0


def test_a_line_may_go_on_over_several(page: Page) -> None:
    more = page.run("for i in 1 2; do")
    assert more == {"is": "more", "prompt": "> "}
    page.run("echo $i")
    assert page.run("done")["entry"]["line"] == "for i in 1 2; do\necho $i\ndone"
    assert page.printed().split() == ["1", "2"]


def test_a_word_can_be_completed(page: Page) -> None:
    page.ask("complete", line="docker ru")
    assert page.wait("candidates")["found"][0][0] == "run"


@pytest.mark.parametrize("do", ["run", "complete", "fork", "restore"])
def test_a_fault_of_the_simulator_costs_no_session(page: Page, monkeypatch: pytest.MonkeyPatch, do: str) -> None:
    page.run("docker volume create kept")
    page.run("docker volume create last")

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, {"run": "unfinished", "complete": "_within"}.get(do, "type_again"), broken)
    if do == "complete":
        do = "fork"
    page.ask(do, line="docker ps", at=1, entries=[{"host": "laptop", "line": "docker ps"}])
    assert "fault of simdocker" in page.wait("sorry")["text"]
    monkeypatch.undo()
    while page.run("docker volume ls -q")["is"] != "ended":
        pass
    if do != "restore":
        assert page.printed().split()[-2:] == ["kept", "last"]


def test_a_line_that_is_no_text_is_refused(page: Page) -> None:
    page.ask("restore", entries=[{"host": "laptop", "line": "echo \ud800"}])
    assert "link" in page.wait("sorry")["text"]


def test_each_host_of_a_world_can_be_typed_at(open_page: Callable[..., Page]) -> None:
    page = open_page("world: {hosts: {a: {}, b: {}}}\nsteps: [{run: docker ps}]\n")
    assert page.world["hosts"] == ["a", "b"]
    page.run("hostname", host="b")
    assert page.printed().strip() == "b"


@pytest.mark.parametrize("name", catalogue.names())
def test_every_lesson_can_be_taken_in_a_page(open_page: Callable[..., Page], name: str) -> None:
    lesson = catalogue.find(name)
    page = open_page(lesson=name)
    told = page.wait("lesson")
    assert told["title"] == lesson.title and not told["finished"] and told["explain"] == ""
    page.ask("solution")
    lines = page.wait("lesson")["solution"].splitlines()
    assert lines == lesson.spec.solution.strip().splitlines()


def test_goals_are_looked_at_after_each_line_and_questions_answered_at_the_end(open_page: Callable[..., Page]) -> None:
    page = open_page(lesson="1")
    assert [goal["met"] for goal in page.wait("lesson")["goals"]] == [False, False, False]
    page.ask("predict", number=0, answer="0")
    assert page.wait("lesson")["questions"][0]["right"] == ""
    page.run("docker pull busybox")
    assert page.wait("lesson")["goals"][0]["met"]
    page.run("docker images")
    told = page.wait("lesson")
    assert told["finished"] and told["explain"] and told["questions"][0]["correct"]
    page.ask("lesson", name=told["next"][0])
    assert page.wait("lesson")["title"].startswith("Lesson 2")
    page.ask("lesson", name="")
    assert page.wait("world")["lesson"] == ""


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "hint"}, "no lesson is open"),
        ({"do": "lesson", "name": "/etc/passwd"}, "no lesson '/etc/passwd' in the course"),
        ({"do": "lesson", "name": "../x.yaml"}, "in the course"),
    ],
)
def test_a_page_has_the_lessons_of_the_course_alone(page: Page, request_: dict[str, Any], said: str) -> None:
    page.live.ask(request_)
    assert said in page.wait("sorry")["text"]


def test_a_lessons_text_is_text() -> None:
    from simdocker.web.tutor import html

    assert "<script" not in html("<script>alert(1)</script> **bold** <img src=x onerror=y>")
    assert "<strong>bold</strong>" in html("**bold**")
    assert "javascript:" not in html("[x](javascript:alert(1))").replace("[x](javascript:alert(1))", "")


def test_a_page_that_comes_again_is_told_what_its_lines_printed(page: Page, open_page: Callable[..., Page]) -> None:
    entries = [page.run("echo one; echo two >&2; false")["entry"], page.run("yes | head -n 60000")["entry"]]
    again = open_page()
    again.ask("restore", entries=entries)
    world = again.wait("world")
    assert [entry["exit"] for entry in world["entries"]] == [1, 0]
    assert world["printed"][0] == "[…]\r\n"  # the terminal remembers what came last
    assert "bytes are left out here" not in world["printed"][1] and world["printed"][1].startswith("[…]\r\ny\r\n")
    again.ask("restore", entries=entries[:1])
    assert again.wait("world")["printed"] == ["one\r\ntwo\r\n"]


def test_a_line_that_reads_says_so_and_is_sent_what_is_typed(page: Page) -> None:
    page.ask("run", line="docker run -i --rm busybox sh -c 'read name; echo hello $name'")
    assert page.wait("reads", "ended") == {"is": "reads"}
    page.ask("keys", keys="gopher\r")
    page.wait("ended")
    assert "hello gopher" in page.printed()
    page.run("docker run --rm busybox true")
    assert sum(message["is"] == "reads" for message in page.told) == 1


@pytest.mark.parametrize("busy", ["true", "sleep 0.001"])
def test_a_page_that_closes_lets_go_of_a_link_that_loops(page: Page, busy: str) -> None:
    page.ask("restore", entries=[{"host": "laptop", "line": f"while true; do {busy}; done"}])
    page.ask("undo")
    page.live.close()
    assert not page.live.thread.is_alive()


def test_of_a_line_that_prints_for_long_the_beginning_and_the_end_are_kept(page: Page) -> None:
    page.run("echo begins; yes 0123456789 | head -n 60000; echo ends")
    [entry] = page.live.branch.session.entries
    kept = b"".join(data for _, data in entry.printed)
    assert kept.startswith(b"begins\r\n0123456789\r\n") and kept.endswith(b"\r\nends\r\n")
    assert len(kept) < 3 * 128 << 10
    assert b"[simdocker: " in kept and b"bytes are left out here" in kept
