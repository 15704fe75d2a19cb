"""The applets of the simulated busybox, found by name; each module is imported when it is needed.

A module registers its applets with the decorator `applet`; `MODULES` says which module to import
for a name, so that starting a shell does not import the whole userland.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from simdocker.backends.sim.applets.call import Run

MODULES = {
    "archive": "gunzip gzip tar zcat",
    "awk": "awk",
    "compare": "cmp diff",
    "dump": "hexdump od strings xxd hd",
    "echo": "[ [[ echo false printf test true",
    "files": "chgrp chmod chown cp dd install link ln mkdir mkfifo mknod mktemp mv rm rmdir shred split sync touch "
    "truncate unlink",
    "find": "find xargs",
    "grep": "egrep fgrep grep",
    "hashes": "base64 cksum crc32 md5sum sha1sum sha256sum sha3sum sha512sum sum uudecode uuencode",
    "listing": "basename df dirname du ls readlink realpath stat tree",
    "net": "arp arping httpd ifconfig ip nc netstat nslookup ping ping6 route telnet traceroute traceroute6 wget",
    "process": "chroot env kill killall killall5 nice nohup nproc pgrep pidof pkill ps pstree pwdx renice setsid sleep "
    "start-stop-daemon time timeout top usleep watch",
    "screen": "clear ed less more reset stty tty vi",
    "sed": "sed",
    "sort": "comm shuf sort uniq",
    "system": "arch cal cat_proc date dmesg dnsdomainname free getopt groups halt hostid hostname id logger login "
    "logname mount mountpoint passwd poweroff reboot su sysctl umount uname uptime w which who whoami adduser addgroup "
    "deluser delgroup",
    "text": "cat cut dos2unix expand factor fold head nl paste rev seq tac tail tee tr ts unexpand unix2dos wc yes",
    "arith": "bc dc expr",
}
"""Names by module. `net` belongs to the simulated network."""

APPLETS: dict[str, Run] = {}
"""Applets imported so far, by name."""

_HOME = {name: module for module, names in MODULES.items() for name in names.split()}


def applet(*called: str) -> Callable[[Run], Run]:
    """Decorator: register an applet under its names."""

    def register(run: Run) -> Run:
        for name in called:
            APPLETS[name] = run
        return run

    return register


def find(name: str) -> Run | None:
    """The applet called `name`, None when busybox has none."""
    run = APPLETS.get(name)
    if run is None and name in _HOME:
        try:
            import_module(f"simdocker.backends.sim.applets.{_HOME[name]}")
        except ModuleNotFoundError as error:
            if error.name != f"simdocker.backends.sim.applets.{_HOME[name]}":
                raise
        run = APPLETS.get(name)
    return run


def exists(name: str) -> bool:
    """Whether busybox has an applet of that name; the shells count."""
    return name in _HOME or name in ("sh", "ash", "busybox")


def names() -> list[str]:
    """The names of all applets."""
    return [*_HOME, "sh", "ash", "busybox"]
