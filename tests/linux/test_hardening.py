"""What a container with default options cannot do to the machine it runs on."""

import os
import subprocess
from pathlib import Path

import pytest

from simdocker.backends.linux.steps import MASKED, READ_ONLY
from simdocker.backends.ports import MountPoint, ProcessSpec, StartFailed
from simdocker.content.changeset import directory, put, symlink


@pytest.mark.parametrize(
    "command",
    [
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /proc/sys",
        "umount /proc/kcore",
        "unshare -m true",
        "unshare -U true",
        "chroot /proc/1/root true && mount -t proc proc /proc",
        "echo 1 > /proc/sys/kernel/panic",
        "echo b > /proc/sysrq-trigger",
        "echo x > /sys/kernel/mm/ksm/run",
        "insmod /bin/busybox",
        "rmmod ext4",
        "hostname other",
        "adjtimex -f 1000000",
        "swapoff -a; swapon /bin/busybox",
        "reboot -f",
        "ls /proc/2147483000",
        "mknod /disk b 254 0 && dd if=/disk of=/dev/null count=1",
        "mknod /mem c 1 1 && dd if=/mem of=/dev/null count=1",
        "mknod /kmsg c 1 11 && dd if=/kmsg of=/dev/null count=1",
        "mkdir /sys/fs/cgroup/memory/mine",
        "ip link add dummy0 type dummy",
    ],
)
def test_default_options_forbid(linux, command):
    code, out, error = linux.run("sh", "-c", command)
    assert code != 0, out
    assert error


def test_root_in_a_container_still_has_roots_ordinary_powers(linux):
    code, out, error = linux.run("sh", "-c", "mkdir /d && chown 5:5 /d && su -s /bin/id www-data && chroot / true")
    assert (code, error) == (0, "")
    assert out.startswith("uid=33(www-data)")


def test_only_the_containers_processes_are_to_be_seen(linux):
    code, out, _ = linux.run("sh", "-c", "cd /proc; echo [0-9]*")
    assert (code, out) == (0, "1\n")


def test_masked_paths_are_empty(linux):
    files, folders = "/proc/kcore /proc/keys /proc/timer_list /proc/sched_debug", "/proc/acpi /proc/scsi /sys/firmware"
    script = f"cat {files} 2>/dev/null | wc -c; for d in {folders}; do ls -A $d 2>/dev/null; done"
    assert linux.run("sh", "-c", script)[1] == "0\n"
    assert linux.run("sh", "-c", "ls /proc/keys /sys/firmware")[0] == 0


@pytest.mark.parametrize("path", MASKED)
def test_a_masked_path_takes_nothing_and_tells_nothing(linux, path):
    """A file is /dev/null, a directory an empty one that cannot be written."""
    if not Path(path).exists():
        pytest.skip(f"this kernel has no {path}")
    if Path(path).is_dir():
        code, out, error = linux.run("sh", "-c", f"ls -A {path}; echo x > {path}/new")
        assert (code != 0, out) == (True, "")
        assert "Read-only file system" in error
    else:
        assert linux.run("sh", "-c", f"echo x > {path}; cat {path}") == (0, "", "")


@pytest.mark.parametrize("path", READ_ONLY)
def test_nothing_below_a_read_only_path_can_be_written_or_made_writable(linux, path):
    """Through the path, and through another way to it."""
    if not Path(path).exists():
        pytest.skip(f"this kernel has no {path}")
    refused = "(: > $file) 2>&1 | grep -qE 'Read-only|denied|nonexistent'"  # or gone since it was found
    script = (
        f"for file in $(find {path} -type f | head -n 300); do {refused} || echo $file; done"
        f"; mount -o remount,rw,bind {path}; umount {path}; (: > /proc/1/root{path}/new) 2>/dev/null && echo made"
    )
    _, out, error = linux.run("sh", "-c", script)
    assert out == ""
    assert error.count("ermission denied") + error.count("not permitted") == 2


def test_a_process_of_the_host_is_neither_seen_nor_reached_by_a_signal(linux):
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        script = f"ls -d /proc/{sleeping.pid}; kill -9 {sleeping.pid}"
        code, out, error = linux.run("sh", "-c", script)
        assert sleeping.poll() is None
        sleeping.kill()
    assert (code != 0, out) == (True, "")
    assert "No such process" in error


def test_memory_in_dev_shm_counts_against_the_limit(linux):
    code, _, _ = linux.run("sh", "-c", "dd if=/dev/zero of=/dev/shm/big bs=1M count=60", memory=16 << 20)
    assert code == 137


def test_what_an_exec_starts_counts_against_the_limit_of_processes(linux):
    box = linux.container("sleep", "60", pids_limit=4).start()
    code, out = box.exec("sh", "-c", "for i in 1 2 3 4 5 6; do sleep 1 & done; wait")
    box.remove()
    assert code != 0
    assert "can't fork" in out


@pytest.mark.parametrize(
    "command",
    [
        "mount -t tmpfs none /mnt",
        "unshare -m true",
        "insmod /bin/busybox",
        "echo 1 > /proc/sys/kernel/panic",
        "reboot -f",
    ],
)
def test_an_exec_is_forbidden_it_as_well(linux, command):
    box = linux.container("sleep", "60").start()
    code, out = box.exec("sh", "-c", command)
    box.remove()
    assert code != 0
    assert "ermi" in out or "Read-only" in out, out


def test_a_container_never_gets_hold_of_the_program_that_starts_an_exec_in_it(linux):
    """CVE-2019-5736: root in a container overwrote the host's runc through /proc/PID/exe of one on its way in."""
    watch = (
        "while :; do for exe in /proc/[0-9]*/exe; do case $(readlink $exe) in *python*) echo found; esac; done; done"
    )
    box = linux.container("sh", "-c", watch).start()
    long_way = "PATH=" + "/nowhere:" * 10_000 + "/bin"  # time to look at it, when it has dropped its powers already
    spec = ProcessSpec(("true",), env=(long_way,))

    def life():
        process = yield from box.runtime.exec(box.id, spec, lambda _fd, _data: None, None)
        return (yield process.exited)

    assert linux.does(life()) == 0
    box.remove()
    assert box.out == ""


def test_the_process_is_filtered_and_keeps_no_privileges_in_reserve(linux):
    _, out, _ = linux.run("grep", "-E", "Cap|Seccomp:|Groups", "/proc/self/status")
    fields = dict(line.split(":\t") for line in out.strip().split("\n"))
    assert fields["CapBnd"] == fields["CapPrm"] == fields["CapEff"] == "00000000a80425fb"
    assert fields["CapInh"] == fields["CapAmb"] == "0" * 16
    assert fields["Seccomp"] == "2"


def test_no_descriptor_of_the_engine_is_left_open(linux):
    code, out, _ = linux.run("sh", "-c", "ls /proc/self/fd")
    assert (code, out) == (0, "0\n1\n2\n3\n")  # 3 is the directory that ls reads
    box = linux.container("sleep", "60").start()
    assert box.exec("ls", "/proc/self/fd") == (0, "0\n1\n2\n3\n")
    box.remove()


@pytest.mark.parametrize("number", range(12))
def test_no_working_directory_leads_out_through_a_descriptor(linux, number):
    for path in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/../../.."):
        try:
            code, out, _ = linux.run("sh", "-c", "test -e ./proc/1/comm && cat ./etc/hostname; pwd -P", cwd=path)
        except StartFailed as failure:
            assert failure.exit_code in (126, 127, 128)
            continue
        assert os.uname().nodename not in out
        assert code == 0


def test_the_links_of_an_image_lead_no_mount_out_of_it(linux, tmp_path):
    tree = directory()
    put(tree, "/etc/hosts", symlink(f"/../../../../../../..{tmp_path}/hosts"))
    put(tree, "/data", symlink(f"../../../../../../../../..{tmp_path}/data"))
    linux.does(linux.machine.storage.apply("links", "busybox", tree, 10))
    source = tmp_path / "source"
    source.mkdir()
    (source / "note").write_text("mine\n")
    code, out, error = linux.run(
        "sh", "-c", f"cat /data/note; ls -d {tmp_path}/data", chain="links",
        etc_files={"/etc/hosts": "127.0.0.1 localhost\n"}, mounts=(MountPoint("bind", str(source), "/data"),),
    )  # fmt: skip
    assert (code, out, error) == (0, f"mine\n{tmp_path}/data\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_read_only_bind_cannot_be_written_nor_remounted(linux, tmp_path):
    code, _, error = linux.run(
        "sh", "-c", "echo x > /data/file; mount -o remount,rw /data",
        mounts=(MountPoint("bind", str(tmp_path), "/data", read_only=True),),
    )  # fmt: skip
    assert code != 0
    assert "Read-only file system" in error
    assert list(tmp_path.iterdir()) == []


def test_a_container_that_ends_leaves_no_mount_process_or_cgroup(linux):
    machine = linux.machine

    def mounted():
        return Path("/proc/self/mounts").read_text().count(machine.storage.directory(""))

    before = mounted()
    box = linux.container("sh", "-c", "sleep 77 & sleep 78 & echo ready; wait").start()
    box.until("ready")
    cgroup = machine.runtime._containers[box.id].cgroup
    assert len(cgroup.pids()) == 3
    assert mounted() > before
    box.remove()
    assert mounted() == before
    assert not any(map(os.path.exists, cgroup.directories))
    assert subprocess.run(["pgrep", "-f", "sleep 7[78]"], capture_output=True).returncode == 1
