"""The system calls that Python's os module lacks, through libc, each raising OSError.

Linux gives the calls from 424 on the same number on every architecture; they are made by number, as a
C library may not know them yet. Constants keep the names of the kernel's headers. The fork server
imports this too, so it imports next to nothing itself.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE, MS_STRICTATIME = 4096, 16384, 1 << 18, 1 << 24
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWPID, CLONE_NEWNET, CLONE_PARENT = 0x20000000, 0x40000000, 0x8000
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC = 1, 1
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6
MOUNT_ATTR_RDONLY = 1
RESOLVE_IN_ROOT = 0x10
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 22, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_SET_KEEPCAPS = 47, 4, 8
SECCOMP_MODE_FILTER = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522
SIGINT, SIGPIPE, SIGCHLD, SIGXFSZ = 2, 13, 17, 25

BPF_PROG_LOAD, BPF_PROG_ATTACH = 5, 8
BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI = 15, 6, 2

_BPF = {"x86_64": 321, "aarch64": 280}  # older than the common numbers
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _CLONE3, _OPENAT2 = 428, 429, 430, 431, 432, 435, 437

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_quick = ctypes.PyDLL(None, use_errno=True).syscall  # for what never waits: no other thread gets its turn meanwhile
_quick.restype = ctypes.c_long
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def _path(path: str | bytes | None) -> bytes | None:
    return path.encode(errors="surrogateescape") if isinstance(path, str) else path


def mount(source: str, target: str, fstype: str, flags: int, data: str = "") -> None:
    result = _libc.mount(_path(source), _path(target), _path(fstype), ctypes.c_ulong(flags), _path(data))
    _checked(result, target)


def umount2(target: str, flags: int) -> None:
    _checked(_libc.umount2(_path(target), flags), target)


def pivot_root(new: str, old: str) -> None:
    _checked(_libc.pivot_root(_path(new), _path(old)), new)


def setns(fd: int, flags: int) -> None:
    _checked(_libc.setns(fd, flags), "setns")


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), "unshare")


def prctl(option: int, *values: int) -> int:
    return _checked(_libc.prctl(option, *(*values, 0, 0, 0, 0)[:4]), "prctl")


def capset(mask: int, inheritable: int = 0) -> None:
    """Effective and permitted capabilities of this process become `mask` (capset(2))."""
    header = struct.pack("Ii", LINUX_CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = struct.pack("6I", low, low, inheritable & 0xFFFFFFFF, high, high, inheritable >> 32)
    _checked(_libc.capset(header, data), "capset")


class _Filter(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def seccomp(program: bytes) -> None:
    """Install a filter: `program` is a sequence of `struct sock_filter`."""
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(_Filter(len(program) // 8, program)))


def default_action(signal: int) -> None:
    """The signal does to this process what it does to most. The `signal` module imports more than this needs."""
    _libc.signal(signal, None)


def clone3(flags: int) -> int:
    """Fork with `flags` → the child's pid, 0 in the child. Only for a process with a single thread."""
    signal = 0 if flags & CLONE_PARENT else SIGCHLD  # the kernel refuses one with CLONE_PARENT: it is inherited
    arguments = struct.pack("11Q", flags, 0, 0, 0, signal, 0, 0, 0, 0, 0, 0)
    return _checked(_syscall(_CLONE3, arguments, ctypes.c_size_t(len(arguments))), "clone3")


def open_tree(path: str, flags: int) -> int:
    """A detached copy of the mount at `path`, as a descriptor."""
    return _checked(_syscall(_OPEN_TREE, AT_FDCWD, _path(path), flags | os.O_CLOEXEC), path)


def move_mount(fd: int, target: str) -> None:
    """Attach a detached mount at `target`."""
    _checked(_syscall(_MOVE_MOUNT, fd, b"", AT_FDCWD, _path(target), MOVE_MOUNT_F_EMPTY_PATH), target)


def fsopen(fstype: str) -> int:
    return _checked(_quick(_FSOPEN, _path(fstype), FSOPEN_CLOEXEC), fstype)


def fsconfig(fd: int, command: int, key: str | None = None, value: str | None = None) -> None:
    call = _syscall if command == FSCONFIG_CMD_CREATE else _quick
    _checked(call(_FSCONFIG, fd, command, _path(key), _path(value), 0), key or "create")


def fsmount(fd: int, attributes: int) -> int:
    return _checked(_syscall(_FSMOUNT, fd, FSMOUNT_CLOEXEC, attributes), "fsmount")


def openat2(directory: int, path: str, flags: int, resolve: int) -> int:
    how = struct.pack("3Q", flags | os.O_CLOEXEC, 0, resolve)
    return _checked(_syscall(_OPENAT2, directory, _path(path), how, ctypes.c_size_t(len(how))), path)


def bpf_prog_load(kind: int, program: bytes, license: bytes) -> int:
    """Have the kernel verify a program and keep it → its descriptor (bpf(2))."""
    code, words = ctypes.create_string_buffer(program, len(program)), ctypes.create_string_buffer(license)
    return _bpf(BPF_PROG_LOAD, struct.pack("IIQQ", kind, len(program) // 8, *map(ctypes.addressof, (code, words))))


def bpf_prog_attach(directory: int, program: int, where: int) -> None:
    """Attach a program to a cgroup, beside what others have attached there."""
    _bpf(BPF_PROG_ATTACH, struct.pack("4I", directory, program, where, BPF_F_ALLOW_MULTI))


def _bpf(command: int, attributes: bytes) -> int:
    number = _BPF.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "bpf")
    attributes = attributes.ljust(128, b"\0")  # what a kernel knows more of is left at 0
    return _checked(_syscall(number, command, attributes, ctypes.c_size_t(len(attributes))), "bpf")
