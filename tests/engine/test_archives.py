"""Archives of the simulator in a real engine, and a real engine's in the simulator."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import record
from archive_world import entries, host_file, world

pytestmark = pytest.mark.engine


class Bench:
    """A real engine and a directory in which its lines are typed."""

    def __init__(self, machine: record.Machine, directory: Path) -> None:
        self._machine = machine
        self.directory = directory

    def __call__(self, line: str) -> str:
        done = self._machine.run(line, self.directory)
        assert done.exit == 0, f"{line}: {done.stderr}"
        return str(done.stdout).strip()


@pytest.fixture(scope="module")
def machine() -> Iterator[record.Machine]:
    # Not pytest's own directory: the engine's sockets lie deep, and their paths may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="simdocker-", ignore_cleanup_errors=True) as scratch:
        try:
            machine = record.OwnEngine(Path(scratch))
        except RuntimeError as error:
            pytest.skip(str(error))
        try:
            machine.reset({})
            yield machine
        finally:
            machine.close()


@pytest.fixture
def engine(machine: record.Machine, tmp_path: Path) -> Bench:
    return Bench(machine, tmp_path)


def test_a_real_engine_loads_what_the_simulator_saved(engine: Bench) -> None:
    here, said = world(
        "docker pull -q nginx",
        "docker run --name web nginx sh -c 'echo ours > /etc/motd; rm /etc/shadow'",
        "docker commit -a me -m changed -c 'CMD [\"true\"]' web site:1",
        "docker save -o site.tar site:1",
        "docker images -q --no-trunc site:1",
    )
    (engine.directory / "site.tar").write_bytes(host_file(here, "site.tar"))
    assert engine("docker load -i site.tar") == "Loaded image: site:1"
    seen = json.loads(engine("docker image inspect site:1"))[0]
    assert seen["Id"] == said[-1].strip()
    assert seen["RootFS"]["Layers"] == list(here.daemon().images.get("site:1").layers)
    assert seen["Config"]["Cmd"] == ["true"] and seen["Author"] == "me" and seen["Comment"] == "changed"
    assert engine("docker history -q site:1").splitlines()[0] == seen["Id"].removeprefix("sha256:")[:12]
    engine("docker create --name ours site:1")
    assert engine("docker cp ours:/etc/motd - | tar xOf -") == "ours"
    assert engine("docker cp ours:/etc - | tar tf - | grep shadow || true") == ""
    engine("docker rm ours")


def test_what_a_real_engine_saves_again_is_the_same(engine: Bench) -> None:
    """The same names, sizes, modes, times and bytes; a header of a real one has the file's type in its
    mode as well."""
    here, _ = world("docker pull -q nginx", "docker pull -q redis", "docker save -o two.tar nginx:latest redis:latest")
    ours = host_file(here, "two.tar")
    (engine.directory / "two.tar").write_bytes(ours)
    engine("docker load -i two.tar")
    engine("docker save -o theirs.tar nginx:latest redis:latest")
    assert entries((engine.directory / "theirs.tar").read_bytes()) == entries(ours)


def test_the_simulator_loads_what_a_real_engine_saved(engine: Bench) -> None:
    engine("docker run --name made busybox sh -c 'echo theirs > /root/note; rm /etc/group'")
    engine("docker commit -m 'by hand' made made:here; docker rm made; docker save -o real.tar made:here alpine:latest")
    saved = (engine.directory / "real.tar").read_bytes()
    here, said = world(
        "docker load -i real.tar",
        "docker history --format '{{.Comment}}|{{.CreatedBy}}' made:here",
        "docker create --name box made:here; docker cp box:/root/note - | tar xOf -",
        "docker cp box:/etc - | tar tf - | grep -c group || true",
        "docker save -o again.tar made:here alpine:latest",
        files={"real.tar": saved},
    )
    assert sorted(said[0].splitlines()) == ["Loaded image: alpine:latest", "Loaded image: made:here"]
    assert said[1].startswith("by hand|sh -c echo theirs > /root/note; rm /etc/group\n")
    assert said[2].endswith("theirs\n")
    assert said[3] == "0\n"
    assert here.daemon().images.get("made:here").id == engine("docker image inspect -f '{{.Id}}' made:here")
    assert entries(host_file(here, "again.tar")) == entries(saved)


def test_a_filesystem_is_imported_on_both_sides(engine: Bench) -> None:
    engine("docker create --name flat busybox; docker export -o real.tar flat; docker rm flat")
    here, said = world(
        "docker import real.tar flat:1",
        "docker create --name box flat:1 x; docker cp box:/etc/passwd - | tar xOf - | head -n 1",
        "docker export -o ours.tar box",
        files={"real.tar": (engine.directory / "real.tar").read_bytes()},
    )
    assert said[1].endswith("root:x:0:0:root:/root:/bin/sh\n")
    (engine.directory / "ours.tar").write_bytes(host_file(here, "ours.tar"))
    engine("docker import ours.tar ours:1")
    assert engine("docker run --rm ours:1 cat /etc/hostname /etc/passwd | tail -n 1").startswith("nobody")


def test_a_real_engine_runs_what_the_simulator_saved(engine: Bench) -> None:
    """With real programs in it, that is: the catalogue's are filler."""
    engine("docker create --name flat busybox; docker export -o real.tar flat; docker rm flat")
    here, _ = world(
        "docker import real.tar flat:1",
        "docker create --name box flat:1 x; echo made here > made; docker cp made box:/made",
        "docker commit -c 'ENTRYPOINT [\"cat\"]' -c 'CMD [\"/made\"]' box app:1",
        "docker save -o app.tar app:1",
        files={"real.tar": (engine.directory / "real.tar").read_bytes()},
    )
    (engine.directory / "app.tar").write_bytes(host_file(here, "app.tar"))
    assert engine("docker load -i app.tar") == "Loaded image: app:1"
    assert engine("docker run --rm app:1") == "made here"
