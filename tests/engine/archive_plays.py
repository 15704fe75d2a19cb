"""What is done with each bad archive, on a real engine and here, and what is looked at afterwards.

    python3 tests/engine/archive_plays.py

records the answers of a real engine of its own into `tests/reference/bad-archives.json` (as record.py does for
the corpus): for each archive what every line did, and what the filesystem then holds.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import record
from bad_archives import IMAGES, TREES, entry

from simdocker.scenario.normal import normalise

ANSWERS = Path(__file__).parents[1] / "reference" / "bad-archives.json"
IMAGES_NOW = "docker images -a --format '{{.Repository}}:{{.Tag}}' | sort"
LOADING = (
    "docker load -i x.tar",
    "docker create --name box bad:1 x && docker export -o box.tar box",
    IMAGES_NOW,
)
UNPACKING = (
    "docker import x.tar flat:1",
    "docker create --name flat flat:1 x && docker export -o flat.tar flat",
    "docker create --name box busybox true >/dev/null; docker cp - box:/tmp < x.tar",
    "docker diff box | sort",
    "docker build -t added ctx",
    "docker create --name added added x && docker export -o added.tar added",
    "docker build -t context - < context.tar",
    "docker create --name context context x && docker export -o context.tar2 context",
    IMAGES_NOW,
)
MADE = re.compile(r"(dev|proc|sys)(/.*)?|etc/(hostname|hosts|resolv\.conf|mtab)|\.dockerenv")  # by the engine itself
SHOWN = {"box.tar": "", "flat.tar": "", "added.tar": "t", "context.tar2": "all"}
"""Exported filesystems, and the directory of each that matters."""

Files = Mapping[str, bytes]
Answer = dict[str, object]
Play = Callable[[tuple[str, ...], Files], tuple[list[tuple[int, str, str]], Callable[[str], bytes | None]]]
"""Types lines where there are such files; gives the outcome of each line, and how to read a file then."""


def cases() -> Iterator[tuple[str, tuple[str, ...], Files]]:
    """Name, lines and files of every play."""
    for name, data in IMAGES.items():
        yield f"load: {name}", LOADING, {"x.tar": data}
    for name, data in TREES.items():
        yield f"unpack: {name}", UNPACKING, {
            "x.tar": data,
            "ctx/x.tar": data,
            "ctx/Dockerfile": b"FROM busybox\nADD x.tar /t/\n",
            "context.tar": entry("Dockerfile", b"FROM busybox\nCOPY . /all/\n") + data,
        }  # fmt: skip


def answer(play: Play, lines: tuple[str, ...], files: Files) -> Answer:
    """What every line did, and what came of it, without what differs from run to run."""
    outcomes, read = play(lines, files)
    texts = normalise(*(plain(text) for _, *streams in outcomes for text in streams))
    said = [[exit, *texts[2 * at : 2 * at + 2]] for at, (exit, *_) in enumerate(outcomes)]
    found = {name: listing(data, below) for name, below in SHOWN.items() if (data := read(name)) is not None}
    return {"said": said, "found": found}


def plain(text: str) -> str:
    """A message without the names that a daemon makes up for its directories."""
    text = re.sub(r"(docker-import-|docker-builder|docker-tar)\d+", r"\1<number>", text)
    return re.sub(r"overlay2/[0-9a-f]{64}", "overlay2/<id>", text)


def listing(data: bytes, below: str) -> list[list[object]]:
    """What an exported filesystem holds below a directory."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return sorted(
            [
                member.type.decode(),
                member.name,
                member.mode & 0o7777,
                member.size,
                member.linkname,
                member.uid,
                member.gid,
            ]
            for member in archive
            if not MADE.fullmatch(member.name) and f"{member.name}/".startswith(f"{below}/" if below else "")
        )


class Engine:
    """A real engine, and the plays on it."""

    def __init__(self, scratch: Path) -> None:
        self.machine = record.OwnEngine(scratch)
        self.machine.reset({})
        self.directory = scratch / "desk"
        for image in ("busybox", "alpine"):  # what a container uses is not pruned
            self.machine.docker("create", "--name", f"keep-{image}", image)

    def __call__(
        self, lines: tuple[str, ...], files: Files
    ) -> tuple[list[tuple[int, str, str]], Callable[[str], bytes | None]]:
        shutil.rmtree(self.directory, ignore_errors=True)
        for name, data in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        done = [self.machine.run(line, self.directory) for line in lines]
        if made := self.machine.docker("ps", "-aq", "-f", "name=^(box|flat|added|context)$"):
            self.machine.docker("rm", "-f", *made)
        self.machine.docker("image", "prune", "-af")
        return [(step.exit, step.stdout, step.stderr) for step in done], self.read

    def read(self, name: str) -> bytes | None:
        """A file that a line wrote, if it did."""
        path = self.directory / name
        return path.read_bytes() if path.exists() else None


def main(wanted: list[str]) -> int:
    """Record every answer, or those whose name holds one of the given texts."""
    answers = json.loads(ANSWERS.read_text()) if wanted and ANSWERS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="simdocker-", ignore_cleanup_errors=True) as scratch:
        engine = Engine(Path(scratch))
        try:
            for name, lines, files in cases():
                if wanted and not any(text in name for text in wanted):
                    continue
                try:
                    answers[name] = answer(engine, lines, files)
                except RuntimeError as error:
                    print(f"{name}: NOT RECORDED: {error}", flush=True)
        finally:
            engine.machine.close()
    rows = (f"{json.dumps(name)}: {json.dumps(found)}" for name, found in answers.items())
    ANSWERS.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
