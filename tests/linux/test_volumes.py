"""The local volume driver on a real kernel: copy-up, options, and nothing left mounted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simdocker.backends.linux.journal import Journal
from simdocker.backends.linux.volumes import VolumeDriver
from simdocker.backends.ports import DriverError
from simdocker.des.wall import WallClock
from simdocker.trace import Trace

pytestmark = pytest.mark.root


class Volumes:
    """A driver, and the root filesystem of a container that never runs."""

    def __init__(self, directory: Path) -> None:
        self.env = WallClock()
        self.trace = Trace(self.env)
        self.journal = Journal(directory / "run")
        self.data_root = directory / "data"
        self.root = directory / "root"
        self.driver = VolumeDriver("laptop", self.env, self.trace, self.journal, str(self.data_root))

    def does(self, process: Any) -> Any:
        return self.env.run(self.env.process(process))

    def created(self, name: str = "data", **options: str) -> Path:
        return Path(self.does(self.driver.create(name, options)))

    def populate(self, path: str) -> None:
        self.does(self.driver.populate("data", SimpleNamespace(path=str(self.root)), path))


def names(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()]


@pytest.fixture
def volumes(tmp_path: Path) -> Iterator[Volumes]:
    volumes = Volumes(tmp_path)
    yield volumes
    volumes.driver.close()
    assert volumes.journal.close() == ([], [], [])
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_a_new_volume_gets_what_the_image_has_there_with_owners_modes_links_and_attributes(volumes: Volumes) -> None:
    data = volumes.created()
    www = volumes.root / "var/www"
    (www / "sub").mkdir(parents=True)
    (www / "index").write_text("hello")
    os.link(www / "index", www / "sub/again")
    (www / "link").symlink_to("/etc/passwd")
    os.mkfifo(www / "pipe")
    os.chown(www / "index", 33, 44)
    (www / "index").chmod(0o4750)
    os.setxattr(www / "sub", "user.why", b"because")
    os.utime(www / "sub", ns=(1, 1_000_000_000))
    os.chown(www, 7, 8)
    www.chmod(0o1750)
    volumes.populate("/var/www")
    copied = (data / "index").stat()
    assert (copied.st_uid, copied.st_gid, copied.st_mode & 0o7777, copied.st_nlink) == (33, 44, 0o4750, 2)
    assert (data / "sub/again").stat().st_ino == copied.st_ino
    assert (data / "link").readlink() == Path("/etc/passwd")
    assert (data / "pipe").is_fifo()
    assert os.getxattr(data / "sub", "user.why") == b"because"
    assert (data / "sub").stat().st_mtime_ns == 1_000_000_000
    assert (data.stat().st_uid, data.stat().st_gid, data.stat().st_mode & 0o7777) == (7, 8, 0o1750)
    assert volumes.driver.size("data") == 2 * 5
    assert [record.what for record in volumes.trace.records] == ["mkdir", "copy"]


def test_a_volume_with_something_in_it_keeps_it(volumes: Volumes) -> None:
    data = volumes.created()
    (data / "mine").write_text("mine")
    (volumes.root / "www").mkdir(parents=True)
    (volumes.root / "www/theirs").write_text("theirs")
    volumes.populate("/www")
    assert names(data) == ["mine"]


def test_a_link_in_the_image_does_not_lead_out_of_it(volumes: Volumes, tmp_path: Path) -> None:
    data = volumes.created()
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("key")
    volumes.root.mkdir()
    (volumes.root / "www").symlink_to(secret)
    (volumes.root / "up").symlink_to("../secret")
    for path in ("/www", "/up", "/../secret"):
        volumes.populate(path)
    assert names(data) == []


def test_a_volume_may_be_a_filesystem_in_memory_while_it_is_used(volumes: Volumes) -> None:
    data = volumes.created(type="tmpfs", device="tmpfs", o="size=1m,uid=1000")
    for user in ("one", "two"):
        assert volumes.does(volumes.driver.mount("data", user)) == str(data)
    (data / "note").write_text("gone soon")
    assert data.is_mount()
    assert data.stat().st_uid == 1000
    volumes.driver.unmount("data", "one")
    assert (data / "note").exists()
    volumes.driver.unmount("data", "two")
    assert not data.is_mount()
    assert names(data) == []


def test_removing_a_volume_that_stands_for_a_directory_of_the_host_leaves_that_alone(
    volumes: Volumes, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "note").write_text("kept")
    data = volumes.created(type="none", device=str(mine), o="bind")
    volumes.does(volumes.driver.mount("data", "one"))
    assert (data / "note").read_text() == "kept"
    volumes.does(volumes.driver.delete("data"))
    assert not data.parent.exists()
    assert (mine / "note").read_text() == "kept"


def test_options_outlive_the_process(volumes: Volumes, tmp_path: Path) -> None:
    volumes.created(type="tmpfs", device="tmpfs")
    later = VolumeDriver("laptop", volumes.env, volumes.trace, volumes.journal, str(volumes.data_root))
    data = Path(volumes.does(later.mount("data", "one")))
    assert data.is_mount()
    later.close()
    assert not data.is_mount()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"color": "red"}, 'invalid option: "color"'),
        ({"type": "tmpfs"}, 'missing required option: "device"'),
    ],
)
def test_options_it_does_not_know_are_refused(volumes: Volumes, options: dict[str, str], said: str) -> None:
    with pytest.raises(DriverError) as refused:
        volumes.created(**options)
    assert refused.value.args[0] == said


def test_a_mount_that_the_kernel_refuses_is_told_in_dockers_words(volumes: Volumes) -> None:
    data = volumes.created(type="none", device="/nowhere/there", o="bind,size=5")
    with pytest.raises(DriverError) as refused:
        volumes.does(volumes.driver.mount("data", "one"))
    assert refused.value.args[0] == (
        f"error while mounting volume '{data}': failed to mount local volume: mount /nowhere/there:{data}, "
        "flags: 0x1000, data: size=5: no such file or directory"
    )
