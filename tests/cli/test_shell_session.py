"""What is done at a prompt can be undone, because it can be done again in the same way."""

from __future__ import annotations

import pytest

from simdocker.des.clock import S
from simdocker.scenario.load import from_lines
from simdocker.scenario.pace import Pace, Unattended
from simdocker.scenario.session import Entry, Session


class Fingers:
    """A keyboard whose keys are pressed at given simulated times."""

    def __init__(self, session: Session, *presses: tuple[int, bytes]) -> None:
        self.session = session
        self.presses = list(presses)

    def pressed(self) -> bytes:
        """A signal whose time has come."""
        if self.presses and self.presses[0][1] == b"\x03" and self.presses[0][0] <= self.session.world.env.now:
            return self.presses.pop(0)[1]
        return b""

    def wait(self, seconds: float | None, *, everything: bool) -> bytes:
        """Nobody waits in a test: what is due next comes at once."""
        return self.presses.pop(0)[1] if self.presses else b""


class Screen:
    def __init__(self) -> None:
        self.data = b""

    def __call__(self, fd: int, data: bytes) -> None:
        self.data += data


def sit_down(*, terminal: bool = False) -> tuple[Session, Screen]:
    screen = Screen()
    return Session(from_lines("true", "a world"), screen=screen, terminal=terminal), screen


def do(session: Session, *lines: str, pause_ns: int = 0) -> Entry:
    for line in lines:
        session.perform(Entry("laptop", line, pause_ns), Unattended().conduct)
    assert session.last is not None
    return session.last


def told(session: Session) -> list[tuple[int, str, str, str]]:
    return [(record.t_ns, record.actor, record.kind, record.what) for record in session.world.trace]


def test_a_line_has_an_exit_code_a_duration_and_a_trace() -> None:
    session, screen = sit_down()
    entry = do(session, "docker run --rm busybox sh -c 'echo hi; exit 3'")
    assert entry.exit == 3 and b"hi\n" in screen.data
    assert entry.ended_ns > entry.started_ns
    assert "POST /containers/create" in [record.what for record in session.records_of(entry)]


def test_no_line_happens_because_of_the_one_before() -> None:
    session, _ = sit_down()
    first, second = do(session, "docker version"), do(session, "docker ps -q")
    typed, *_ = session.records_of(second)
    assert (typed.what, typed.cause_seq) == ("command", -1)
    assert all(record.cause_seq < record.seq for record in session.records_of(first))


def test_undo_is_the_world_before_the_last_command_and_silent() -> None:
    session, screen = sit_down()
    do(session, "docker run --name a1 busybox true")
    before, clock = told(session), session.world.env.now
    do(session, "docker rm a1", pause_ns=2 * S)
    assert session.world.inspect("container", "a1") is None
    seen = screen.data
    assert [entry.line for entry in session.undo()] == ["docker rm a1"]
    assert session.world.inspect("container", "a1") is not None
    assert (told(session), session.world.env.now, screen.data) == (before, clock, seen)


def test_undo_and_redo_reach_back_to_the_beginning_and_forth_again() -> None:
    session, _ = sit_down()
    do(session, "docker volume create v1", "docker volume create v2", "x=5")
    after = told(session)
    assert [entry.line for entry in session.undo()] == ["x=5"]
    assert [entry.line for entry in session.undo(5)] == ["docker volume create v2", "docker volume create v1"]
    assert session.undo() == []
    assert session.world.inspect("volume", "v1") is None
    while session.redo() is not None:
        pass
    assert told(session) == after


def test_something_new_forgets_what_was_undone() -> None:
    session, _ = sit_down()
    do(session, "docker volume create v1")
    session.undo()
    do(session, "docker volume create v2")
    assert session.redo() is None


def test_variables_and_the_directory_last_and_are_undone() -> None:
    session, screen = sit_down()
    do(session, "mkdir d; cd d; x=1", "x=2")
    session.undo()
    do(session, "echo $x; pwd")
    assert screen.data == b"1\n/home/user/d\n"


def test_time_that_passed_at_the_prompt_passes_in_the_replay() -> None:
    session, _ = sit_down()
    do(session, "docker run -d --name up busybox sleep 1000")
    do(session, "docker inspect -f '{{.State.StartedAt}}' up", "true", pause_ns=90 * S)
    after = told(session)
    session.undo()
    session.redo()
    assert told(session) == after


def test_keys_typed_while_a_line_runs_are_typed_again_in_the_replay() -> None:
    session, screen = sit_down(terminal=True)
    fingers = Fingers(session, (0, b"echo $((6*7))\n"), (0, b"\x04"))
    session.perform(Entry("laptop", "docker run -it --name c1 busybox sh"), Pace(session, fingers, None).conduct)
    assert b"42\r\n" in screen.data
    do_after = Entry("laptop", "docker ps -a")
    session.perform(do_after, Pace(session, fingers, None).conduct)
    after = told(session)
    session.undo()
    session.undo()
    session.redo()
    session.redo()
    assert told(session) == after


def test_ctrl_c_in_the_middle_of_a_jump_finds_its_place_again() -> None:
    session, _ = sit_down(terminal=True)
    session.perform(
        Entry("laptop", "while :; do true; done"), Pace(session, Fingers(session, (S, b"\x03")), None).conduct
    )
    assert session.last is not None and session.last.exit == 130
    after = told(session)
    session.undo()
    session.redo()
    assert told(session) == after


@pytest.mark.parametrize("line", ["sleep 1000", "docker pull redis", "docker run -d busybox sleep 9; sleep 20"])
def test_what_ends_by_itself_ends_at_once(line: str) -> None:
    session, _ = sit_down(terminal=True)

    class Never(Fingers):
        def wait(self, seconds: float | None, *, everything: bool) -> bytes:
            raise AssertionError("nobody has to wait for this")

    session.perform(Entry("laptop", line), Pace(session, Never(session), None).conduct)


def test_what_prints_and_sleeps_for_ever_is_watched_at_the_speed_of_the_wall() -> None:
    session, screen = sit_down(terminal=True)
    fingers = Fingers(session, (0, b"\x03"))
    session.perform(Entry("laptop", "while sleep 1; do echo tick; done"), Pace(session, fingers, None).conduct)
    assert session.last is not None and session.last.exit == 130
    assert 1 <= screen.data.count(b"tick") <= 10


def test_live_statistics_are_watched_at_the_speed_of_the_wall() -> None:
    session, screen = sit_down(terminal=True)
    do(session, "docker run -d --name box busybox sleep 1000")
    session.perform(Entry("laptop", "docker stats"), Pace(session, Fingers(session, (0, b"\x03")), None).conduct)
    assert session.last is not None and session.last.exit == 130
    assert session.last.ended_ns - session.last.started_ns < 10 * S
    assert screen.data.count(b"box") > 1


def test_the_shell_remembers_what_was_typed_at_it() -> None:
    session, screen = sit_down()
    do(session, "docker ps -q", "false", "history", "history 1 | cat", "docker run --rm busybox sh -c history")
    assert screen.data.startswith(b"    1  docker ps -q\n    2  false\n    3  history\n    4  history 1 | cat\n")
    assert b"    5" not in screen.data


def test_sudo_runs_what_a_person_of_habit_puts_it_before() -> None:
    session, screen = sit_down()
    assert do(session, "sudo docker version -f '{{.Client.Version}}'", "sudo -u daemon id -un").exit == 0
    assert screen.data == b"28.2.2\ndaemon\n"
    assert do(session, "DOCKER_HOST=tcp://nowhere:2375 sudo docker ps -q").exit == 0
    assert do(session, "DOCKER_HOST=tcp://nowhere:2375 sudo -E docker ps -q").exit == 1
    assert do(session, "sudo nosuch").exit == 1
    assert b"sudo: nosuch: command not found\n" in screen.data


def test_a_line_that_never_ends_and_nobody_watches_is_interrupted_after_an_hour() -> None:
    session, screen = sit_down()
    assert do(session, "docker run --rm busybox sh -c 'trap \"\" INT; sleep 100000'").exit == 1
    assert b"got 3 SIGTERM/SIGINTs" in screen.data
    assert do(session, "sleep 100000").exit == 130
