"""apk: Alpine's package manager, as far as Dockerfiles use it: add, del, update, upgrade, info."""

from __future__ import annotations

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.packages import Package, download, installed, package, unpack

FOLDER = "/usr/lib/apk"
INDEX_SIZE = 700_000
BASE_PACKAGES, BASE_MIB = 15, 7
WORTH_OPTIONS = ("-t", "--virtual", "--repository", "-X", "--root", "-p")
KNOWN = {
    "bash": ("5.2.21-r0", 680_000), "brotli-libs": ("1.1.0-r1", 390_000), "ca-certificates": ("20241010-r0", 220_000),
    "curl": ("8.9.1-r1", 140_000), "gcc": ("13.2.1_git20240309-r0", 53_000_000), "git": ("2.45.2-r0", 3_300_000),
    "libcurl": ("8.9.1-r1", 300_000), "libffi": ("3.4.6-r0", 20_000), "make": ("4.4.1-r2", 120_000),
    "musl-dev": ("1.2.5-r0", 2_100_000), "nghttp2-libs": ("1.62.1-r0", 70_000), "nginx": ("1.26.2-r0", 620_000),
    "nodejs": ("20.15.1-r0", 14_000_000), "npm": ("10.9.1-r0", 2_100_000), "py3-pip": ("24.0-r2", 1_900_000),
    "python3": ("3.12.8-r1", 9_500_000), "readline": ("8.2.10-r0", 140_000), "redis": ("7.2.7-r0", 1_500_000),
    "sqlite-libs": ("3.45.3-r1", 520_000), "tzdata": ("2024b-r0", 420_000),
}  # fmt: skip
NEEDS = {
    "bash": ("readline",),
    "curl": ("ca-certificates", "brotli-libs", "nghttp2-libs", "libcurl"),
    "git": ("ca-certificates", "brotli-libs", "nghttp2-libs", "libcurl"),
    "py3-pip": ("libffi", "readline", "sqlite-libs", "python3"),
    "python3": ("libffi", "readline", "sqlite-libs"),
}


@program("apk")
def apk(p: Process) -> Blocking:
    """Process: `apk [OPTIONS] COMMAND [PACKAGE…]`."""
    words, options = _words(p.argv[1:])
    if not words:
        yield from p.write(1, "apk-tools 2.14.4, compiled for x86_64.\n")
        return 0 if "--version" in options or "-V" in options else 1
    command, *names = words
    quiet = bool(options & {"-q", "--quiet"})
    if command == "add":
        return (yield from _add(p, names, quiet))
    if command in ("update", "upgrade"):
        if (yield from _fetch_indexes(p, quiet)):
            yield from p.write(1, "OK: 24175 distinct packages available\n" if command == "update" else _total(p))
            return 0
        yield from p.write(2, "2 unavailable, 0 stale; 15 distinct packages available\n")
        return 2
    if command == "del":
        return (yield from _remove(p, names, quiet))
    if command == "info":
        yield from p.write(1, "".join(f"{name}\n" for name in installed(p, FOLDER)))
        return 0
    yield from p.write(2, f"ERROR: '{command}' is not an apk command. See 'apk --help'.\n")
    return 1


def _words(argv: list[str]) -> tuple[list[str], set[str]]:
    """What is no option, and the options; an option's own value belongs to it."""
    words, options, at = [], set(), 0
    while at < len(argv):
        if argv[at].startswith("-"):
            options.add(argv[at])
            at += argv[at] in WORTH_OPTIONS
        else:
            words.append(argv[at])
        at += 1
    return words, options


def _fetch_indexes(p: Process, quiet: bool) -> Blocking:
    """Process → whether the lists of packages could be fetched."""
    release = p.read_file("/etc/alpine-release").decode().strip() if p.access("/etc/alpine-release", 0) else "3.20.0"
    branch = release.rpartition(".")[0]
    reached = True
    for repository in ("main", "community"):
        where = f"https://dl-cdn.alpinelinux.org/alpine/v{branch}/{repository}"
        if not quiet:
            yield from p.write(1, f"fetch {where}/x86_64/APKINDEX.tar.gz\n")
        if not (yield from download(p, INDEX_SIZE)):
            reached = False
            yield from p.sleep(5_000_000_000)
            yield from p.write(2, f"WARNING: fetching {where}: temporary error (try again later)\n")
    return reached


def _add(p: Process, names: list[str], quiet: bool) -> Blocking:
    """Process: fetch and unpack what is not here yet, what it needs first."""
    bare = [name.partition("=")[0].partition("~")[0].partition(">")[0] for name in names]
    if not (yield from _fetch_indexes(p, quiet)):
        missing = "".join(f"  {name} (no such package):\n    required by: world[{name}]\n" for name in sorted(bare))
        yield from p.write(2, f"ERROR: unable to select packages:\n{missing}")
        return len(bare)
    wanted = dict.fromkeys(need for name in bare for need in (*NEEDS.get(name, ()), name))
    here = set(installed(p, FOLDER))
    new = [package(name, KNOWN) for name in wanted if name not in here]
    for number, one in enumerate(new, 1):
        if not quiet:
            yield from p.write(1, f"({number}/{len(new)}) Installing {one.name} ({_version(one)})\n")
        yield from download(p, one.size)
        yield from unpack(p, [one], FOLDER)
    if not quiet:
        if new:
            yield from p.write(1, "Executing busybox-1.36.1-r29.trigger\n")
        yield from p.write(1, _total(p))
    return 0


def _version(one: Package) -> str:
    return one.version if "-r" in one.version else f"{one.version}-r0"


def _remove(p: Process, names: list[str], quiet: bool) -> Blocking:
    here = installed(p, FOLDER)
    gone = [name for name in here if name in names]
    for number, name in enumerate(gone, 1):
        if not quiet:
            yield from p.write(1, f"({number}/{len(gone)}) Purging {name} ({_version(package(name, KNOWN))})\n")
        p.unlink(f"{FOLDER}/{name}")
    if not quiet:
        yield from p.write(1, _total(p))
    return 0


def _total(p: Process) -> str:
    here = [package(name, KNOWN) for name in installed(p, FOLDER)]
    size = BASE_MIB + (sum(one.installed for one in here) >> 20)
    return f"OK: {size} MiB in {BASE_PACKAGES + len(here)} packages\n"
