"""A host's disk that is full, as `disk: {size: …}` makes it soon: what a real engine said on a tmpfs of 40 MB."""

import pytest

from simdocker.backends.sim import openfile
from simdocker.errors import UserError
from tests.sim.bare import run
from tests.sim.shell_lines import played

WORLD = {"hosts": {"laptop": {"disk": {"size": "64MB"}}}}
FILL = "docker run --name full busybox dd if=/dev/zero of=/big bs=1M count=100"


def test_a_full_disk_lets_no_container_be_made_until_there_is_room():
    full, refused, _, again = played(FILL, "docker create --name f1 busybox", "docker rm full", FILL, world=WORLD)
    assert full.stderr.splitlines()[-3] == "dd: error writing '/big': No space left on device"
    assert refused.exit == 1
    assert refused.stderr.startswith("Error response from daemon: write /var/lib/docker/overlay2/")
    assert refused.stderr.endswith("-init/lower: no space left on device\n")
    assert again.stderr == full.stderr[-len(again.stderr) :]


def test_an_image_that_does_not_fit_is_not_pulled():
    result, listed, small = played(
        "docker pull nginx", "docker images -q nginx", "docker run --rm busybox echo hi", world=WORLD
    )
    assert result.exit == 1
    assert "failed to register layer: Error processing tar file(exit status 1): write /" in result.stderr
    assert "no space left on device" in result.stderr
    assert (listed.stdout, small.stdout) == ("", "hi\n")


def test_layers_take_room_and_give_it_back():
    used = "docker run --rm busybox sh -c \"df -k / | tail -n 1 | tr -s ' ' | cut -d' ' -f3\""
    before, _, with_alpine, _, after = played(
        used, "docker pull -q alpine", used, "docker rmi alpine", used, world={"hosts": {"laptop": {}}}
    )
    assert int(with_alpine.stdout) > int(before.stdout)
    assert after.stdout == before.stdout


def test_a_commit_a_build_and_a_copy_that_do_not_fit_leave_nothing():
    half = "docker run --name half busybox dd if=/dev/zero of=/x bs=1M count=35"
    results = played(
        half,
        "docker commit half big",
        "docker rm half",
        "dd if=/dev/zero of=big bs=1M count=30",
        "docker create --name target busybox",
        "docker cp big target:/x",
        "rm big",
        "docker images -q big",
        world=WORLD,
    )
    assert results[1].stderr == (
        "Error response from daemon: Error processing tar file(exit status 1): write /x: no space left on device\n"
    )
    assert results[5].stderr == results[1].stderr
    assert results[7].stdout == ""


def test_what_would_fill_the_real_machine_ends_the_play_with_a_sentence(monkeypatch):
    monkeypatch.setattr(openfile, "REAL_LIMIT", 1 << 20)
    for line in ("yes > /f", "tr '\\0' x </dev/zero > /f", "seq 1000000000 > /f"):
        with pytest.raises(UserError, match="keeps no more than 1 MiB"):
            run(["sh", "-c", line])
    assert run(["sh", "-c", "head -c 3000000000 /dev/zero > /f; stat -c %s /f"]).stdout == b"3000000000\n"
