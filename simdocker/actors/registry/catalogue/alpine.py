"""alpine: busybox with musl and a package manager; every applet is a symbolic link to /bin/busybox."""

from __future__ import annotations

from functools import cache, partial

from simdocker.actors.registry.catalogue.busybox import APPLETS
from simdocker.actors.registry.catalogue.parts import PATH, accounts, directories, program, symlinks
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, file, put, total_size
from simdocker.content.image import Image, Layer, bulk

IN_BIN = frozenset(
    """
arch ash base64 bbconfig cat chgrp chmod chown cp date dd df dmesg dnsdomainname echo ed egrep false fatattr fdflush
fgrep fsync getopt grep gunzip gzip hostname ionice ipcalc kill link linux32 linux64 ln login ls lzop mkdir mknod mktemp
more mount mountpoint mpstat mv netstat nice pidof ping ping6 pipe_progress printenv ps pwd reformime rev rm rmdir
run-parts sed setpriv setserial sh sleep stat stty su sync tar touch true umount uname usleep watch zcat
""".split()
)
IN_SBIN = frozenset(
    """
acpid adjtimex arp blkid blockdev depmod fbsplash fdisk findfs fsck fstrim getty halt hwclock ifconfig ifdown ifup init
insmod ip ipneigh klogd loadkmap logread losetup lsmod mdev mkdosfs mkswap modinfo modprobe nameif nologin pivot_root
poweroff raidautorun reboot rmmod route setconsole slattach sulogin swapoff swapon switch_root sysctl syslogd tunctl
udhcpc vconfig watchdog zcip
""".split()
)
IN_USR_SBIN = frozenset(("addgroup", "adduser", "arping", "brctl", "chpasswd", "chroot", "crond", "fbset", "rdate"))

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
mail:x:8:12:mail:/var/mail:/sbin/nologin
news:x:9:13:news:/usr/lib/news:/sbin/nologin
uucp:x:10:14:uucp:/var/spool/uucppublic:/sbin/nologin
cron:x:16:16:cron:/var/spool/cron:/sbin/nologin
ftp:x:21:21::/var/lib/ftp:/sbin/nologin
sshd:x:22:22:sshd:/dev/null:/sbin/nologin
games:x:35:35:games:/usr/games:/sbin/nologin
ntp:x:123:123:NTP:/var/empty:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
GROUP = """\
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
sys:x:3:root,bin
adm:x:4:root,daemon
tty:x:5:
disk:x:6:root
lp:x:7:lp
kmem:x:9:
wheel:x:10:root
floppy:x:11:root
mail:x:12:mail
news:x:13:news
uucp:x:14:uucp
cron:x:16:cron
audio:x:18:
cdrom:x:19:
dialout:x:20:root
ftp:x:21:
sshd:x:22:
input:x:23:
tape:x:26:root
video:x:27:root
netdev:x:28:
kvm:x:34:kvm
games:x:35:
shadow:x:42:
www-data:x:82:
users:x:100:games
ntp:x:123:
abuild:x:300:
utmp:x:406:
ping:x:999:
nogroup:x:65533:
nobody:x:65534:
"""

RELEASES = (  # tags, release, bytes unpacked, bytes of the layer's blob, date
    (("latest", "3", "3.18", "3.18.0"), "3.18.0", 7_325_184, 3_397_879, "2023-05-09T23:11:10Z"),
    (("3.17", "3.17.3"), "3.17.3", 7_049_216, 3_374_563, "2023-03-29T18:19:24Z"),
    (("3.19", "3.19.6"), "3.19.6", 7_402_496, 3_420_282, "2025-01-07T00:19:26Z"),
    (("3.20", "3.20.5"), "3.20.5", 7_798_784, 3_631_184, "2025-01-07T00:04:46Z"),
    (("3.21", "3.21.2"), "3.21.2", 7_835_648, 3_642_247, "2025-01-08T12:07:30Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, release, *_, created in RELEASES:
        config = ContainerConfig(Env=[PATH], Cmd=["/bin/sh"])
        image = Image([base(release), 'CMD ["/bin/sh"]'], config, created=created)
        tags.update(dict.fromkeys(names, image))
    return tags


@cache
def base(release: str) -> Layer:
    """The layer of a release, which images `…-alpine` share."""
    _, _, size, compressed, created = next(line for line in RELEASES if line[1] == release)
    name = f"ADD alpine-minirootfs-{release}-x86_64.tar.gz / # buildkit"
    return Layer(partial(_tree, release, size), compressed, name, created)


def _tree(release: str, size: int) -> Node:
    root = directory()
    directories(root, {
        "/bin": 0o755, "/dev": 0o755, "/etc": 0o755, "/home": 0o755, "/lib": 0o755, "/media/cdrom": 0o755,
        "/mnt": 0o755, "/opt": 0o755, "/proc": 0o555, "/root": 0o700, "/run": 0o755, "/sbin": 0o755, "/srv": 0o755,
        "/sys": 0o755,
        "/tmp": 0o1777, "/usr/bin": 0o755, "/usr/sbin": 0o755, "/usr/share": 0o755, "/var/cache/apk": 0o755,
        "/var/log": 0o755, "/var/mail": 0o755, "/var/tmp": 0o1777,
    })  # fmt: skip
    children = root.children
    children["bin"].children["busybox"] = program(808_712, "busybox")
    children["sbin"].children["apk"] = program(70_728, "apk")
    usr = children["usr"].children
    for folder, names in (
        (children["bin"], IN_BIN), (children["sbin"], IN_SBIN), (usr["sbin"], IN_USR_SBIN),
        (usr["bin"], frozenset(APPLETS) - IN_BIN - IN_SBIN - IN_USR_SBIN),
    ):  # fmt: skip
        symlinks(folder, "/bin/busybox", sorted(names & (frozenset(APPLETS) | {"ash", "printenv"})))
    accounts(root, PASSWD, GROUP)
    branch = release.rpartition(".")[0]
    put(root, "/etc/alpine-release", file(f"{release}\n"))
    put(root, "/etc/os-release", file(
        f'NAME="Alpine Linux"\nID=alpine\nVERSION_ID={release}\nPRETTY_NAME="Alpine Linux v{branch}"\n'
        'HOME_URL="https://alpinelinux.org/"\nBUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"\n'
    ))  # fmt: skip
    put(root, "/etc/issue", file(f"Welcome to Alpine Linux {branch}\nKernel \\r on an \\m (\\l)\n\n"))
    put(root, "/etc/apk/world", file("alpine-baselayout\nalpine-keys\napk-tools\nbusybox\nlibc-utils\n"))
    bulk(root, "/lib/apk/files", size - total_size(root), 60)
    return root
