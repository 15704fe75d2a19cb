"""The applets of the simulated busybox, found by name; each module is imported when it is needed.

A module registers its applets with the decorator `applet`; `MODULES` says which module to import
for a name, so that starting a shell does not import the whole userland.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from simdocker.backends.sim.applets.call import Run

MODULES = {
    "accounts": "groups id login logname passwd su w who whoami",
    "archive": "gunzip gzip tar zcat",
    "arithmetic": "bc dc expr",
    "awk": "awk",
    "calendar": "cal date uptime",
    "characters": "dos2unix tr unix2dos",
    "columns": "cut expand fold nl paste unexpand",
    "compare": "cmp diff",
    "copying": "cp mv",
    "dump": "hexdump od strings xxd",
    "echo": "[ [[ echo false printf test true",
    "files": "link ln mkdir mkfifo mknod mktemp rmdir sync touch truncate",
    "find": "find",
    "grep": "egrep fgrep grep",
    "hashes": "base64 crc32 md5sum sha1sum sha256sum sha3sum sha512sum uudecode uuencode",
    "killing": "kill killall pidof",
    "listing": "ls",
    "net_http": "wget",
    "net_httpd": "httpd",
    "net_ip": "ip",
    "net_link": "arp arping ifconfig route",
    "net_names": "nslookup",
    "net_netstat": "netstat",
    "net_ping": "ping ping6 traceroute traceroute6",
    "net_stream": "nc telnet",
    "numbers": "dd factor seq",
    "paths": "basename dirname pwd readlink realpath",
    "permissions": "chgrp chmod chown",
    "process": "chroot env nproc renice setsid sleep time timeout usleep watch",
    "processes": "ps top",
    "removal": "rm shred unlink",
    "screen": "clear ed less more reset resume stty tty vi",
    "sed": "sed",
    "sort": "shuf sort uniq",
    "space": "df du",
    "status": "stat",
    "system": "arch dmesg dnsdomainname free getopt halt hostid hostname logger mount poweroff reboot sysctl umount "
    "uname which",
    "text": "cat head rev tac tail tee ts wc yes",
    "xargs": "xargs",
}
"""Names by module."""

APPLETS: dict[str, Run] = {}
"""Applets imported so far, by name."""

UNAVAILABLE = frozenset(
    "acpid adjtimex ar ascii ash blkdiscard blockdev brctl bunzip2 busybox bzcat bzip2 chvt cpio crond crontab "
    "cttyhack deallocvt depmod devmem dpkg dpkg-deb dumpkmap dumpleases fallocate fatattr fdisk findfs "
    "freeramdisk fsfreeze fstrim ftpget ftpput getty hwclock i2cdetect i2cdump i2cget i2cset i2ctransfer "
    "ifdown ifup init insmod ionice ipcalc ipneigh klogd last linux32 linux64 linuxrc loadfont loadkmap "
    "logread losetup lsmod lsscsi lzcat lzma lzop mdev microcom mim mkdosfs mke2fs mkpasswd mkswap modinfo "
    "modprobe mt nameif nologin nsenter nuke openvt partprobe patch pivot_root rdate rmmod rpm rpm2cpio "
    "run-init run-parts setkeycodes setpriv sh ssl_client start-stop-daemon sulogin svc svok swapoff swapon "
    "switch_root syslogd taskset tc telnetd tftp tunctl ubirename udhcpc udhcpd uevent uncompress unlzma "
    "unshare unxz unzip vconfig watchdog xz xzcat".split()
)
"""What the real one has besides and is not modelled, except the shells, which are programs of their own."""

_HOME = {name: module for module, called in MODULES.items() for name in called.split()}


def applet(*called: str) -> Callable[[Run], Run]:
    """Decorator: register an applet under its names."""

    def register(run: Run) -> Run:
        for name in called:
            APPLETS[name] = run
        return run

    return register


def named(name: str) -> Run | None:
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
    """Whether busybox has an applet of that name."""
    return name in _HOME or name in UNAVAILABLE


def names() -> list[str]:
    """The names of all applets, sorted."""
    return sorted([*_HOME, *UNAVAILABLE])
