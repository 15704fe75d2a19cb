"""busybox: one program under the name of every applet, and the few files it reads.

As in the official image every applet is a hard link to /bin/busybox, and there is a build for each of three
C libraries, of which glibc's brings that library along. Sizes are those that Docker Hub shows of the official
images, rounded. Whatever its tag, the program behaves as busybox 1.35 as Debian builds it, the version that
the simulated userland follows; `1.35` is that build, with which the real engine was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from simdocker.actors.registry.catalogue.parts import (
    PATH,
    ROOT_GROUP,
    ROOT_PASSWD,
    accounts,
    directories,
    hard_links,
    program,
)
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, filler, put, symlink
from simdocker.content.image import Image, Layer

NAMES = """
[ [[ acpid adjtimex ar arch arp arping ascii ash awk base64 basename bc blkdiscard blockdev brctl bunzip2 bzcat bzip2
cal cat chgrp chmod chown chroot chvt clear cmp cp cpio crc32 crond crontab cttyhack cut date dc dd deallocvt depmod
devmem df diff dirname dmesg dnsdomainname dos2unix dpkg dpkg-deb du dumpkmap dumpleases echo ed egrep env expand expr
factor fallocate false fatattr fdisk fgrep find findfs fold free freeramdisk fsfreeze fstrim ftpget ftpput getopt getty
grep groups gunzip gzip halt head hexdump hostid hostname httpd hwclock i2cdetect i2cdump i2cget i2cset i2ctransfer id
ifconfig ifdown ifup init insmod ionice ip ipcalc ipneigh kill killall klogd last less link linux32 linux64 linuxrc ln
loadfont loadkmap logger login logname logread losetup ls lsmod lsscsi lzcat lzma lzop md5sum mdev microcom mim mkdir
mkdosfs mke2fs mkfifo mknod mkpasswd mkswap mktemp modinfo modprobe more mount mt mv nameif nc netstat nl nologin nproc
nsenter nslookup nuke od openvt partprobe passwd paste patch pidof ping ping6 pivot_root poweroff printf ps pwd rdate
readlink realpath reboot renice reset resume rev rm rmdir rmmod route rpm rpm2cpio run-init run-parts sed seq
setkeycodes setpriv setsid sh sha1sum sha256sum sha3sum sha512sum shred shuf sleep sort ssl_client start-stop-daemon
stat strings stty su sulogin svc svok swapoff swapon switch_root sync sysctl syslogd tac tail tar taskset tc tee telnet
telnetd test tftp time timeout top touch tr traceroute traceroute6 true truncate ts tty tunctl ubirename udhcpc udhcpd
uevent umount uname uncompress unexpand uniq unix2dos unlink unlzma unshare unxz unzip uptime usleep uudecode uuencode
vconfig vi w watch watchdog wc wget which who whoami xargs xxd xz xzcat yes zcat
"""
APPLETS = tuple(NAMES.split())

GLIBC = {
    "ld-linux-x86-64.so.2": 215_000, "libc.so.6": 1_926_232, "libm.so.6": 911_904, "libnss_compat.so.2": 39_896,
    "libnss_dns.so.2": 14_400, "libnss_files.so.2": 14_400, "libpthread.so.0": 14_480, "libresolv.so.2": 60_328,
}  # fmt: skip
"""What a dynamic build needs in /lib: the files of Debian 12's libc6, of which the official image is made."""
STATIC: dict[str, int] = {}

PASSWD = (
    ROOT_PASSWD
    + """\
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
)
GROUP = (
    ROOT_GROUP
    + """\
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nobody:x:65534:
"""
)


BUILDS = (  # tags, bytes of the program, its libraries, bytes of the layer's blob, date
    (
        ("latest", "stable", "1", "glibc", "stable-glibc", "1-glibc"),
        1_084_000,
        GLIBC,
        2_160_000,
        "2024-09-26T21:31:42Z",
    ),
    (("musl", "stable-musl"), 1_510_000, STATIC, 843_000, "2024-09-26T21:31:42Z"),
    (("uclibc", "stable-uclibc"), 1_460_000, STATIC, 773_000, "2024-09-26T21:31:42Z"),
    (("1.36", "1.36.1"), 1_064_000, GLIBC, 2_150_000, "2023-12-18T23:27:30Z"),
    (("1.35", "1.35.0"), 1_982_256, STATIC, 1_069_067, "2023-05-18T22:34:17Z"),  # busybox-static, as recorded
    (("1.34", "1.34.1"), 1_240_000, STATIC, 773_000, "2022-02-04T19:20:11Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, size, libraries, compressed, created in BUILDS:
        layer = Layer(partial(_tree, size, libraries), compressed, modified=created)
        layer.created_by = f"/bin/sh -c #(nop) ADD file:{layer.diff_id.removeprefix('sha256:')} in / "
        config = ContainerConfig(Env=[PATH], Cmd=["sh"])
        image = Image([layer, '/bin/sh -c #(nop)  CMD ["sh"]'], config, created=created)
        tags.update(dict.fromkeys(names, image))
    return tags


def _tree(size: int, libraries: Mapping[str, int]) -> Node:
    root = directory()
    directories(root, {
        "/bin": 0o755, "/dev": 0o755, "/etc": 0o755, "/home": 0o755, "/root": 0o700, "/tmp": 0o1777,
        "/usr/bin": 0o755, "/usr/sbin": 0o755, "/var/spool/mail": 0o755, "/var/www": 0o755,
    })  # fmt: skip
    node = program(size, "busybox")
    bin = root.children["bin"]
    bin.children["busybox"] = node
    hard_links(bin, node, APPLETS)
    hard_links(root.children["usr"].children["bin"], node, ["env"])
    for name, length in libraries.items():
        put(root, f"/lib/{name}", filler(length, 0o755))
    if libraries:
        put(root, "/lib64", symlink("lib"))
    accounts(root, PASSWD, GROUP)
    return root
