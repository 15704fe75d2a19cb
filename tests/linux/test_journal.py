"""The journal of a run: what a killed process made is found and removed, and nothing else is."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from simdocker.backends.linux import cgroups, journal, links, netns, nft, storage
from simdocker.backends.linux.journal import Entry, Journal, Undone, clean, undoes

BUSY = """
import os, sys
from simdocker.backends.linux import cgroups, journal, links, netns, nft, storage
journal.COMPACT_AFTER = 20
run = journal.Journal(sys.argv[1])
print(run.instance, flush=True)
made = []
for number in range(1 << 30):
    path = f"{sys.argv[2]}/{number}"
    run.record("test directory", path)
    os.mkdir(path)
    made.append(path)
    if len(made) > 5:
        os.rmdir(made[0])
        run.forget("test directory", made.pop(0))
"""


@undoes("test directory")
def remove_directory(name: str) -> bool:
    if not Path(name).exists():
        return False
    Path(name).rmdir()
    return True


def killed(run: Path, things: Path, after: float) -> None:
    """Run BUSY, and kill it `after` seconds into its work."""
    busy = subprocess.Popen([sys.executable, "-c", BUSY, run, things], stdout=subprocess.PIPE)
    assert busy.stdout is not None
    busy.stdout.readline()
    time.sleep(after)
    busy.kill()
    busy.wait()
    busy.stdout.close()


def test_a_run_killed_at_any_instant_leaves_nothing_after_the_next_cleanup(tmp_path: Path) -> None:
    run, things = tmp_path / "run", tmp_path / "things"
    things.mkdir()
    (things / "strangers").mkdir()
    instants = random.Random(4)
    left = 0
    for _ in range(10):
        killed(run, things, instants.uniform(0.001, 0.02))
        left += len(list(things.iterdir())) - 1
        assert clean(run).failures == []
        assert [path.name for path in things.iterdir()] == ["strangers"]
        assert [path.name for path in run.iterdir()] == ["lock"]
    assert left > 10, "the runs were killed before they had made anything"


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    mine = Journal(tmp_path)
    mine.record("test directory", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    assert clean(tmp_path) == Undone.none()
    assert (tmp_path / "mine").exists()
    assert mine.close() == ([Entry("test directory", str(tmp_path / "mine"))], [], [])
    assert not (tmp_path / "mine").exists()
    assert not mine.path.exists()


def test_a_pid_used_again_does_not_keep_a_dead_run_alive(tmp_path: Path) -> None:
    owner = journal.Owner.this()
    assert owner.alive
    assert not owner._replace(started=owner.started - 1).alive
    assert not owner._replace(boot="00000000").alive


def test_the_youngest_goes_first_and_what_is_gone_already_is_no_failure(tmp_path: Path) -> None:
    run = Journal(tmp_path)
    for name in ("a", "a/b", "a/b/c"):
        run.record("test directory", str(tmp_path / name))
        (tmp_path / name).mkdir()
    run.record("test directory", str(tmp_path / "never made"))
    undone = run.close()
    assert undone.failures == []
    assert not (tmp_path / "a").exists()


def test_what_cannot_be_removed_stays_in_its_journal_for_the_next_time(tmp_path: Path) -> None:
    run, thing = tmp_path / "run", tmp_path / "thing"
    (thing / "in the way").mkdir(parents=True)
    run.mkdir()
    dead = run / "00000000-1-1-feedbeef.journal"
    dead.write_text(f'\n[true,"test directory","{thing}"]')
    [failure] = clean(run).failures
    assert failure.entry == ("test directory", str(thing))
    (thing / "in the way").rmdir()
    assert clean(run).entries == [Entry("test directory", str(thing))]
    assert not dead.exists()


def test_a_line_cut_short_told_of_nothing_done_and_spoils_no_other(tmp_path: Path) -> None:
    dead = tmp_path / "00000000-1-1-feedbeef.journal"
    dead.write_text('\n[true,"test directory","/nowhe\n[true,"test directory","/nowhere/there"]\n[true,"test')
    assert clean(tmp_path).nothing == [Entry("test directory", "/nowhere/there")]


def test_a_journal_stays_small_however_much_comes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_AFTER", 100)
    run = Journal(tmp_path)
    run.record("test directory", "stays")
    for number in range(1_000):
        run.record("test directory", f"/nowhere/{number}")
        run.forget("test directory", f"/nowhere/{number}")
    assert run.path.stat().st_size < 100 * 60
    assert run.entries() == [Entry("test directory", "stays")]
    os.close(run._fd)


def test_what_was_undone_is_not_undone_again_because_something_else_could_not_be(tmp_path: Path) -> None:
    done: list[str] = []

    @undoes("test counted")
    def count(name: str) -> bool:
        if name == "stuck":
            raise OSError(errno.EBUSY, "busy")
        done.append(name)
        return True

    dead = tmp_path / "00000000-1-1-feedbeef.journal"
    dead.write_text('\n[true,"test counted","stuck"]\n[true,"test counted","free"]')
    for _ in range(2):
        assert [failure.entry.name for failure in clean(tmp_path).failures] == ["stuck"]
    assert done == ["free"]


def test_a_stranger_among_the_journals_stops_nobody(tmp_path: Path) -> None:
    for name in ("notes.journal", "a-b-c-d.new"):
        (tmp_path / name).touch()
    assert clean(tmp_path) == Undone.none()
    assert (tmp_path / "notes.journal").exists()


def test_a_journal_that_cannot_be_written_anew_goes_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "COMPACT_AFTER", 4)
    run = Journal(tmp_path)
    run.record("test directory", "kept")

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "rename", full)
    for number in range(10):
        run.record("test directory", str(number))
        run.forget("test directory", str(number))
    assert journal._read(run.path) == run.entries() == [Entry("test directory", "kept")]
    monkeypatch.undo()
    run.forget("test directory", "kept")
    assert run.close() == Undone.none()


@pytest.mark.root
def test_what_was_recorded_and_never_made_is_not_said_to_be_removed(tmp_path: Path) -> None:
    dead = tmp_path / "00000000-1-1-feedbeef.journal"
    paths = [(kind, f"{tmp_path}/never") for kind in (netns.NETNS, storage.MOUNT, storage.FOLDER)]
    names = [(links.BRIDGE, "br-never"), (nft.TABLE, "simdocker-never"), (cgroups.CGROUP, "simdocker/never")]
    never = dict([*paths, *names])
    dead.write_bytes(b"".join(b"\n" + msgspec.json.encode([True, kind, name]) for kind, name in never.items()))
    undone = clean(tmp_path)
    assert (undone.entries, undone.failures) == ([], [])
    assert {kind for kind, _ in undone.nothing} == set(never)
