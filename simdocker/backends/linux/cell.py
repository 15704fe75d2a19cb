"""The part of a container's start that most containers have alike, so that it can be done ahead of time.

A cell is a process that is the first of its pid namespace, in a cgroup, with mounts, host name and IPC of its own,
and the kernel's filesystems in a root with nothing of the host in sight. It waits there until a container is
started that it fits; `steps.py` has the rest. What it has to know of the container is its recipe.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from simdocker.backends import capabilities
from simdocker.backends.linux import steps
from simdocker.backends.linux.steps import (
    CELL,
    HARDENED,
    MASKED,
    NAMESPACES,
    NETWORK,
    READ_ONLY,
    SYSCTLS,
    Step,
    join,
    masked,
    mount,
    read_only,
)  # fmt: skip
from simdocker.backends.linux.syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    MNT_DETACH,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_STRICTATIME,
)  # fmt: skip
from simdocker.backends.ports import ProcessSpec

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {
    "/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2", "/dev/ptmx": "pts/ptmx",
}  # fmt: skip
TTY_GROUP = ",gid=5"
HANDED_ON = ("/proc", "/dev", "/cgroup")


class Recipe(NamedTuple):
    """What of a container its cell depends on. `own` are the kinds of namespaces made for it; `shared` those of
    other containers, by kind with the container's id; `loopback` whether it has a new network, which leads nowhere;
    `cpus` the processors it may run on, () for all; `shm_size` the bytes of /dev/shm; `sysctls` whether kernel
    parameters are to be set before they can no longer be; `capabilities` those that it may ever have."""

    own: tuple[str, ...]
    shared: tuple[tuple[str, str], ...] = ()
    loopback: bool = False
    cpus: tuple[int, ...] = ()
    shm_size: int = 64 << 20
    sysctls: bool = False
    capabilities: int = capabilities.DEFAULT


class Nest(NamedTuple):
    """Where a cell is made: `directory` exists, its root is mounted there; `join` are the files of its cgroups that
    take a process; `controllers` those of v1, none where v2 rules alone. `borrowed`: devices are the host's, bound
    here, where only the machine's root can make any."""

    directory: str
    join: Sequence[str] = ()
    controllers: Sequence[str] = ()
    borrowed: bool = False


def recipe(spec: ProcessSpec, network: str | None) -> Recipe:
    """The cell a container needs. A network that leads somewhere is made apart, and joined."""
    own = tuple(name for name in NAMESPACES if name not in spec.shared)
    others = tuple((kind, of) for kind, of in sorted(spec.shared.items()) if of)
    cpus, sysctls = tuple(spec.resources.cpus), bool(spec.sysctls)
    return Recipe(own, others, network == "", cpus, spec.shm_size, sysctls, steps.allowed(spec))


def cell(recipe: Recipe, nest: Nest) -> list[Step]:
    """The steps of a process that is shut in, with nothing of the host in sight, but is no container yet. The
    pidfds of those whose namespaces it shares are held under `<kind> of`."""
    return [*_namespaces(recipe, nest), *_skeleton(recipe, nest), *_devices(nest), *_guarded(recipe)]


def _namespaces(recipe: Recipe, nest: Nest) -> Iterator[Step]:
    own = {name: NAMESPACES[name] for name in recipe.own} | (NETWORK if recipe.loopback else {})
    yield Step(
        f"clone {','.join(f'new{name}' for name in own)}", "", (sum(own.values()),),
        "A process that is the first of its pid namespace, with mounts, host name and IPC of its own.",
    )  # fmt: skip
    yield from join(nest.join)
    yield Step("unshare newcgroup", "unshare", (CLONE_NEWCGROUP,), "Its own cgroup looks like the root of all.")
    yield Step(
        "setsid", "setsid", (), "It leads a session of its own: signals of the engine's terminal do not reach it."
    )
    if recipe.loopback:
        yield Step("ip link set lo up", "loopback up", (), "It can talk to itself.")
    yield Step("mount --make-rprivate /", "private", ("none", "/", "", MS_REC | MS_PRIVATE),
               "Mounts made in here do not show on the host, nor the host's later ones in here.")  # fmt: skip
    if "ipc" in dict(recipe.shared):
        yield Step("open_tree /dev/shm", "open_tree of", ("ipc of", "/dev/shm", "shm"),
                   "Hold the other container's shared memory.")  # fmt: skip
        yield Step("setns ipc", "join process", ("ipc of", CLONE_NEWIPC), "Its IPC is another container's.")


def _skeleton(recipe: Recipe, nest: Nest) -> Iterator[Step]:
    """A root with the kernel's filesystems in it. They are handed on to the root that the container gets."""
    for name in DEVICES if nest.borrowed else ():
        yield Step(f"open_tree {name}", "open_tree", (f"/dev/{name}", f"device {name}"), "Hold the host's device.")
    yield mount("tmpfs", nest.directory, HARDENED, "mode=755,size=64k", "A root to build in.", "cell")
    yield Step("pivot_root cell", "pivot_root", (nest.directory,), "It becomes the root directory.")
    proc = mount("proc", "/proc", HARDENED, "", "The processes of this pid namespace, and no others.")
    if nest.borrowed:
        yield proc  # a user namespace gets no /proc and no /sys that show more than those that are in sight
        yield mount("sysfs", "/sys", HARDENED | MS_RDONLY, "", "Leave for the container's own.")
    yield Step("umount host", "umount2", (".", MNT_DETACH), "The host's files are out of reach from here on.")
    yield Step("chdir /", "chdir", ("/",), "The working directory must not lie outside.")
    if not nest.borrowed:
        yield proc
    yield mount(
        "tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k", "A /dev without the host's devices."
    )
    options = "newinstance,ptmxmode=0666,mode=0620" + ("" if nest.borrowed else TTY_GROUP)
    yield mount("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, options, "Pseudo-terminals of its own.")
    yield mount("mqueue", "/dev/mqueue", HARDENED, "", "POSIX message queues of this IPC namespace.")
    if "ipc" in dict(recipe.shared):
        yield Step("mount shm", "move_mount", ("shm", "/dev/shm", False), "Shared memory is the other container's.")
    else:
        yield mount(
            "tmpfs", "/dev/shm", HARDENED, f"mode=1777,size={recipe.shm_size}", "Shared memory, with a limit.", "shm"
        )
    yield from _cgroup_filesystems(nest)


def _cgroup_filesystems(nest: Nest) -> Iterator[Step]:
    if not nest.controllers:
        yield mount("cgroup2", "/cgroup", HARDENED | MS_RDONLY, "", "Its limits, to look at.", "cgroup")
        return
    yield mount("tmpfs", "/cgroup", HARDENED, "mode=755", "Room for one directory a controller.")
    for controller in nest.controllers:
        target = f"/cgroup/{controller}"
        yield mount("cgroup", target, HARDENED | MS_RDONLY, controller, "Its limits, to look at.")
    yield Step("remount cgroup ro", "bind remount", ("/cgroup", MS_RDONLY), "Nothing else goes there.")


def _devices(nest: Nest) -> Iterator[Step]:
    for name, (major, minor) in DEVICES.items():
        if nest.borrowed:
            yield Step(f"move_mount {name}", "move_mount", (f"device {name}", f"/dev/{name}", True),
                       "One of the six devices every program may expect.")  # fmt: skip
            continue
        what = (f"/dev/{name}", stat.S_IFCHR | 0o666, major, minor)
        yield Step(f"mknod {name}", "mknod", what, "One of the six devices every program may expect.")
    for path, target in LINKS.items():
        yield Step(f"symlink {path}", "symlink", (target, path), "A name that programs expect.")


def _guarded(recipe: Recipe) -> Iterator[Step]:
    for path in READ_ONLY:
        if path != SYSCTLS or not recipe.sysctls:
            yield read_only(path)
    for path in MASKED:
        if path.startswith("/proc"):
            yield masked(path)
    yield steps.bounded(recipe.capabilities)
    for path in HANDED_ON:
        yield Step("open", "open", (path, f"{CELL}{path}"), f"Hold {path}, to hand it on.")
