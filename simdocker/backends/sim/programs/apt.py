"""apt-get: Debian's package manager, as far as Dockerfiles use it: update, install, upgrade, remove, clean."""

from __future__ import annotations

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.packages import amount, download, installed, make_directories, package, unpack

FOLDER = "/usr/share/doc"
LISTS = "/var/lib/apt/lists"
INDEX_SIZE = 8_792_000
READING = "Reading package lists...\n"
SERVER = {"debian": "deb.debian.org", "ubuntu": "archive.ubuntu.com"}
KNOWN = {
    "ca-certificates": ("20230311+deb12u1", 155_000), "curl": ("7.88.1-10+deb12u8", 315_000),
    "build-essential": ("12.9", 7_700), "g++": ("4:12.2.0-3", 1_400), "gcc": ("4:12.2.0-3", 5_200),
    "git": ("1:2.39.5-0+deb12u1", 7_260_000), "iputils-ping": ("3:20221126-1+deb12u1", 47_000),
    "libcurl4": ("7.88.1-10+deb12u8", 392_000), "libpq-dev": ("15.10-0+deb12u1", 145_000),
    "make": ("4.3-4.1", 396_000), "nginx": ("1.22.1-9", 528_000), "nodejs": ("18.19.0+dfsg-6~deb12u2", 319_000),
    "npm": ("9.2.0~ds1-1", 1_180_000), "procps": ("2:4.0.2-3", 709_000), "python3": ("3.11.2-1+b1", 26_300),
    "python3-pip": ("23.0.1+dfsg-1", 1_325_000), "vim": ("2:9.0.1378-2", 1_567_000),
    "wget": ("1.21.3-1+deb12u1", 937_000),
}  # fmt: skip
NEEDS = {"curl": ("libcurl4",), "git": ("libcurl4",), "build-essential": ("gcc", "g++", "make")}
YES = frozenset(("-y", "--yes", "-yq", "-qy", "-yqq", "-qqy", "--assume-yes"))
QUIET = frozenset(("-qq", "-yqq", "-qqy"))


@program("apt")
def apt(p: Process) -> Blocking:
    """Process: `apt-get [OPTIONS] COMMAND [PACKAGE…]`."""
    options = {word for word in p.argv[1:] if word.startswith("-")}
    words = [word for word in p.argv[1:] if not word.startswith("-")]
    command, *names = words or [""]
    quiet = bool(options & QUIET)
    if p.uid != 0 and command in ("update", "install", "upgrade", "remove", "purge"):
        return (yield from _not_root(p))
    if command == "update":
        return (yield from _update(p, quiet))
    if command == "install":
        return (yield from _install(p, names, quiet, bool(options & YES)))
    if command in ("remove", "purge", "autoremove", "upgrade", "dist-upgrade"):
        yield from p.write(1, READING + "Building dependency tree...\nReading state information...\n")
        for name in names:
            if name in installed(p, FOLDER):
                p.unlink(f"{FOLDER}/{name}")
        yield from p.write(1, f"0 upgraded, 0 newly installed, {len(names)} to remove and 0 not upgraded.\n")
        return 0
    if command in ("clean", "autoclean"):
        return 0
    if command:
        yield from p.write(2, f"E: Invalid operation {command}\n")
        return 100
    yield from p.write(1, "apt 2.6.1 (amd64)\n")
    return 0


def _not_root(p: Process) -> Blocking:
    yield from p.write(
        2,
        f"E: Could not open lock file {LISTS}/lock - open (13: Permission denied)\n"
        f"E: Unable to lock directory {LISTS}/\n",
    )
    return 100


def _server(p: Process) -> tuple[str, str]:
    """The mirror, and the name of the release."""
    text = p.read_file("/etc/os-release").decode() if p.access("/etc/os-release", 0) else ""
    fields = dict(line.partition("=")[::2] for line in text.splitlines())
    id = fields.get("ID", "debian").strip('"')
    return f"http://{SERVER.get(id, SERVER['debian'])}/{id}", fields.get("VERSION_CODENAME", "bookworm").strip('"')


def _update(p: Process, quiet: bool) -> Blocking:
    """Process: fetch the lists of packages; that they cannot be had is no failure, as in apt."""
    where, release = _server(p)
    host = where.split("/")[2]
    before = p.clock.now
    if not (yield from download(p, INDEX_SIZE)):
        yield from p.sleep(1_000_000_000)
        if not quiet:
            lines = "".join(f"Ign:{number} {where} {release} InRelease\n" for number in (1, 1, 1))
            yield from p.write(
                1, f"{lines}Err:1 {where} {release} InRelease\n  Temporary failure resolving '{host}'\n{READING}"
            )
        yield from p.write(
            2,
            f"W: Failed to fetch {where}/dists/{release}/InRelease  Temporary failure resolving '{host}'\n"
            "W: Some index files failed to download. They have been ignored, or old ones used instead.\n",
        )
        return 0
    make_directories(p, LISTS)
    p.write_file(f"{LISTS}/{host}_{release}_Packages", "")
    if not quiet:
        seconds = max(1, int(p.clock.now - before) // 1_000_000_000)
        yield from p.write(
            1,
            f"Get:1 {where} {release} InRelease [151 kB]\n"
            f"Get:2 {where} {release}/main amd64 Packages [{amount(INDEX_SIZE)}]\n"
            f"Fetched {amount(INDEX_SIZE)} in {seconds}s ({amount(INDEX_SIZE // seconds)}/s)\n{READING}",
        )
    return 0


def _install(p: Process, names: list[str], quiet: bool, yes: bool) -> Blocking:
    """Process: what apt says it will do, the question, the downloads, the unpacking."""
    if not quiet:
        yield from p.write(1, READING + "Building dependency tree...\nReading state information...\n")
    if not installed(p, LISTS):
        yield from p.write(2, "".join(f"E: Unable to locate package {name}\n" for name in names))
        return 100
    bare = [name.partition("=")[0].partition("/")[0] for name in names]
    wanted = dict.fromkeys(need for name in bare for need in (*NEEDS.get(name, ()), name))
    here = set(installed(p, FOLDER))
    new = [package(name, KNOWN) for name in wanted if name not in here]
    size, unpacked = sum(one.size for one in new), sum(one.installed for one in new)
    if not quiet:
        extra = sorted(one.name for one in new if one.name not in bare)
        if extra:
            yield from p.write(1, f"The following additional packages will be installed:\n  {' '.join(extra)}\n")
        yield from p.write(
            1,
            f"The following NEW packages will be installed:\n  {' '.join(sorted(one.name for one in new))}\n"
            f"0 upgraded, {len(new)} newly installed, 0 to remove and 0 not upgraded.\n"
            f"Need to get {amount(size)} of archives.\n"
            f"After this operation, {amount(unpacked)} of additional disk space will be used.\n",
        )
    if new and not yes:
        yield from p.write(1, "Do you want to continue? [Y/n] Abort.\n")
        return 1
    where, release = _server(p)
    for number, one in enumerate(new, 1):
        if not (yield from download(p, one.size)):
            host = where.split("/")[2]
            yield from p.write(
                2, f"E: Failed to fetch {where}/pool/main/{one.name}  Temporary failure resolving '{host}'\n"
            )
            return 100
        if not quiet:
            yield from p.write(
                1, f"Get:{number} {where} {release}/main amd64 {one.name} amd64 {one.version} [{amount(one.size)}]\n"
            )
    if new:
        yield from p.write(2, "debconf: delaying package configuration, since apt-utils is not installed\n")
    for one in new:
        yield from p.write(
            1, f"Selecting previously unselected package {one.name}.\nUnpacking {one.name} ({one.version}) ...\n"
        )
        yield from unpack(p, [one], FOLDER)
    yield from p.write(1, "".join(f"Setting up {one.name} ({one.version}) ...\n" for one in new))
    return 0
