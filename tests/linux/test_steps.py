"""A container's start as data: read, compared and counted without root and without a machine."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdocker.backends import capabilities
from simdocker.backends.linux import cell, seccomp, steps
from simdocker.backends.linux.calls import CALLS
from simdocker.backends.linux.cell import Nest
from simdocker.backends.linux.cells import USUAL
from simdocker.backends.linux.cgroups import Cgroup, Hierarchies, Limits, find
from simdocker.backends.linux.failures import unprepared
from simdocker.backends.linux.steps import Layout, Step
from simdocker.backends.ports import DriverError, MountPoint, ProcessSpec
from simdocker.backends.users import User

ROOT = User(0, 0, (0,), "/root")
LAYOUT = Layout("/var/merged", "/run/netns/1", (), {"/etc/hosts": "/var/c/hosts"}, seccomp=b"8" * 16)
NEST = Nest("/var/containers", ["/sys/fs/cgroup/x/tasks"], ["cpu", "memory"])

mounts = st.builds(
    MountPoint, st.sampled_from(["bind", "volume", "tmpfs"]), st.just("/srv/data"),
    st.sampled_from(["/data", "/etc/hosts", "/a/b", "/tmp"]), st.booleans(),
    st.sampled_from(["", "size=1m,exec", "ro"]),
)  # fmt: skip
specs = st.builds(
    ProcessSpec,
    args=st.lists(st.text(min_size=1), min_size=1, max_size=3),
    env=st.lists(st.sampled_from(["PATH=/bin", "A=b", "EMPTY="])),
    cwd=st.sampled_from(["/", "/proc/self/fd/7", "/w/d"]),
    tty=st.booleans(),
    mounts=st.lists(mounts, max_size=4),
    read_only=st.booleans(),
    init=st.booleans(),
    capabilities=st.none() | st.frozensets(st.sampled_from(capabilities.NAMES)),
    shared=st.dictionaries(st.sampled_from(["pid", "ipc", "uts"]), st.just("")),
    rlimits=st.none() | st.just({"nofile": (10, 20)}),
)  # fmt: skip


def start(spec: ProcessSpec, layout: Layout = LAYOUT) -> list[Step]:
    """What is done in the container's process, the ahead part first."""
    return [*cell.cell(cell.recipe(spec, layout.namespace), NEST), *steps.container(spec, ROOT, layout)]


def index(plan: list[Step], call: str) -> int:
    return next(number for number, step in enumerate(plan) if step.call == call)


@given(specs)
def test_whatever_is_asked_for_a_start_shuts_itself_in_before_it_becomes_the_command(spec: ProcessSpec) -> None:
    plan = start(spec)
    assert plan[0].name.startswith("clone")
    assert plan[-1].name == "execve"
    order = ["pivot_root", "umount2", "drop bounding", "close", "seccomp", "set ids", "capset", "look path"]
    places = [index(plan, call) for call in order]
    assert places == sorted(places)
    assert plan[places[order.index("close")] + 1 :][1].call == "chdir", (
        "the working directory is entered once no descriptor leads out"
    )


@given(specs)
def test_nothing_of_the_host_is_named_once_the_cell_has_a_root_of_its_own(spec: ProcessSpec) -> None:
    plan = start(spec)
    after = plan[index(plan, "pivot_root") + 1 :]
    handed_in = {step.args[1] for step in steps.sources(spec, LAYOUT)}
    handed_on = {step.args[1] for step in plan if step.call == "open"}
    used = {step.args[0] for step in after if step.call in ("move_mount", "join namespace")}
    assert used == handed_in | handed_on
    assert not any("/srv" in str(step.args) or "/var" in str(step.args) for step in after[:-1])


@given(specs)
def test_what_is_asked_for_changes_the_cell_only_by_its_recipe(spec: ProcessSpec) -> None:
    usual = cell.recipe(spec, LAYOUT.namespace) == USUAL
    assert usual == (not spec.shared and steps.allowed(spec) == capabilities.DEFAULT)
    assert (cell.cell(cell.recipe(spec, LAYOUT.namespace), NEST) == cell.cell(USUAL, NEST)) == usual


@given(specs)
def test_every_step_has_a_call_that_exists_and_one_sentence_that_says_why(spec: ProcessSpec) -> None:
    plan = start(spec)
    assert all(step.call in CALLS for step in plan[1:-1])
    assert all(step.why.endswith((".", ":")) and step.why[0].isupper() for step in plan)


def test_the_default_start_hides_what_docker_hides() -> None:
    plan = start(ProcessSpec(["true"]))
    assert [step.args[0] for step in plan if step.call == "mask"] == list(steps.MASKED)
    assert [step.args[0] for step in plan if step.call == "read only"] == list(steps.READ_ONLY)
    assert next(step for step in plan if step.call == "capset").args == (capabilities.DEFAULT,)
    dropped = next(step for step in plan if step.call == "drop bounding").args[0]
    assert len(dropped) == len(capabilities.NAMES) - 14


def test_namespaces_shared_with_others_are_not_made() -> None:
    assert start(ProcessSpec(["true"]))[0].name == "clone newpid,newns,newuts,newipc"
    assert start(ProcessSpec(["true"], shared={"pid": "", "uts": ""}))[0].name == "clone newns,newipc"


def test_namespaces_of_another_container_are_joined() -> None:
    plan = start(ProcessSpec(["true"], shared={"ipc": "other"}))
    assert plan[0].name == "clone newpid,newns,newuts"
    joined = [step.args[0] for step in plan if step.call == "join process"]
    assert joined == ["ipc of"]
    assert ("shm", "/dev/shm", False) in [step.args for step in plan], "its shared memory is the other's"


def test_mounts_nearer_to_the_root_come_first() -> None:
    spec = ProcessSpec(["true"], mounts=[MountPoint("bind", "/s", "/a/b/c"), MountPoint("volume", "/s", "/a")])
    targets = [step.args[1] for step in start(spec) if step.call == "move_mount"]
    assert targets.index("/a") < targets.index("/a/b/c")


def test_another_user_than_root_keeps_no_capability() -> None:
    plan = steps.container(ProcessSpec(["true"]), User(33, 33, (33,), "/"), LAYOUT)
    assert next(step for step in plan if step.call == "capset").args == (0,)


V1 = "30 25 0:26 / /cg/memory rw - cgroup cgroup rw,memory\n31 25 0:27 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
V2 = "32 25 0:28 / /cg/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"


def test_the_kind_of_cgroups_is_seen_in_the_mounts() -> None:
    assert find(V1) == Hierarchies({"memory": "/cg/memory", "cpu": "/cg/cpu", "cpuacct": "/cg/cpu"}, "")
    assert find(V2) == Hierarchies({}, "/cg/unified")
    assert find(V1 + V2).v2 == "", "a hybrid machine's limits are those of v1"


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        (V1, [("/cg/memory/c/memory.limit_in_bytes", "1024"), ("/cg/cpu/c/cpu.cfs_period_us", "100000"),
              ("/cg/cpu/c/cpu.cfs_quota_us", "50000")]),
        (V2, [("/cg/unified/c/memory.max", "1024"), ("/cg/unified/c/memory.swap.max", "1024"),
              ("/cg/unified/c/cpu.max", "50000 100000")]),
    ],
)  # fmt: skip
def test_limits_are_written_where_each_version_has_them(mountinfo: str, expected: list[tuple[str, str]]) -> None:
    cgroup = Cgroup(find(mountinfo), "c")
    plan = cgroup.limit(Limits(1024, 500_000_000))
    assert [step.args for step in plan] == expected
    assert all(step.call == "write" for step in plan)
    assert cgroup.limit(Limits(1024, 500_000_000), Limits(1024, 500_000_000)) == []


def test_dockers_seccomp_profile_becomes_a_program_the_kernel_takes() -> None:
    pytest.importorskip("ctypes.util")
    filter = seccomp.program("default")
    assert len(filter) % 8 == 0
    assert 100 < len(filter) // 8 <= 4096, "BPF_MAXINSNS"
    assert seccomp.program("unconfined") == b""
    with pytest.raises(DriverError, match="Decoding seccomp profile failed"):
        seccomp.program("/nowhere")


def test_a_seccomp_profile_in_dockers_own_form_is_the_rules_for_this_machine() -> None:
    found = seccomp.document(
        """{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": null}],
        "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": null, "includes": {}, "excludes": {}},
            {"name": "write", "action": "SCMP_ACT_ALLOW"},
            {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["arm_sync"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm"]}},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["s390x"]}}]}"""
    )
    assert found["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert [rule["names"] for rule in found["syscalls"]] == [["read"], ["write"], ["clone"]]


def test_what_the_engine_could_not_prepare_is_told_in_runcs_words() -> None:
    group = Cgroup(Hierarchies({}, "/cg"), "c")
    words = {step.call: unprepared(step, errno.EPERM) for step in [*group.create(), *group.limit(Limits(pids=5))]}
    assert "mkdir /cg/c: operation not permitted" in words["mkdir"]
    assert "procHooks process: load program: operation not permitted" in words["keep devices"]
    assert 'failed to write "5": write /cg/c/pids.max: operation not permitted' in words["write"]
