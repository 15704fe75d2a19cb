"""A container's start as data: the system calls that make it, in order, with what each is for.

`cell`, `container` and `process` are pure functions of what is asked for; nothing here touches the machine. The
fork server executes the lists (`calls.py`), the runtime writes them to the trace with what each step took,
and a class can read them as a table. A start has two parts. The *cell* is what most containers have alike,
namespaces and the kernel's filesystems in a root of its own: it can be made ahead of time. In it the
*container* gets its own layers, mounts and limits, and becomes the command. Compared with runc, what comes from
the host is opened outside and handed in, so that no link in an image leads a mount out of it; and
descriptors are closed before the working directory is entered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from simdocker.backends import capabilities
from simdocker.backends.linux.syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    MNT_DETACH,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    PR_SET_NO_NEW_PRIVS,
)  # fmt: skip
from simdocker.backends.ports import MountPoint, ProcessSpec
from simdocker.backends.users import User

HARDENED = MS_NOSUID | MS_NODEV | MS_NOEXEC
NAMESPACES = {"pid": CLONE_NEWPID, "ns": CLONE_NEWNS, "uts": CLONE_NEWUTS, "ipc": CLONE_NEWIPC}
NETWORK = {"net": CLONE_NEWNET}

# What dockerd 20.10 writes into a container's OCI configuration.
MASKED = (
    "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
SYSCTLS = "/proc/sys"
ROOT, NET, CELL = "root", "net", "cell"  # names of what is held; a mount is held under its target, which begins with /
INIT = "/sbin/docker-init"
SHM = "/dev/shm"
TMPFS_FLAGS = {"ro": MS_RDONLY, "nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC}
TMPFS_UNFLAGS = {"rw": MS_RDONLY, "suid": MS_NOSUID, "dev": MS_NODEV, "exec": MS_NOEXEC}


class Step(NamedTuple):
    """One step: its name in the trace, the call that does it (`calls.CALLS`) with its arguments, and why."""

    name: str
    call: str
    args: tuple[Any, ...]
    why: str


class Layout(NamedTuple):
    """What a container stands on, on the machine. `root` is its mounted root filesystem; `namespace` the file
    of its network namespace, None for the host's, "" for a new one that leads nowhere; `etc` where the engine
    keeps its files of /etc; `files` those of the mounts' sources that are no directories; `init` the host's tini;
    `seccomp` the filter's instructions, if there is one; `join` the files of the cgroups that another process
    joins; `shared` the files of other containers' namespaces, by kind, for an executor that opens them itself."""

    root: str
    namespace: str | None = None
    join: Sequence[str] = ()
    etc: Mapping[str, str] = {}
    files: frozenset[str] = frozenset()
    init: str = ""
    seccomp: bytes = b""
    shared: Mapping[str, str] = {}


def sources(spec: ProcessSpec, layout: Layout) -> list[Step]:
    """What the engine opens for a container, and hands in under the names of `ROOT`, `NET` and the mounts' targets."""
    steps = [Step("open_tree", "open_tree", (layout.root, ROOT), "Hold the union of the layers, to be its root.")]
    if layout.namespace:
        what = (layout.namespace, NET)
        steps.append(Step("open netns", "open", what, "Hold the network that was made for it."))
    for target, source in bound(spec, layout).items():
        why = f"Hold what becomes {target}: the host is not in sight from inside."
        steps.append(Step("open_tree", "open_tree", (source, target), why))
    return steps


def container(spec: ProcessSpec, user: User, layout: Layout) -> list[Step]:
    """The steps by which a process in a cell becomes a container's first, up to execve."""
    return [
        *_identity(spec, layout),
        *_root(spec, layout),
        *_mounts(spec, layout),
        *_hardening(spec),
        *_process(spec, user, layout),
    ]


def process(spec: ProcessSpec, user: User, layout: Layout) -> list[Step]:
    """The steps of another process in a running container (an exec), whose pidfd is held as `pid of`."""
    everything = sum(NAMESPACES.values()) - CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP
    return [
        Step("clone", "", (0,), "A process of its own, born in the container's pid namespace."),
        *join(layout.join),
        Step("setns", "join process", ("pid of", everything), "It sees what the container's processes see."),
        Step("setsid", "setsid", (), "Signals of the engine's terminal do not reach it."),
        *(terminal() if spec.tty else ()),
        bounded(allowed(spec)),
        *_process(spec, user, layout, another=True),
    ]


def _identity(spec: ProcessSpec, layout: Layout) -> Iterator[Step]:
    if layout.namespace:
        why = "Its network is what was made for it: interfaces, routes, ports."
        yield Step("setns net", "join namespace", (NET, CLONE_NEWNET), why)
    if "uts" not in spec.shared:
        yield Step("sethostname", "sethostname", (spec.hostname,), "The host name is the container's.")


def _root(spec: ProcessSpec, layout: Layout) -> Iterator[Step]:
    yield Step("mount root", "move_mount", (ROOT, "/root", False), "The union of the layers, where it can become root.")
    yield Step("pivot_root", "pivot_root", ("/root",), "The union of the layers becomes the root directory.")
    yield Step("mount /proc", "move_mount", (f"{CELL}/proc", "/proc", False), "What the cell had is handed on.")
    yield Step("mount /dev", "move_mount", (f"{CELL}/dev", "/dev", False), "What the cell had is handed on.")
    yield mount("sysfs", "/sys", HARDENED | MS_RDONLY, "", "The kernel's objects, to look at.")
    yield Step(
        "mount cgroup", "move_mount", (f"{CELL}/cgroup", "/sys/fs/cgroup", False), "What the cell had is handed on."
    )
    yield Step("umount cell", "umount2", (".", MNT_DETACH), "What is left of the cell is not needed any more.")
    yield Step("chdir /", "chdir", ("/",), "The working directory must not lie outside.")
    if spec.tty:
        yield from terminal()
        yield Step("mount console", "console", (), "The terminal is the console too.")


def bound(spec: ProcessSpec, layout: Layout) -> dict[str, str]:
    """What comes from the host, by target."""
    by_target = {mount.target: mount for mount in spec.mounts}
    bound = {target: mount.source for target, mount in by_target.items() if mount.kind != "tmpfs"}
    if spec.init:
        bound[INIT] = layout.init
    if spec.shared.get("ipc") == "":
        bound.setdefault(SHM, SHM)
    return bound | {target: source for target, source in layout.etc.items() if target not in by_target}


def join(files: Sequence[str]) -> Iterator[Step]:
    for path in files:
        yield Step("cgroup join", "write", (path, "0"), "What it uses counts against the container's limits.")


def mount(fstype: str, target: str, flags: int, data: str, why: str, source: str = "") -> Step:
    return Step(f"mount {fstype}", "mount", (source or fstype, target, fstype, flags, data), why)


def read_only(path: str) -> Step:
    return Step(f"read-only {path}", "read only", (path,), "It would change the whole machine.")


def masked(path: str) -> Step:
    return Step(f"mask {path}", "mask", (path,), "It tells of, or reaches, the whole machine.")


def allowed(spec: ProcessSpec) -> int:
    """The capabilities that the processes of a container may have."""
    return capabilities.DEFAULT if spec.capabilities is None else capabilities.mask(spec.capabilities)


def bounded(mask: int) -> Step:
    dropped = tuple(number for number in range(len(capabilities.NAMES)) if not mask >> number & 1)
    return Step(
        "drop bounding set", "drop bounding", (dropped,), "Not even a set-user-ID program gets these capabilities."
    )


def terminal() -> Iterator[Step]:
    yield Step(
        "open ptmx", "terminal", (0, 0), "A pseudo-terminal: the engine keeps the master, the process gets the slave."
    )


def _mounts(spec: ProcessSpec, layout: Layout) -> Iterator[Step]:
    """Volumes, binds, tmpfs and the engine's files of /etc, the ones nearer to the root first."""
    by_target = {mount.target: mount for mount in spec.mounts}
    targets = {*by_target, *bound(spec, layout)}
    for target in sorted(targets, key=lambda target: (target.count("/"), target)):
        if target in by_target:
            yield from _mount_point(by_target[target], layout)
        elif target == INIT:
            yield Step(
                "mount init", "move_mount", (target, target, True), "An init that reaps orphans and hands on signals."
            )
            yield Step(
                "remount init ro", "bind remount", (target, MS_RDONLY), "It is the host's: nobody may change it."
            )
        elif target == SHM:
            yield Step(f"mount {SHM}", "move_mount", (SHM, SHM, False), "Shared memory is the host's.")
        else:
            yield Step(
                f"mount {target}", "move_mount", (target, target, True), "The engine keeps this file up to date."
            )
            if spec.read_only:
                yield Step(f"remount {target} ro", "bind remount", (target, MS_RDONLY), "The container is read-only.")


def _mount_point(mount: MountPoint, layout: Layout) -> Iterator[Step]:
    target = mount.target
    if mount.kind == "tmpfs":
        flags, data = _tmpfs(mount)
        yield Step(
            "mount tmpfs",
            "mount",
            ("tmpfs", target, "tmpfs", flags, data),
            "Files that live in memory and end with it.",
        )
        return
    is_file = mount.source in layout.files
    why = "Its content outlives the container." if mount.kind == "volume" else "A piece of the host's filesystem."
    yield Step(f"mount {mount.kind}", "move_mount", (target, target, is_file), why)
    if mount.read_only:
        yield Step(f"remount {target} ro", "bind remount", (target, MS_RDONLY), "It was asked for read-only.")


def _tmpfs(mount: MountPoint) -> tuple[int, str]:
    """Flags and data for mount(2) of `--tmpfs` options; docker's default is nosuid,nodev,noexec."""
    flags = HARDENED | (MS_RDONLY if mount.read_only else 0)
    data = []
    for option in filter(None, mount.options.split(",")):
        if option in TMPFS_FLAGS:
            flags |= TMPFS_FLAGS[option]
        elif option in TMPFS_UNFLAGS:
            flags &= ~TMPFS_UNFLAGS[option]
        elif "=" in option:
            data.append(option)
    return flags, ",".join(data)


def _hardening(spec: ProcessSpec) -> Iterator[Step]:
    for name, value in (spec.sysctls or {}).items():
        path = f"/proc/sys/{name.replace('.', '/')}"
        yield Step(f"sysctl {name}", "write", (path, value), "A kernel parameter of its own namespaces.")
    if spec.sysctls:
        yield read_only(SYSCTLS)
    for path in MASKED:
        if not path.startswith("/proc"):
            yield masked(path)
    if spec.read_only:
        yield Step("remount / ro", "bind remount", ("/", MS_RDONLY), "The root filesystem was asked for read-only.")


def _process(spec: ProcessSpec, user: User, layout: Layout, *, another: bool = False) -> Iterator[Step]:
    """The end of every start: what the process has and may do, the container's first or `another`. Capabilities go
    last, as the steps need them."""
    for name, (soft, hard) in (spec.rlimits or {}).items():
        yield Step(f"setrlimit {name}", "setrlimit", (name, soft, hard), "A limit was asked for.")
    if spec.oom_score_adj:
        path, why = "/proc/self/oom_score_adj", "It is killed sooner or later than others when memory runs out."
        yield Step("oom_score_adj", "write", (path, str(spec.oom_score_adj)), why)
    yield Step("umask", "umask", (0o022,), "Whatever the engine's own was.")
    yield Step("dup2", "streams", (spec.tty,), "Standard input, output and error are the container's.")
    yield Step("close_range", "close", (), "No descriptor of the engine's leads out of the container.")
    if not another:
        yield Step("mkdir cwd", "mkdir", (spec.cwd,), "The working directory is made if it is missing.")
    yield Step("chdir", "chdir", (spec.cwd,), "Where the command starts.")
    if spec.no_new_privileges:
        why = "No set-user-ID program gives it more than it has."
        yield Step("prctl no_new_privs", "prctl", (PR_SET_NO_NEW_PRIVS, 1), why)
    if layout.seccomp:
        yield Step("seccomp", "seccomp", (layout.seccomp,), "Calls that no ordinary program needs fail.")
    yield Step("fchown streams", "own streams", (user.uid, user.gid), "The user may open its own streams again.")
    yield Step("setuid", "set ids", (user.uid, user.gid, user.groups), "The process runs as its user, with its groups.")
    kept = allowed(spec) if user.uid == 0 else 0
    yield Step("capset", "capset", (kept,), "Root in here has only these of root's powers.")
    argv = (INIT, "--", *spec.args) if spec.init else tuple(spec.args)
    environment = environment_of(spec, user)
    yield Step("look up command", "look path", (argv[0] if argv else "", environment.get("PATH", "")),
               "A command that is not there fails the start.")  # fmt: skip
    yield Step("execve", "", (argv, environment), "The process becomes the command.")


def environment_of(spec: ProcessSpec, user: User) -> dict[str, str]:
    """The variables of the process: those asked for, and after them HOME, as runc adds it where it is missing or
    empty."""
    given = dict(variable.partition("=")[::2] for variable in spec.env)
    given["HOME"] = given.get("HOME") or user.home
    return given


def wire(steps: Sequence[Step]) -> list[tuple[str, tuple[Any, ...]]]:
    """The steps as the fork server takes them."""
    return [(step.call, step.args) for step in steps]
