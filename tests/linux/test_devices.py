"""Which devices a container may use: the same rules on cgroup v1, which is written them, and on v2, which has a
program. Each is tried with real device nodes, made outside, by a process in the cgroup."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simdocker.backends.linux import cgroups, devices
from simdocker.backends.linux.cells import done_here
from simdocker.backends.linux.cgroups import Cgroup, Hierarchies
from tests.linux import hosts

pytestmark = [pytest.mark.root]

NAME = f"simdocker-devices-{os.getpid()}"
TRY = """
import os, sys
for join in sys.argv[2:]:
    with open(join, "w") as file: file.write("0")
def told(act):
    try: act()
    except OSError as error: return error.errno
    return 0
folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    print(name, told(lambda: os.close(os.open(f"{folder}/{name}", os.O_RDWR | os.O_NONBLOCK))))
print("mknod", told(lambda: os.mknod(f"{folder}/made", 0o020600, os.makedev(1, 11))))
print("opened", told(lambda: os.open(f"{folder}/made", os.O_RDONLY)))
"""
ALLOWED = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
DENIED = {"mem": (1, 1), "kmsg": (1, 11), "hwrng": (10, 183), "fuse": (10, 229), "loop": (-7, 0), "sda": (-8, 0)}
"""Major and minor numbers; the negative are block devices."""


def v1():
    base = cgroups.find(Path("/proc/self/mountinfo").read_text()).v1.get("devices")
    return Hierarchies({"devices": base}, "") if base else None


def v2():
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return next((Hierarchies({}, mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)


@pytest.fixture(params=[v1, v2], ids=["v1", "v2"])
def hierarchies(request):
    found = request.param()
    if found is None:
        pytest.skip(f"needs a mounted hierarchy of {request.param.__name__} that keeps devices")
    return found


def test_a_process_in_the_cgroup_opens_the_devices_that_docker_allows_and_no_other(hierarchies, tmp_path):
    for name, (major, minor) in {**ALLOWED, **DENIED}.items():
        kind = stat.S_IFBLK if major < 0 else stat.S_IFCHR
        os.mknod(tmp_path / name, kind | 0o600, os.makedev(abs(major), minor))
    cgroup = Cgroup(hierarchies, NAME)
    for _ in done_here(cgroup.create()):
        pass
    try:
        command = [sys.executable, "-c", TRY, str(tmp_path), *cgroup.join]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        cgroups.remove(NAME)
    results = {name: int(number) for name, number in map(str.split, told.splitlines())}
    assert {name for name, number in results.items() if number == errno.EPERM} == {*DENIED, "opened"}
    assert {name for name, number in results.items() if not number} == {*ALLOWED, "mknod"}


def test_a_container_on_a_machine_with_v2_alone_is_kept_from_devices(tmp_path, monkeypatch):
    if (hierarchies := v2()) is None:
        pytest.skip("needs cgroup v2 mounted")
    monkeypatch.setattr(cgroups, "here", lambda: hierarchies)
    host = hosts.real(tmp_path)
    try:
        script = (
            "mknod /k c 1 11 && echo made; head -c 1 /k; head -c 3 /dev/zero | wc -c; echo x >/dev/null && echo wrote"
        )
        code, out, err = host.run("sh", "-c", script)
        assert (code, out) == (0, "made\n3\nwrote\n"), err
        assert "Operation not permitted" in err
    finally:
        host.machine.close()


def test_a_rule_is_decided_as_the_v1_file_decides_it():
    """Reads that a rule allows do not let a write through."""
    code = devices.program(["c 1:3 r"])
    assert len(code) % devices.INSTRUCTION.size == 0
    allow = decided(code)
    assert allow("c", 1, 3, "r")
    assert not any(
        allow(*asked)
        for asked in [("c", 1, 3, "w"), ("c", 1, 3, "rw"), ("b", 1, 3, "r"), ("c", 2, 3, "r"), ("c", 1, 4, "r")]
    )
    assert not decided(devices.program([]))("c", 1, 3, "r")
    assert decided(devices.program(["b *:5 rwm"]))("b", 77, 5, "m")


def decided(code):
    """The program, run here as the kernel would."""
    listing = list(devices.INSTRUCTION.iter_unpack(code))

    def allow(kind, major, minor, access):
        wanted = sum(devices.ACCESS[letter] for letter in access)
        context = {0: wanted << 16 | devices.TYPES[kind], 4: major, 8: minor}
        registers, at = [0] * 7, 0
        while True:
            operation, both, jump, value = listing[at]
            target, source = both & 15, both >> 4
            at += 1
            match operation:
                case devices.LOAD:
                    registers[target] = context[jump]
                case devices.AND:
                    registers[target] &= value
                case devices.SHIFT_RIGHT:
                    registers[target] >>= value
                case devices.COPY:
                    registers[target] = registers[source]
                case devices.SET:
                    registers[target] = value
                case devices.JUMP_UNLESS_EQUAL:
                    at += jump if registers[target] != value else 0
                case devices.EXIT:
                    return bool(registers[devices.ANSWER])

    return allow
