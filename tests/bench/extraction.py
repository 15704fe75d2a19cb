"""How fast a layer's archive becomes a directory, next to GNU tar, both on tmpfs: interleaved, medians.

The layer is of the make of a real one: many small files, some large, links. Ours is what a pull does with it, which
has it in memory, as tmpfs has it for tar: read it entry by entry, check each name and link, write through
descriptors that follow nothing.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from simdocker.backends.linux.extract import write_tree
from simdocker.content.archive import read_layer
from simdocker.content.blob import Blob

TMPFS = "/dev/shm"
ENTRIES, AVERAGE = 6300, 19_000  # of a layer of 119 MB, as shared/reference measured
LARGE = 1 << 20


def layer(entries: int) -> bytes:
    """An archive of so many entries."""
    made = random.Random(4)
    noise = made.randbytes(4 * LARGE)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for number in range(entries):
            folder = f"usr/lib/{number // 200:03}/{number // 40:03}"
            entry = tarfile.TarInfo(folder if number % 40 == 0 else f"{folder}/file{number}")
            entry.mtime = 1_700_000_000
            if number % 40 == 0:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            elif number % 40 == 1:
                entry.type, entry.linkname = tarfile.SYMTYPE, f"file{number + 1}"
            else:
                entry.size = int(min(made.paretovariate(1.1) * AVERAGE / 6, 4 * LARGE))
            start = made.randrange(LARGE)
            tar.addfile(entry, io.BytesIO(noise[start : start + entry.size].ljust(entry.size, b"x")))
    return archive.getvalue()


def measured(rounds: int, entries: int) -> tuple[float, float]:
    """MB/s of ours and of GNU tar's."""
    data = layer(entries)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(dir=TMPFS) as name:
        directory = Path(name)
        archive = directory / "layer.tar"
        archive.write_bytes(data)
        for _ in range(rounds):
            begun = perf_counter_ns()
            layer_of_it = read_layer(Blob([data]))  # a daemon keeps it
            write_tree(layer_of_it[0], f"{directory}/ours")
            ours.append(perf_counter_ns() - begun)
            del layer_of_it
            (directory / "theirs").mkdir()
            begun = perf_counter_ns()
            subprocess.run(["tar", "-xpf", archive, "-C", directory / "theirs"], check=True)
            theirs.append(perf_counter_ns() - begun)
            for made in ("ours", "theirs"):
                shutil.rmtree(directory / made)
    return len(data) * 1000 / median(ours), len(data) * 1000 / median(theirs)
