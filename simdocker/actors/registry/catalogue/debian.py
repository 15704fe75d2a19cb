"""The Debian userland under most official images: one layer that they share.

The commands of coreutils and their like are run by the same program models as busybox's applets; the
bulk (libraries, locales, package lists) is filler.
"""

from __future__ import annotations

from functools import cache, partial

from simdocker.actors.registry.catalogue.parts import ROOT_PASSWD, accounts, directories, program, symlinks
from simdocker.content.changeset import Node, directory, file, put, symlink, total_size
from simdocker.content.image import Layer, bulk

COREUTILS = """
arch base64 basename cat chgrp chmod chown cp cut date dd df dirname du echo env expand expr factor false fold groups
head hostid id install link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc od paste printf pwd
readlink realpath rm rmdir seq sha1sum sha256sum sha512sum shuf sleep sort split stat stty sum sync tac tail tee test
timeout touch tr true truncate tsort tty uname unexpand uniq unlink users wc who whoami yes [
""".split()
OTHERS = """
awk clear cmp dash diff dmesg egrep fgrep find flock getopt grep gunzip gzip hostname ionice kill login lsblk more
mount mountpoint nsenter perl rev run-parts sed setsid su tar taskset umount unshare xargs zcat which
""".split()

DIRECTORIES = {
    "/usr/bin": 0o755, "/usr/sbin": 0o755, "/usr/lib": 0o755, "/usr/lib64": 0o755, "/usr/local/bin": 0o755,
    "/usr/local/sbin": 0o755, "/usr/share": 0o755, "/boot": 0o755, "/dev": 0o755, "/home": 0o755, "/media": 0o755,
    "/mnt": 0o755, "/opt": 0o755, "/proc": 0o755, "/root": 0o700, "/run": 0o755, "/srv": 0o755, "/sys": 0o755,
    "/tmp": 0o1777, "/var/cache": 0o755, "/var/lib/dpkg": 0o755, "/var/log": 0o755, "/var/tmp": 0o1777,
    "/var/mail": 0o755, "/etc": 0o755,
}  # fmt: skip

PASSWD = (
    ROOT_PASSWD.replace(":/bin/sh\n", ":/bin/bash\n", 1).replace("/bin/false", "/usr/sbin/nologin")
    + """\
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
)
GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
www-data:x:33:
backup:x:34:
shadow:x:42:
staff:x:50:
users:x:100:
nogroup:x:65534:
"""

BOOKWORM_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""


@cache
def slim() -> Layer:
    """debian:bookworm-slim: 28 MB to download, 75 MB in some 3,000 files."""
    return Layer(
        partial(userland, 74_800_000, 3_000, BOOKWORM_RELEASE, {"/etc/debian_version": "12.9\n"}), 28_204_865,
        "# debian.sh --arch 'amd64' out/ 'bookworm' '@1736726400'", "2025-01-13T00:00:00Z",
    )  # fmt: skip


@cache
def full() -> Layer:
    """debian:bookworm: with documentation and locales."""
    return Layer(
        partial(userland, 117_000_000, 6_000, BOOKWORM_RELEASE, {"/etc/debian_version": "12.9\n"}), 48_479_241,
        "# debian.sh --arch 'amd64' out/ 'bookworm' '@1736726400'", "2025-01-13T00:00:00Z",
    )  # fmt: skip


@cache
def buildpack() -> tuple[Layer, ...]:
    """buildpack-deps:bookworm over `full`: compilers and headers, the bulk of python and node."""
    install = "RUN /bin/sh -c set -eux; apt-get update; apt-get install -y --no-install-recommends {} # buildkit"
    return tuple(
        added(f"/usr/lib/{name}", size, count, compressed, install.format(packages), tools)
        for name, size, count, compressed, packages, tools in (
            ("curl", 48_500_000, 500, 24_058_124, "ca-certificates curl gnupg netbase sq wget", ("curl", "wget")),
            ("scm", 177_000_000, 1_800, 64_391_912, "git mercurial openssh-client subversion procps", ("ps", "top")),
            ("gcc", 587_000_000, 7_000, 211_333_642, "autoconf automake g++ gcc make zlib1g-dev …", ()),
        )
    )


def userland(size: int, count: int, os_release: str, files: dict[str, str]) -> Node:
    """A Debian-like root of about `size` bytes in `count` files."""
    root = directory()
    directories(root, DIRECTORIES)
    for name in ("bin", "sbin", "lib", "lib64"):
        root.children[name] = symlink(f"usr/{name}")
    bin = put(root, "/usr/bin", directory())
    for name in COREUTILS:
        bin.children[name] = program(35_208, "busybox")
    for name in OTHERS:
        bin.children[name] = program(125_640, "busybox")
    bin.children["bash"] = program(1_265_648, "bash")
    for name in ("apt", "apt-get"):
        bin.children[name] = program(18_752, "apt")
    symlinks(bin, "dash", ["sh"])
    accounts(root, PASSWD, GROUP)
    put(root, "/usr/lib/os-release", file(os_release))
    put(root, "/etc/os-release", symlink("../usr/lib/os-release"))
    put(root, "/etc/issue", file(f"{os_release.splitlines()[0].partition('=')[2].strip(chr(34))} \\n \\l\n"))
    put(root, "/root/.profile", file("export PS1='# '\n"))
    for path, text in files.items():
        put(root, path, file(text))
    bulk(root, "/usr/share/common", size - total_size(root), count)
    return root


def added(
    path: str,
    size: int,
    count: int,
    compressed: int,
    created_by: str,
    tools: tuple[str, ...] = (),
    *,
    modified: str = "2025-01-14T00:00:00Z",
) -> Layer:
    """A layer of packages: filler under `path`, and commands in /usr/bin: curl, or what busybox models."""

    def build() -> Node:
        root = directory()
        for tool in tools:
            put(root, f"/usr/bin/{tool}", program(141_824, "curl" if tool == "curl" else "busybox"))
        bulk(root, path, size - total_size(root), count)
        return root

    return Layer(build, compressed, created_by, modified)


def files(
    compressed: int, created_by: str, contents: dict[str, Node | str], *, modified: str = "2025-01-14T00:00:00Z"
) -> Layer:
    """A layer of a few files, by absolute path."""

    def build() -> Node:
        root = directory()
        for path, content in contents.items():
            put(root, path, file(content) if isinstance(content, str) else content)
        return root

    return Layer(build, compressed, created_by, modified)
