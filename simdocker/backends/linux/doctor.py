"""What this machine can do of what a run needs: every ability is tried for real, in a child that goes away.

The child has namespaces of its own before it makes anything, so that its mounts, devices and rules end with
it. Without root it tries the same inside a user namespace, where it is root over what it makes.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from simdocker.backends.linux import cgroups, nft, rtnetlink, seccomp, syscalls
from simdocker.backends.linux.programs import is_static, real_program
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.ports import DriverError

NAMESPACES = {
    "mount": syscalls.CLONE_NEWNS, "pid": syscalls.CLONE_NEWPID, "network": syscalls.CLONE_NEWNET,
    "uts": syscalls.CLONE_NEWUTS, "ipc": syscalls.CLONE_NEWIPC, "cgroup": syscalls.CLONE_NEWCGROUP,
}  # fmt: skip
CLONE_NEWUSER = 0x10000000
CONTROLLERS = ("memory", "cpu", "pids", "cpuset", "freezer")
ENGINE_SOCKET = "/var/run/docker.sock"
HUB = ("registry-1.docker.io", 443)
MAC = "02:42:00:00:00:01"


class Check(NamedTuple):
    """An ability: `attempt` raises OSError when it is not there, and `mend` is what to do then. What is not
    `needed` only some scenarios use. `alone`: in a child with its own namespaces."""

    name: str
    attempt: Callable[[], None]
    mend: str
    needed: bool = True
    alone: bool = True


class Finding(msgspec.Struct, frozen=True):
    """What came of a check; `problem` and `mend` are empty when it went well."""

    name: str
    works: bool
    needed: bool
    problem: str = ""
    mend: str = ""


def examine(data_root: str | None = None) -> list[Finding]:
    """Try everything. `data_root` is where containers' files would lie."""
    return [_tried(check) for check in _checks(data_root or tempfile.gettempdir())]


def lacking(data_root: str | None = None) -> list[Finding]:
    """What a run needs and this machine has not."""
    checks = [check for check in _checks(data_root or tempfile.gettempdir()) if check.needed]
    return [finding for finding in map(_tried, checks) if not finding.works]


def rootless() -> bool:
    """Whether a run would have only what a user namespace gives."""
    return os.geteuid() != 0


def _checks(data_root: str) -> list[Check]:
    kernel = "a kernel with it, or a container engine's --privileged where this is itself a container"
    nft_missing = "install nftables (libnftables), and load the modules nf_tables and nf_nat"
    return [
        *(Check(f"{name} namespace", _unshares(flag), kernel) for name, flag in NAMESPACES.items()),
        Check(f"overlay on {data_root}", lambda: _overlay(data_root), "a --data-root on ext4, xfs or tmpfs"),
        *(
            Check(f"{name} cgroup", _controls(name), _CGROUP_MEND, needed=not rootless(), alone=False)
            for name in CONTROLLERS
        ),
        Check("bridge", lambda: _links(rtnetlink.add_bridge("sd0", MAC)), "modprobe bridge"),
        Check("veth", lambda: _links(rtnetlink.add_wire("sd0", "sd1")), "modprobe veth"),
        Check("nat", _nat, nft_missing),
        Check("seccomp", _seccomp, "a kernel with CONFIG_SECCOMP_FILTER, and libseccomp", needed=False),
        Check("busybox", _busybox, "apt install busybox-static: scenario images are built from it", alone=False),
        Check("Docker Engine", _engine, "start dockerd, or name one with --host", needed=False, alone=False),
        Check("Docker Hub", _hub, "nothing: scenarios bring their own registry", needed=False, alone=False),
    ]


_CGROUP_MEND = "mount the controller (v1), or have the parent group delegate it in cgroup.subtree_control (v2)"


def _tried(check: Check) -> Finding:
    problem = _in_child(check.attempt) if check.alone else _outcome(check.attempt)
    return Finding(check.name, not problem, check.needed, problem, check.mend if problem else "")


def _outcome(attempt: Callable[[], None]) -> str:
    """What went wrong, "" when nothing did."""
    try:
        attempt()
    except OSError as error:
        return error.strerror or str(error)
    except DriverError as error:
        return str(error.args[0])
    return ""


def _in_child(attempt: Callable[[], None]) -> str:
    """The outcome in a child with namespaces of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        problem = "it crashed"
        try:
            problem = _outcome(lambda: _go_alone(attempt))
        finally:
            os.write(writing, problem.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as report:
        problem = report.read()
    os.waitpid(child, 0)
    return problem


def _go_alone(attempt: Callable[[], None]) -> None:
    if rootless():
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
    """Mount one, write through it, and look where the file went."""
    place = Path(tempfile.mkdtemp(prefix="simdocker-doctor-", dir=data_root))
    try:
        for name in ("lower", "upper", "work", "merged"):
            (place / name).mkdir()
        options = f"lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work"
        syscalls.mount("overlay", f"{place}/merged", "overlay", 0, options)
        try:
            (place / "merged/file").write_text("there")
            if not (place / "upper/file").exists():
                raise OSError("what was written did not reach the upper directory")
        finally:
            syscalls.umount2(f"{place}/merged", syscalls.MNT_DETACH)
    finally:
        shutil.rmtree(place)


def _controls(controller: str) -> Callable[[], None]:
    """Make a cgroup where the controller is."""

    def attempt() -> None:
        found = cgroups.find(Path("/proc/self/mountinfo").read_text())
        parent = found.v1.get(controller) or found.v2
        if not parent:
            raise OSError("no mounted hierarchy has this controller")
        group = Path(parent, f"simdocker-doctor-{os.getpid()}")
        group.mkdir()
        try:
            if found.v2 and controller in cgroups.V2_CONTROLLERS:
                given = Path(parent, "cgroup.controllers").read_text().split()
                if controller not in given:
                    raise OSError(f"{parent} has only {' '.join(given)}")
        finally:
            group.rmdir()

    return attempt


def _links(message: rtnetlink.Message) -> None:
    with closing(RtNetlink()) as netlink:
        netlink.do(message)


def _nat() -> None:
    with closing(nft.Nft()) as rules:
        rules.run(nft.BRIDGES.format(table="simdocker-doctor"))


def _seccomp() -> None:
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.seccomp(seccomp.program(""))


def _busybox() -> None:
    busybox = real_program("busybox")
    if busybox is None:
        raise OSError("there is no busybox on the PATH")
    if not is_static(busybox):
        raise OSError("it is not static: no image has the libraries it wants")


def _engine() -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(2)
        engine.connect(os.environ.get("DOCKER_HOST", ENGINE_SOCKET).removeprefix("unix://"))


def _hub() -> None:
    socket.create_connection(HUB, timeout=2).close()
