"""What this machine can do of what a run needs: every ability is tried for real, in a child that goes away.

The child has namespaces of its own before it makes anything, so that its mounts, devices and rules end with
it. Without root it tries the same inside a user namespace, where it is root over what it makes.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from simdocker.backends.linux import cgroups, devices, nft, rtnetlink, seccomp, syscalls
from simdocker.backends.linux.programs import is_static, real_program
from simdocker.backends.linux.rootless import CLONE_NEWUSER, inside
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.ports import DriverError

NAMESPACES = {
    "mount": syscalls.CLONE_NEWNS, "pid": syscalls.CLONE_NEWPID, "network": syscalls.CLONE_NEWNET,
    "uts": syscalls.CLONE_NEWUTS, "ipc": syscalls.CLONE_NEWIPC, "cgroup": syscalls.CLONE_NEWCGROUP,
}  # fmt: skip
CONTROLLERS = {
    "memory": "--memory has no effect, and stats show none",
    "cpu": "--cpus has no effect",
    "pids": "--pids-limit has no effect",
    "cpuset": "--cpuset-cpus has no effect",
    "freezer": "docker pause does not work",
    "devices": "containers cannot be kept from the machine's devices, so none is started",
}
"""What limits containers, and what does not work without."""

LIMITS = {
    "memory": ("memory.limit_in_bytes", "memory.max", "67108864"), "cpu": ("cpu.cfs_quota_us", "cpu.max", "50000"),
    "pids": ("pids.max", "pids.max", "10"), "freezer": ("freezer.state", "cgroup.freeze", "THAWED"),
}  # fmt: skip
"""A file of each, by its v1 and its v2 name, and what to write into it."""

ENGINE_SOCKET = "/var/run/docker.sock"
HUB = ("registry-1.docker.io", 443)
MAC = "02:42:00:00:00:01"


class Check(NamedTuple):
    """An ability: `attempt` raises OSError when it is not there; `without` says what does not work then, and `mend`
    what to do. What is not `needed` only some scenarios use. `alone`: in a child with its own namespaces."""

    name: str
    attempt: Callable[[], None]
    without: str
    mend: str
    needed: bool = True
    alone: bool = True


class Finding(msgspec.Struct, frozen=True):
    """What came of a check; `problem`, `mend` and `without` are empty when it went well."""

    name: str
    works: bool
    needed: bool
    problem: str = ""
    mend: str = ""
    without: str = ""


def examine(data_root: str | None = None) -> list[Finding]:
    """Try everything. `data_root` is where containers' files would lie."""
    return [_tried(check) for check in _checks(data_root or tempfile.gettempdir())]


def lacking(data_root: str | None = None) -> list[Finding]:
    """What a run needs and this machine has not."""
    checks = [check for check in _checks(data_root or tempfile.gettempdir()) if check.needed]
    return [finding for finding in map(_tried, checks) if not finding.works]


def rootless() -> bool:
    """Whether a run would have only what a user namespace gives."""
    return os.geteuid() != 0 or inside()


def _checks(data_root: str) -> list[Check]:
    return [
        *([Check("user namespace", lambda: None, NO_CONTAINER, USERNS)] if rootless() else []),
        *(Check(f"{name} namespace", _unshares(flag), NO_CONTAINER, KERNEL) for name, flag in NAMESPACES.items()),
        Check(f"overlay on {data_root}", lambda: _overlay(data_root), "no image's layers can be united to a root "
              "directory", "give a --data-root on ext4, xfs (made with ftype=1) or tmpfs"),
        *(
            Check(f"{name} cgroup", _controls(name), without, CGROUPS, needed=not rootless(), alone=False)
            for name, without in CONTROLLERS.items()
        ),
        Check("bridge", lambda: _links(rtnetlink.add_bridge("sd0", MAC)), "containers have no network but none and "
              "host", "load the module: modprobe bridge"),
        Check("veth", lambda: _links(rtnetlink.add_wire("sd0", "sd1")), "containers cannot be plugged into a bridge",
              "load the module: modprobe veth"),
        Check("nat", _nat, "no port can be published", NFT),
        Check("seccomp", _seccomp, "containers run with --security-opt seccomp=unconfined only",
              "a kernel with CONFIG_SECCOMP_FILTER, and the package libseccomp2", needed=False),
        Check("busybox", _busybox, "images have no shell and no commands",
              "install the package busybox-static", alone=False),
        Check("bash", _bash, "the lines of a scenario have no shell to run in", "install the package bash",
              alone=False),
        Check("Docker Engine", _engine, "`--backend engine` and `compare` have nothing to "
              "talk to", "start dockerd, or name a running one with --host or DOCKER_HOST", needed=False, alone=False),
        Check("Docker Hub", _hub, "nothing: scenarios bring their own registry", "a way to the internet", needed=False,
              alone=False),
    ]  # fmt: skip


NO_CONTAINER = "no container can be started"
KERNEL = (
    "run on a kernel that has it; where this is itself a container, it must be allowed to (docker run --privileged)"
)
USERNS = "allow it: sysctl user.max_user_namespaces=10000, on Debian and Ubuntu kernel.unprivileged_userns_clone=1 too"
NFT = "install nftables (libnftables1), and load the modules: modprobe -a nf_tables nft_chain_nat"
CGROUPS = (
    "mount the controller (v1), or have it passed down: echo +NAME >> cgroup.subtree_control of the group above (v2)"
)


def _tried(check: Check) -> Finding:
    problem = _in_child(check.attempt) if check.alone else _outcome(check.attempt)
    if not problem:
        return Finding(check.name, True, check.needed)
    return Finding(check.name, False, check.needed, problem, check.mend, check.without)


def _outcome(attempt: Callable[[], None]) -> str:
    """What went wrong, "" when nothing did."""
    try:
        attempt()
    except OSError as error:
        return (error.strerror or str(error)) + (f": {error.filename}" if error.filename else "")
    except DriverError as error:
        return str(error.args[0])
    return ""


def _here(attempt: Callable[[], None]) -> None:
    attempt()


def _in_child(attempt: Callable[[], None], place: Callable[[Callable[[], None]], None] | None = None) -> str:
    """The outcome in a child; `place` is where it tries, by default in namespaces of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        problem = "it crashed"
        try:
            problem = _outcome(lambda: (place or _go_alone)(attempt))
        finally:
            os.write(writing, problem.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as report:
        problem = report.read()
    os.waitpid(child, 0)
    return problem


def _go_alone(attempt: Callable[[], None]) -> None:
    if os.geteuid() != 0:
        user, group = os.geteuid(), os.getegid()
        syscalls.unshare(CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET)
    syscalls.mount("", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    attempt()


def _unshares(flag: int) -> Callable[[], None]:
    return lambda: syscalls.unshare(flag)


def _overlay(data_root: str) -> None:
    """Mount one as images need it: what is written goes to the upper directory, a removed file leaves a whiteout
    there, and a directory marked as opaque hides the one below."""
    place = Path(tempfile.mkdtemp(prefix="simdocker-doctor-", dir=data_root))
    xattr, more = ("user", ",userxattr") if rootless() else ("trusted", "")
    try:
        for name in ("lower/hidden", "upper/hidden", "work", "merged"):
            (place / name).mkdir(parents=True)
        for name in ("lower/old", "lower/hidden/below"):
            (place / name).write_text("there")
        _do("mark a directory as opaque", lambda: os.setxattr(place / "upper/hidden", f"{xattr}.overlay.opaque", b"y"))
        options = f"lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work{more}"
        _do("mount", lambda: syscalls.mount("overlay", f"{place}/merged", "overlay", 0, options))
        try:
            _do("write", lambda: (place / "merged/file").write_text("there"))
            _do("leave a whiteout", lambda: (place / "merged/old").unlink())
            if not (place / "upper/file").exists() or not stat.S_ISCHR((place / "upper/old").lstat().st_mode):
                raise OSError("what was written did not reach the upper directory")
            if list((place / "merged/hidden").iterdir()):
                raise OSError("an opaque directory does not hide the one below")
        finally:
            syscalls.umount2(f"{place}/merged", syscalls.MNT_DETACH)
    finally:
        shutil.rmtree(place)


def _do(what: str, attempt: Callable[[], object]) -> None:
    """Raises OSError that says what could not be done."""
    try:
        attempt()
    except OSError as error:
        raise OSError(f"it cannot {what}: {error.strerror}") from None


def _controls(controller: str) -> Callable[[], None]:
    """Make a cgroup where the controller is, set a limit, and have a child join."""

    def attempt() -> None:
        found = cgroups.find(Path("/proc/self/mountinfo").read_text())
        v1 = found.v1.get(controller)
        parent = v1 or found.v2
        if not parent:
            raise OSError("no mounted hierarchy has this controller")
        if not v1 and controller in cgroups.V2_CONTROLLERS:
            given = Path(parent, "cgroup.subtree_control").read_text().split()
            have = Path(parent, "cgroup.controllers").read_text().split()
            if controller not in {*given, *have}:
                raise OSError(f"{parent} has only {' '.join(have) or 'none'}")
        group = Path(parent, f"simdocker-doctor-{os.getpid()}")
        _do(f"make a group in {parent}", group.mkdir)
        try:
            if controller in LIMITS and (v1 or (group / LIMITS[controller][1]).exists()):
                file = group / LIMITS[controller][0 if v1 else 1]
                value = "0" if file.name == "cgroup.freeze" else LIMITS[controller][2]
                _do(f"set {file.name}", lambda: file.write_text(value))
            if controller == "devices" and not v1:
                _do("keep it from devices by a BPF program", lambda: devices.attach(str(group), devices.RULES))
            if controller != "cpuset":  # nobody may join one that has no processors yet
                problem = _in_child(lambda: _do("be joined", lambda: (group / "cgroup.procs").write_text("0")), _here)
                if problem:
                    raise OSError(problem)
        finally:
            for _ in range(100):  # the child is a moment in leaving
                with suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.01)

    return attempt


def _links(message: rtnetlink.Message) -> None:
    with closing(RtNetlink()) as netlink:
        netlink.do(message)


def _nat() -> None:
    with closing(nft.Nft()) as rules:
        rules.run(nft.BRIDGES.format(table="simdocker-doctor"))


def _seccomp() -> None:
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.seccomp(seccomp.program("default"))


def _busybox() -> None:
    busybox = real_program("busybox")
    if busybox is None:
        raise OSError("there is no busybox on the PATH")
    if not is_static(busybox):
        raise OSError("it is not static: no image has the libraries it wants")


def _bash() -> None:
    if shutil.which("bash") is None:
        raise OSError("there is no bash on the PATH")


def _engine() -> None:
    address = os.environ.get("DOCKER_HOST") or f"unix://{ENGINE_SOCKET}"
    kind, _, where = address.partition("://")
    try:
        if kind == "unix":
            with socket.socket(socket.AF_UNIX) as engine:
                engine.settimeout(2)
                engine.connect(where)
        else:
            name, _, port = where.rpartition(":")
            socket.create_connection((name, int(port)), timeout=2).close()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OSError(f"nothing answers at {address} ({why})") from None


def _hub() -> None:
    try:
        socket.create_connection(HUB, timeout=2).close()
    except OSError as error:
        raise OSError(f"{HUB[0]} cannot be reached ({error.strerror or error})") from None
