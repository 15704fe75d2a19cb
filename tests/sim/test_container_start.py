"""How a container's first process starts, or fails to: the sentences of Docker Engine 20.10.24."""

import pytest

from simdocker.backends.ports import MountPoint, ProcessSpec, StartFailed
from tests.sim.bare import Bare, run

START = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
EXEC = "OCI runtime exec failed: exec failed: unable to start container process: "
WRONG_KIND = (
    "not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? "
    "Check if the specified host path exists and is the expected type"
)
SCRIPTS = {"/s2": "#!/bin/sh\necho script $0 $1\n", "/s3": "echo x\n", "/s1": "#!/nope\n", "/s5": ""}


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["nope"], 127, 'exec: "nope": executable file not found in $PATH: unknown'),
        (["/nope"], 127, 'exec: "/nope": stat /nope: no such file or directory: unknown'),
        (["./nope"], 127, 'exec: "./nope": stat ./nope: no such file or directory: unknown'),
        (["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied: unknown'),
        (["/etc"], 126, 'exec: "/etc": permission denied: unknown'),
        ([""], 127, 'exec: "": executable file not found in $PATH: unknown'),
        (["/etc/passwd/x"], 127, f'exec: "/etc/passwd/x": stat /etc/passwd/x: {WRONG_KIND}'),
    ],
)
def test_a_command_that_cannot_start(argv, code, message):
    assert run(argv) == (code, b"", (START + message).encode())


def test_a_user_who_may_not_look_is_denied():
    result = run(["/root/x"], user="1234")
    assert result.stderr.decode() == START + 'exec: "/root/x": stat /root/x: permission denied: unknown'


@pytest.mark.parametrize(
    ("path", "code", "out", "err"),
    [
        ("/s1", 1, b"", b"exec /s1: no such file or directory\n"),
        ("/s2", 0, b"script /s2 z\n", b""),
        ("/s3", 1, b"", b"exec /s3: exec format error\n"),
        ("/s5", 1, b"", b"exec /s5: exec format error\n"),
    ],
)
def test_what_execve_refuses_at_the_end_has_started(path, code, out, err):
    bare = Bare(SCRIPTS)
    layer = bare.machine.storage._chains["files"].layers[0]
    layer.children[path[1:]].mode = 0o755
    assert bare.run([path, "z"]) == (code, out, err)


@pytest.mark.parametrize(
    ("user", "uid", "gid", "groups", "home"),
    [
        ("", 0, 0, [0, 10], "/root"),
        ("daemon", 1, 1, [1], "/usr/sbin"),
        ("1", 1, 1, [1], "/usr/sbin"),
        ("1234", 1234, 0, [0], "/"),
        ("1234:55", 1234, 55, [55], "/"),
        (":5", 0, 5, [5], "/root"),
    ],
)
def test_whom_a_process_runs_as(user, uid, gid, groups, home):
    process = Bare().start(["sleep", "9"], user=user)[0].process
    assert (process.uid, process.gid, process.groups, process.env["HOME"]) == (uid, gid, groups, home)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("nosuch", "unable to find user nosuch: no matching entries in passwd file"),
        ("daemon:nosuch", "unable to find group nosuch: no matching entries in group file"),
        ("-5", "uids and gids must be in range 0-2147483647"),
        ("99999999999", "uids and gids must be in range 0-2147483647"),
    ],
)
def test_a_user_that_cannot_be(user, message):
    with pytest.raises(StartFailed) as caught:
        Bare().start(["id"], user=user)
    assert caught.value.args == (message, 128)


def test_a_working_directory_that_is_missing_is_made():
    assert run(["pwd"], cwd="/a/b").stdout == b"/a/b\n"


def test_a_directory_cannot_be_mounted_over_a_file():
    with pytest.raises(StartFailed) as caught:
        Bare().start(["true"], mounts=[MountPoint("bind", "/tmp", "/etc/passwd")])
    assert caught.value.message == (
        f'{START}error during container init: error mounting "/tmp" to rootfs at "/etc/passwd": '
        f"mount /tmp:/etc/passwd (via /proc/self/fd/6), flags: 0x5000: {WRONG_KIND}"
    )


def attempt(bare, *argv, cwd="/", user=""):
    """Run an exec in a started container → exit code, output; a failed start is its code and sentence."""
    written = []
    spec = ProcessSpec(argv, ["PATH=/bin"], cwd, user)

    def main():
        process = yield from bare.machine.runtime.exec("bare", spec, lambda fd, data: written.append(data), None)
        return (yield process.exited)

    try:
        return bare.env.run(bare.env.process(main())), b"".join(written).decode()
    except StartFailed as failed:
        return failed.exit_code, failed.message


@pytest.mark.parametrize(
    ("argv", "options", "message"),
    [
        (["nope"], {}, EXEC + 'exec: "nope": executable file not found in $PATH: unknown'),
        (["/nope"], {}, EXEC + 'exec: "/nope": stat /nope: no such file or directory: unknown'),
        (["/etc"], {}, EXEC + 'exec: "/etc": permission denied: unknown'),
        (["pwd"], {"cwd": "/nodir"}, EXEC + 'chdir to cwd ("/nodir") set in config.json failed: '
         "no such file or directory: unknown"),
        (["pwd"], {"cwd": "/etc/passwd"},
         EXEC + f'chdir to cwd ("/etc/passwd") set in config.json failed: {WRONG_KIND}'),
        (["pwd"], {"cwd": "rel"}, "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown"),
    ],
)  # fmt: skip
def test_an_exec_that_cannot_start_ends_with_126(argv, options, message):
    bare = Bare()
    bare.start(["sleep", "1000"])
    assert attempt(bare, *argv, **options) == (126, message)


def test_an_exec_joins_the_containers_processes():
    bare = Bare()
    bare.start(["sleep", "1000"])
    assert attempt(bare, "sh", "-c", "echo $$ $PPID $HOME; id -u", user="daemon") == (0, "7 0 /usr/sbin\n1\n")


def test_a_plain_start_writes_six_steps():
    bare = Bare()
    bare.trace.records.clear()
    bare.run(["true"])
    assert [record.what for record in bare.trace] == [
        "mount overlay", "clone newpid,newns,newuts,newipc,newnet", "mount proc", "pivot_root", "execve", "exit",
    ]  # fmt: skip


def test_top_shows_what_the_hosts_ps_does():
    bare = Bare()
    running, _ = bare.start(["sleep", "1000"])
    top = bare.machine.runtime.top
    titles, rows = top("bare", "-ef")
    assert titles == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert rows == [["root", str(running.pid), str(running.pid - 20), "0", "00:00", "?", "00:00:00", "sleep 1000"]]
    assert top("bare", "-o pid,comm") == (["PID", "COMMAND"], [[str(running.pid), "sleep"]])
    assert top("bare", "aux")[0] == "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND".split()
    for arguments, message in (
        ("-o comm", "Couldn't find PID field in ps output"),
        ("-zzz", "ps: error: unsupported SysV option"),
        ("--bogus", "ps: error: unknown gnu long option"),
    ):
        with pytest.raises(Exception, match=message):
            top("bare", arguments)
