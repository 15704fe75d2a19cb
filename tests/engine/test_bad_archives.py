"""Bad archives: each is answered as a real engine answered it, leaves what it left there, and costs little."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import archive_plays
import pytest
import yaml
from bad_archives import entry

from simdocker.content import archive
from simdocker.content.blob import Blob
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.world import World
from tests.scenario import corpus

ANSWERS = json.loads(archive_plays.ANSWERS.read_text())
CASES = {name: (lines, files) for name, lines, files in archive_plays.cases() if name in ANSWERS}
DIFFERENT = {
    name: reason
    for reason, names in yaml.safe_load(Path(__file__).with_name("bad_archives_differences.yaml").read_text()).items()
    for name in names
}
"""Archives that are answered differently, each with the reason."""
UNPACKED = 256 << 20


def play(
    lines: tuple[str, ...], files: archive_plays.Files
) -> tuple[list[tuple[int, str, str]], Callable[[str], bytes | None]]:
    """The lines on a simulated host that has the images of the recordings."""
    read = corpus.scenario({"title": "bad archives", "files": {}}, [{"run": line} for line in lines])
    world = World.build(read)
    corpus.install(world)
    for name, data in files.items():
        world.machines["host"].place_file(name, data)
    steps = Player(read, world, Silent()).play().steps

    def file(name: str) -> bytes | None:
        try:
            node = world.machines["host"].host.mounts.find(f"/home/user/{name}").node
        except FileNotFoundError:
            return None
        return bytes(node.size) if node.data is None else bytes(Blob.of(node.data))

    home = corpus.WORKING_DIRECTORY
    return [(s.exit, s.stdout.replace(home, "<workdir>"), s.stderr.replace(home, "<workdir>")) for s in steps], file


@pytest.mark.parametrize("start", "0123456789")
def test_a_bad_archive_is_answered_as_on_a_real_engine(start: str, record_property: Callable[..., None]) -> None:
    """A tenth of them each time."""
    names = list(CASES)[int(start) :: 10]
    played = {name: json.loads(json.dumps(archive_plays.answer(play, *CASES[name]))) for name in names}
    differing = {name for name in names if played[name] != ANSWERS[name]}
    record_property("archives as on a real engine", (len(names) - len(differing), len(names)))
    assert {name: (played[name], ANSWERS[name]) for name in sorted(differing - DIFFERENT.keys())} == {}
    assert not (DIFFERENT.keys() & set(names)) - differing, "these have become equal: take them off the list"


@pytest.mark.parametrize("pattern", [b"\0", b"A", b"0123456789"], ids=["zeros", "one letter", "digits"])
def test_a_bomb_of_256_mebibytes_takes_little_memory(pattern: bytes) -> None:
    def bomb() -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = (pattern * (1 << 20))[: 1 << 20]
        parts = [packer.compress(entry("f", size=UNPACKED))]
        parts += [packer.compress(block) for _ in range(UNPACKED >> 20)]
        return b"".join([*parts, packer.compress(bytes(1024)), packer.flush()])

    packed = Blob.of(bomb())
    tracemalloc.start()
    try:
        sizes = [member.size for member in archive.members(archive.inflate(packed))]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sizes == [UNPACKED]
    assert most < 64 << 20
