"""Record what the real busybox answers to the lines of cases.yaml that have no answer yet.

    python -m tests.sim.shell.record [/usr/bin/busybox]

Each line runs as PID 1 of a fresh root: a copy of the busybox image with the files of FILES. Needs
root, for chroot and namespaces.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from simdocker.scenario.normal import without_help
from tests.sim.bare import Bare
from tests.sim.shell.corpus import ENVIRONMENT, FILES, HERE, lines

_INSIDE = """
hostname bare; mount -t proc proc "$1/proc"; mount -t tmpfs -o mode=755 dev "$1/dev"
for d in null zero full random urandom; do : > "$1/dev/$d"; mount --bind "/dev/$d" "$1/dev/$d"; done
ln -s /proc/self/fd "$1/dev/fd"; ln -s fd/0 "$1/dev/stdin"; ln -s fd/1 "$1/dev/stdout"; ln -s fd/2 "$1/dev/stderr"
root=$1; shift
echo 6 > "$root/proc/sys/kernel/ns_last_pid"  # a container's second process has PID 7
exec /usr/bin/env -i "$@" /usr/sbin/chroot --groups=0,10 "$root" sh -c "$LINE"
"""
_DIRECTORIES = ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr/bin", "usr/sbin", "var/spool/mail",
                "var/www")  # fmt: skip
_ETC = ("passwd", "group", "shadow", "hosts", "hostname", "resolv.conf")


def build(root: Path, busybox: Path, etc: dict[str, bytes]) -> None:
    """A fresh root; the applets are links to one copy of the binary."""
    for directory in _DIRECTORIES:
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    binary = root / "bin/busybox"
    if not binary.exists():
        shutil.copy(busybox, binary)
        applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
        for applet in applets:
            if applet != "busybox":
                os.link(binary, root / "bin" / applet)
    for name, data in etc.items():
        (root / "etc" / name).write_bytes(data)
        (root / "etc" / name).chmod(0o640 if name == "shadow" else 0o644)
    (root / "etc/mtab").symlink_to("/proc/mounts")  # as the engine makes one in every container
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def clean(root: Path) -> None:
    """Remove all but /bin."""
    for entry in root.iterdir():
        if entry.name == "bin":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def answer(root: Path, line: str) -> dict[str, object]:
    """What the line gives. Raises TimeoutExpired."""
    variables = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--uts", "--kill-child", "sh", "-c", _INSIDE, "sh", str(root),
         *variables],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=8, check=False,
        start_new_session=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LINE": line},
    )  # fmt: skip
    return {
        "exit": done.returncode,
        "stdout": without_help(done.stdout.decode("utf-8", "surrogateescape")),
        "stderr": without_help(done.stderr.decode("utf-8", "surrogateescape")),
    }


def etc() -> dict[str, bytes]:
    """The files of /etc, as the simulated image has them."""
    return {name: Bare().run(["cat", f"/etc/{name}"]).stdout for name in _ETC}


def main() -> None:
    busybox = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/busybox")
    target = HERE / "recorded.json"
    known: dict[str, object] = json.loads(target.read_text()) if target.exists() else {}
    files = etc()
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        root.chmod(0o755)
        for line in lines():
            if line not in known:
                clean(root)
                build(root, busybox, files)
                try:
                    known[line] = answer(root, line)
                except subprocess.TimeoutExpired:
                    print("does not end:", line, file=sys.stderr)
                    continue
                target.write_text(json.dumps(known, indent=0, ensure_ascii=True) + "\n")
            results[line] = known[line]
        clean(root)
    target.write_text(json.dumps(results, indent=0, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
