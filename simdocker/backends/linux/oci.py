"""The same container as an OCI bundle: what `--runtime runc` hands to another executor.

`config` is a pure function, the twin of `steps.container`: where that lists the system calls, this says what should
come of them, in the words of the OCI runtime specification (config.json, version 1.0.2), as dockerd writes it.
"""

from __future__ import annotations

from simdocker.backends import capabilities
from simdocker.backends.linux import seccomp
from simdocker.backends.linux.cgroups import PERIOD, Limits
from simdocker.backends.linux.devices import RULES
from simdocker.backends.linux.steps import INIT, MASKED, READ_ONLY, Layout, bound, environment_of
from simdocker.backends.ports import MountPoint, ProcessSpec
from simdocker.backends.users import User

Json = dict[str, object]

VERSION = "1.0.2"
NAMESPACES = {"pid": "pid", "ns": "mount", "uts": "uts", "ipc": "ipc"}
GUARDED = ["nosuid", "noexec", "nodev"]


def config(spec: ProcessSpec, user: User, layout: Layout, limits: Limits, cgroup: str) -> Json:
    """config.json of a container in the cgroup of that path. Raises DriverError for an unreadable profile."""
    linux: Json = {
        "namespaces": _namespaces(spec, layout),
        "cgroupsPath": f"/{cgroup}",
        "resources": _resources(spec, limits),
        "maskedPaths": list(MASKED),
        "readonlyPaths": list(READ_ONLY),
    }
    if spec.sysctls:
        linux["sysctl"] = dict(spec.sysctls)
    if layout.seccomp:
        linux["seccomp"] = _seccomp(spec.seccomp)
    made: Json = {
        "ociVersion": VERSION,
        "process": _process(spec, user),
        "root": {"path": layout.root, "readonly": spec.read_only},
        "mounts": [*_kernel_mounts(spec), *_mounts(spec, layout)],
        "linux": linux,
    }
    return made | ({} if "uts" in spec.shared else {"hostname": spec.hostname})


def _process(spec: ProcessSpec, user: User) -> Json:
    mask = capabilities.DEFAULT if spec.capabilities is None else capabilities.mask(spec.capabilities)
    names = [f"CAP_{name}" for number, name in enumerate(capabilities.NAMES) if mask >> number & 1]
    kept = names if user.uid == 0 else []
    args = [INIT, "--", *spec.args] if spec.init else list(spec.args)
    others = [group for group in user.groups if group != user.gid]
    return {
        "terminal": spec.tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": others},
        "args": args,
        "env": [f"{name}={value}" for name, value in environment_of(spec, user).items()],
        "cwd": spec.cwd,
        "capabilities": {"bounding": names, "effective": kept, "permitted": kept},
        "rlimits": [
            {"type": f"RLIMIT_{name.upper()}", "soft": _limit(soft), "hard": _limit(hard)}
            for name, (soft, hard) in (spec.rlimits or {}).items()
        ],
        "noNewPrivileges": spec.no_new_privileges,
        "oomScoreAdj": spec.oom_score_adj,
    }


def _limit(value: int) -> int:
    return value if value >= 0 else (1 << 64) - 1


def _namespaces(spec: ProcessSpec, layout: Layout) -> list[Json]:
    own: list[Json] = [{"type": word} for name, word in NAMESPACES.items() if name not in spec.shared]
    own += [{"type": NAMESPACES[kind], "path": path} for kind, path in layout.shared.items()]
    own.append({"type": "cgroup"})
    if layout.namespace is not None:
        own.append({"type": "network", "path": layout.namespace} if layout.namespace else {"type": "network"})
    return own


def _resources(spec: ProcessSpec, limits: Limits) -> Json:
    """Limits and device rules, as the cgroup has them."""
    devices: list[Json] = [{"allow": False, "access": "rwm"}, *map(_device, RULES)]
    resources: Json = {"devices": devices}
    if limits.memory:
        resources["memory"] = {"limit": limits.memory, "swap": 2 * limits.memory}
    cpu: Json = {}
    if limits.nano_cpus:
        cpu |= {"period": PERIOD, "quota": limits.nano_cpus * PERIOD // 1_000_000_000}
    if spec.resources.cpus:
        cpu["cpus"] = ",".join(map(str, spec.resources.cpus))
    if spec.resources.cpu_shares:
        cpu["shares"] = spec.resources.cpu_shares
    if cpu:
        resources["cpu"] = cpu
    if limits.pids > 0:
        resources["pids"] = {"limit": limits.pids}
    return resources


def _device(rule: str) -> Json:
    """`c 1:3 rwm` in the specification's words."""
    kind, numbers, access = rule.split(" ")
    pairs = zip(("major", "minor"), numbers.split(":"), strict=True)
    return {"allow": True, "type": kind, "access": access} | {
        name: int(number) for name, number in pairs if number != "*"
    }


def _seccomp(profile: str) -> Json:
    return {key: value for key, value in seccomp.document(profile).items() if key != "about"}


def _kernel_mounts(spec: ProcessSpec) -> list[Json]:
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    return [
        _mount("/proc", "proc", "proc", GUARDED),
        _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", "devpts", pts),
        _mount("/sys", "sysfs", "sysfs", [*GUARDED, "ro"]),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*GUARDED, "ro"]),
        _mount("/dev/mqueue", "mqueue", "mqueue", GUARDED),
        _mount("/dev/shm", "tmpfs", "shm", [*GUARDED, "mode=1777", f"size={spec.shm_size}"]),
    ]


def _mounts(spec: ProcessSpec, layout: Layout) -> list[Json]:
    """Volumes, binds, tmpfs and the engine's files of /etc, the ones nearer to the root first."""
    made = {mount.target: _point(mount) for mount in spec.mounts}
    for target, source in bound(spec, layout).items():
        if target not in made:
            read_only = target == INIT or spec.read_only
            made[target] = _mount(target, "bind", source, ["rbind", "rprivate", *(["ro"] if read_only else [])])
    return [made[target] for target in sorted(made, key=lambda target: (target.count("/"), target))]


def _point(mount: MountPoint) -> Json:
    if mount.kind == "tmpfs":
        given = [option for option in mount.options.split(",") if option]
        return _mount(mount.target, "tmpfs", "tmpfs", [*GUARDED, *given, *(["ro"] if mount.read_only else [])])
    return _mount(mount.target, "bind", mount.source, ["rbind", "rprivate", *(["ro"] if mount.read_only else [])])


def _mount(target: str, fstype: str, source: str, options: list[str]) -> Json:
    return {"destination": target, "type": fstype, "source": source, "options": options}
