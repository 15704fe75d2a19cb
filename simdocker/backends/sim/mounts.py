"""The mounts of a container, in the order and with the options that Docker and runc give them.

Every container has the same kernel filesystems and the three files of /etc that the engine keeps;
volumes, binds and tmpfs come on top. A mount is made when a path first crosses it, so a container
that never looks at its /proc has none.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from simdocker.backends.ports import StartFailed
from simdocker.backends.runc_errors import CREATE, go, sentence
from simdocker.backends.sim import cgroupfs
from simdocker.backends.sim.devices import DEV, PTS, SYS
from simdocker.backends.sim.kernel import HIERARCHIES
from simdocker.backends.sim.namespace import MakeMount, Mount, MountNamespace, Point, points
from simdocker.backends.sim.overlay import stack
from simdocker.backends.sim.procfs import net_devices
from simdocker.content.changeset import DIRECTORY, FILE, Node, directory, file, put

if TYPE_CHECKING:
    from simdocker.backends.ports import MountPoint
    from simdocker.backends.sim.kernel import Container, Kernel
    from simdocker.backends.sim.storage import RootFS

HARDENED = "nosuid,nodev,noexec,relatime"
DISK = "/dev/vda"
DOCKER_INIT = "/sbin/docker-init"

_dev, _sys = stack((DEV,)), stack((SYS,))


def _proc(namespace: MountNamespace, target: str) -> Mount:
    container: Container = namespace.owner
    return Mount("proc", target, "proc", container.proc(), options=HARDENED)


def _made_now(namespace: MountNamespace, mode: int) -> Node:
    """A fresh directory as the root of a filesystem."""
    container: Container = namespace.owner
    return Node(DIRECTORY, mode, mtime=container.kernel.now_ns())


def _dev_mount(namespace: MountNamespace, target: str) -> Mount:
    root = _made_now(namespace, 0o755)
    return Mount("tmpfs", target, "tmpfs", root, _dev, options="nosuid,size=65536k,mode=755")


def _pts(namespace: MountNamespace, target: str) -> Mount:
    container: Container = namespace.owner
    root = Node(DIRECTORY, 0o755, mtime=container.kernel.now_ns())
    root.children.update(PTS.children)
    return Mount("devpts", target, "devpts", root, options="nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666")


def _sysfs(namespace: MountNamespace, target: str) -> Mount:
    container: Container = namespace.owner
    root = Node(DIRECTORY, 0o555)
    put(root, "/class/net", net_devices(container.sandbox.stack) if container.sandbox is not None else directory())
    mount = Mount("sysfs", target, "sysfs", root, _sys, read_only=True, options=HARDENED)
    mount.made_ns = container.kernel.now_ns()
    return mount


def _cgroups(namespace: MountNamespace, target: str) -> Mount:
    """Where the hierarchies of cgroups are mounted, one by one."""
    root = _made_now(namespace, 0o755)
    for controller in HIERARCHIES:
        put(root, f"/{controller}", directory())
    return Mount("tmpfs", target, "tmpfs", root, options=f"{HARDENED},mode=755")


def _cgroup(namespace: MountNamespace, target: str) -> Mount:
    container: Container = namespace.owner
    controller = target.rpartition("/")[2]
    root = cgroupfs.directory(container.kernel, container.cgroup, controller)
    options = f"{HARDENED},{HIERARCHIES[controller]}"
    return Mount("cgroup", target, "cgroup", root, read_only=container.id != "", options=options)


def _mqueue(namespace: MountNamespace, target: str) -> Mount:
    return Mount("mqueue", target, "mqueue", _made_now(namespace, 0o1777), options=HARDENED)


def _shm(namespace: MountNamespace, target: str) -> Mount:
    """Who shares an IPC namespace shares this as well."""
    container: Container = namespace.owner
    if container.ipc is not container:
        return container.ipc.mounts.mount_at(target)
    size = container.spec.shm_size
    mount = Mount("shm", target, "tmpfs", _made_now(namespace, 0o1777), options=f"{HARDENED},size={size >> 10}k")
    mount.size = size
    return mount


def _host_shm(namespace: MountNamespace, target: str) -> Mount:
    return Mount("tmpfs", target, "tmpfs", _made_now(namespace, 0o1777), options="nosuid,nodev")


def _etc_file(namespace: MountNamespace, target: str) -> Mount:
    container: Container = namespace.owner
    node = file(container.spec.etc_files.get(target, ""))
    node.mtime = container.kernel.now_ns()
    return Mount(DISK, target, "ext4", node, read_only=container.spec.read_only)


def _proc_part(namespace: MountNamespace, target: str) -> Mount:
    proc = namespace.mount_at("/proc").upper
    assert proc is not None
    return Mount("proc", target, "proc", proc.children.get(target.rpartition("/")[2]), read_only=True, options=HARDENED)


def _masked(namespace: MountNamespace, target: str) -> Mount:
    return Mount("tmpfs", target, "tmpfs", _made_now(namespace, 0o755), read_only=True)


def _masked_file(namespace: MountNamespace, target: str) -> Mount:
    return Mount("tmpfs", target, "tmpfs", DEV.children["null"], options="nosuid,size=65536k,mode=755")


CGROUP_MOUNTS: dict[str, MakeMount] = {
    "/sys/fs/cgroup": _cgroups,
    **{f"/sys/fs/cgroup/{controller}": _cgroup for controller in HIERARCHIES},
}
KERNEL_MOUNTS: dict[str, MakeMount] = {
    "/proc": _proc,
    "/dev": _dev_mount,
    "/dev/pts": _pts,
    "/sys": _sysfs,
    **CGROUP_MOUNTS,
    "/dev/mqueue": _mqueue,
    "/dev/shm": _shm,
}
ETC_MOUNTS: dict[str, MakeMount] = {
    "/etc/resolv.conf": _etc_file,
    "/etc/hostname": _etc_file,
    "/etc/hosts": _etc_file,
}
MASKED: dict[str, MakeMount] = {
    "/proc/bus": _proc_part,
    "/proc/fs": _proc_part,
    "/proc/irq": _proc_part,
    "/proc/sys": _proc_part,
    "/proc/acpi": _masked,
    "/proc/keys": _masked_file,
    "/proc/timer_list": _masked_file,
    "/sys/firmware": _masked,
}
HOST_MOUNTS: dict[str, MakeMount] = {
    "/proc": _proc,
    "/dev": _dev_mount,
    "/dev/pts": _pts,
    "/sys": _sysfs,
    **CGROUP_MOUNTS,
    "/dev/shm": _host_shm,
}


@lru_cache(maxsize=1024)
def layout(extra: tuple[str, ...], has_etc: bool) -> tuple[dict[str, MakeMount], Point]:
    """How to make each mount of a container, and the tree of their targets. `extra` are the targets
    of volumes, binds and tmpfs, which docker orders by depth."""
    makers = dict(KERNEL_MOUNTS)
    upper: dict[str, MakeMount] = dict.fromkeys(extra, _from_spec)
    if has_etc:
        upper = {**upper, **{target: make for target, make in ETC_MOUNTS.items() if target not in upper}}
    for target in sorted(upper, key=lambda target: target.count("/")):
        makers.pop(target, None)
        makers[target] = upper[target]
    makers.update(MASKED)
    return makers, points(tuple(makers))


def _from_spec(namespace: MountNamespace, target: str) -> Mount:
    """A bind, a volume or a tmpfs of the container's own."""
    container: Container = namespace.owner
    mount: MountPoint = container.extra_mounts[target]
    if mount.kind == "tmpfs":
        return tmpfs(container.kernel, target, mount.options, read_only=mount.read_only)
    return of_host(container.kernel, mount, target)


def of_host(kernel: Kernel, mount: MountPoint, target: str) -> Mount:
    """A directory or file of the host, or what a volume has mounted there."""
    there = kernel.mounted.get(mount.source)
    if there is None:
        return Mount(DISK, target, "ext4", kernel.host_node(mount.source), read_only=mount.read_only)
    read_only = mount.read_only or there.read_only
    bound = Mount(there.source, target, there.fstype, there.upper, read_only=read_only, options=there.options)
    bound.size = there.size
    return bound


def tmpfs(kernel: Kernel, target: str, options: str, *, read_only: bool, hardened: bool = True) -> Mount:
    """An empty filesystem in memory; `options` as for `docker run --tmpfs` (size, mode, uid, gid, ro), which
    is `hardened` unless they say otherwise."""
    given = dict(option.partition("=")[::2] for option in options.split(",") if option)
    root = Node(DIRECTORY, int(given.get("mode", "1777"), 8), mtime=kernel.now_ns())
    root.uid, root.gid = int(given.get("uid", "0")), int(given.get("gid", "0"))
    shown = HARDENED if "exec" not in given else HARDENED.replace("noexec,", "")
    if not hardened:
        shown = "relatime"
    size = _size(given.get("size", ""))
    if size:
        shown += f",size={size // 1024}k"
    for name in ("mode", "uid", "gid"):
        if name in given:
            shown += f",{name}={given[name]}"
    mount = Mount("tmpfs", target, "tmpfs", root, read_only=read_only or "ro" in given, options=shown)
    mount.size = size
    return mount


def _size(text: str) -> int:
    """The `size` option in bytes (`64m`); 0 for none or one that is no number."""
    unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1:].lower(), 1)
    digits = text if unit == 1 else text[:-1]
    return int(digits) * unit if digits.isdecimal() else 0


def by_target(mounts: Sequence[MountPoint]) -> dict[str, MountPoint]:
    """Mount points by target; of several at one target the last counts."""
    return {mount.target: mount for mount in mounts}


def engine_mounts(kernel: Kernel, mounts: Sequence[MountPoint], texts: Mapping[str, str]) -> dict[str, MakeMount]:
    """How the engine itself mounts what is in a container: volumes, binds, and its own files of /etc."""

    def bound(mount: MountPoint) -> MakeMount:
        def make(_: MountNamespace, target: str) -> Mount:
            return of_host(kernel, mount, target)

        return make

    def written(text: str) -> MakeMount:
        return lambda _, target: Mount(DISK, target, "ext4", file(text))

    makers = {path: written(text) for path, text in texts.items()}
    makers.update((mount.target, bound(mount)) for mount in mounts if mount.kind != "tmpfs")
    return dict(sorted(makers.items(), key=lambda pair: pair[0].count("/")))


# -- the mounts that a container asks for ----------------------------------------------------------


def targets(kernel: Kernel, rootfs: RootFS, asked: Sequence[MountPoint]) -> dict[str, MountPoint]:
    """Mounts by where they really go, which is made in the container's own layer when the image has
    nothing there. Raises StartFailed."""
    view = rootfs.view()
    found: dict[str, MountPoint] = {}
    for mount in asked:
        source = None if mount.kind == "tmpfs" else _source(kernel, mount)
        is_file = source is not None and source.kind != DIRECTORY
        try:
            in_dev = mount.target.startswith("/dev/")  # a filesystem of its own by then: nothing is left in the layer
            target = mount.target if in_dev else _made(view, mount.target, kernel.now_ns(), is_file=is_file)
        except OSError as error:
            text = (
                f'error during container init: error mounting "{mount.source}" to rootfs at "{mount.target}": '
                f"mount {mount.source}:{mount.target} (via /proc/self/fd/6), flags: 0x5000: {go(error)}"
            )
            raise StartFailed(sentence(CREATE, text), 127) from None
        found.pop(target, None)
        found[target] = mount
    return found


def place_init(kernel: Kernel, rootfs: RootFS) -> None:
    """`--init`: docker-init is bound over a file that is left in the container's own layer."""
    _made(rootfs.view(), DOCKER_INIT, kernel.now_ns(), is_file=True)


def _source(kernel: Kernel, mount: MountPoint) -> Node:
    try:
        return kernel.host_node(mount.source)
    except OSError:
        message = f'invalid mount config for type "bind": bind source path does not exist: {mount.source}'
        raise StartFailed(message, 128) from None


def _made(view: MountNamespace, path: str, now: int, *, is_file: bool) -> str:
    """Where a path leads, with what is missing of it made."""
    at = ""
    names = [name for name in path.split("/") if name]
    for depth, name in enumerate(names, 1):
        at += f"/{name}"
        dentry = view.walk(at)
        last = depth == len(names)
        if not dentry.exists:
            node = Node(FILE if is_file and last else DIRECTORY, 0o755, mtime=now)
            if node.kind == FILE:
                node.data = b""
            dentry.link(node, now)
        elif last and (dentry.node.kind == DIRECTORY) is is_file:
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
    return view.walk(path).path
