"""The drivers' contract: what the daemon may rely on, whichever machine it stands on."""

import pytest

from simdocker.backends.ports import MountPoint, StartFailed
from simdocker.content.changeset import Node, directory, file, put, whiteout


def test_a_container_runs_its_command_and_tells_its_exit_code(host):
    assert host.run("sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")


def test_a_signal_that_kills_makes_128_and_its_number(host):
    box = host.container("sleep", "60").start()
    box.runtime.signal(box.process, 9)
    assert box.wait() == 137
    box.remove()


def test_the_first_process_ignores_signals_it_does_not_handle(host):
    box = host.container(
        "sh", "-c", "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    ).start()
    box.until("ready")
    box.runtime.signal(box.process, 10)
    box.runtime.signal(box.process, 15)
    assert box.wait() == 5
    assert box.out == "ready\ncaught\n"
    box.remove()


def test_what_a_container_makes_of_its_own_layer_is_told(host):
    box = host.container("sleep", "60").start()
    told = [told_of_its_layer(host, box, line) for line in (
        "echo x >> /etc/passwd; rm /etc/group; mkdir -p /new/deep; touch /new/deep/file",
        "echo y >> /etc/passwd; rm -r /new; rm -r /home; mkdir /home; touch /home/file",
        "rm -f /etc/shadow; touch /etc/shadow /etc/group",
        "cat /etc/passwd",
    )]  # fmt: skip
    box.remove()
    assert told == [
        {("copy up", "/etc/passwd"), ("whiteout", "/etc/group"), ("create", "/new"), ("create", "/new/deep"),
         ("create", "/new/deep/file")},
        {("unlink", "/new/deep/file"), ("unlink", "/new/deep"), ("unlink", "/new"), ("whiteout", "/home"),
         ("create", "/home"), ("create", "/home/file")},
        {("whiteout", "/etc/shadow"), ("create", "/etc/shadow"), ("create", "/etc/group")},
        set(),
    ]  # fmt: skip


def told_of_its_layer(host, box, line):
    trace = host.machine.runtime.trace
    before = len(trace)
    assert box.exec("sh", "-c", line)[0] == 0
    steps = [record for record in trace.records[before:] if (record.attrs or {}).get("path")]
    assert all(record.attrs["container"] == box.id for record in steps)
    return {(record.what, record.attrs["path"]) for record in steps}


def test_standard_input_arrives_and_ends(host):
    assert host.run("cat", stdin=b"one\ntwo\n") == (0, "one\ntwo\n", "")


def test_without_standard_input_there_is_an_empty_one(host):
    assert host.run("wc", "-c") == (0, "0\n", "")


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (["nosuch"], 127, 'exec: "nosuch": executable file not found in $PATH'),
        (["/nosuch"], 127, 'exec: "/nosuch": stat /nosuch: no such file or directory'),
        (["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied'),
        (["/etc"], 126, 'exec: "/etc": permission denied'),
    ],
)
def test_a_command_that_cannot_be_executed_fails_the_start(host, command, code, text):
    with pytest.raises(StartFailed) as failure:
        host.run(*command)
    assert failure.value.exit_code == code
    assert text in failure.value.message


def test_a_file_that_execve_refuses_says_so_and_ends_with_1(host):
    put_in = file("just text\n", 0o755)
    host.does(host.machine.storage.apply("text", "busybox", put_tree("/bin/text", put_in), 10))
    assert host.run("text", chain="text") == (1, "", "exec /bin/text: exec format error\n")


def put_tree(path, node):
    tree = directory()
    put(tree, path, node)
    return tree


def test_an_exec_shares_the_containers_processes_files_and_host_name(host):
    box = host.container("sh", "-c", "echo here > /tmp/note; echo ready; sleep 60").start()
    box.until("ready")
    assert box.exec("sh", "-c", "cat /tmp/note; hostname; ls -d /proc/1; exit 4") == (4, "here\nbox\n/proc/1\n")
    with pytest.raises(StartFailed) as failure:
        box.exec("nosuch")
    assert failure.value.exit_code == 126
    box.remove()


def test_processes_are_numbered_from_1(host):
    assert host.run("sh", "-c", "echo $$") == (0, "1\n", "")


@pytest.mark.parametrize(
    ("user", "line"),
    [
        ("", "uid=0(root) gid=0(root) groups=0(root),10(wheel)"),
        ("www-data", "uid=33(www-data) gid=33(www-data) groups=33(www-data)"),
        ("1000", "uid=1000 gid=0(root) groups=0(root)"),
        ("1000:50", "uid=1000 gid=50(staff) groups=50(staff)"),
    ],
)
def test_a_user_is_looked_up_in_the_container(host, user, line):
    assert host.run("id", user=user) == (0, line + "\n", "")


def test_an_unknown_user_fails_the_start(host):
    with pytest.raises(StartFailed, match="unable to find user nobodyhere: no matching entries in passwd file"):
        host.run("id", user="nobodyhere")


def test_capabilities_are_dockers_default_fourteen(host):
    assert host.run("grep", "CapEff", "/proc/self/status") == (0, "CapEff:\t00000000a80425fb\n", "")
    assert host.run("grep", "CapEff", "/proc/self/status", user="33") == (0, "CapEff:\t0000000000000000\n", "")


def test_the_working_directory_is_made(host):
    assert host.run("pwd", cwd="/made/for/it") == (0, "/made/for/it\n", "")


def test_a_read_only_root_refuses_writes_but_tmpfs_takes_them(host):
    code, out, error = host.run(
        "sh", "-c", "echo x > /file; echo y > /scratch/file && cat /scratch/file",
        read_only=True, mounts=(MountPoint("tmpfs", "", "/scratch", options="size=1m"),),
    )  # fmt: skip
    assert (code, out) == (0, "y\n")
    assert error == "sh: can't create /file: Read-only file system\n"


def test_a_tmpfs_is_as_large_as_was_asked(host):
    code, out, _ = host.run(
        "sh", "-c", "dd if=/dev/zero of=/scratch/file bs=1k count=2048 2>/dev/null; wc -c < /scratch/file",
        mounts=(MountPoint("tmpfs", "", "/scratch", options="size=1m"),),
    )  # fmt: skip
    assert (code, out) == (0, "1048576\n")


def test_a_terminal_is_both_ways_and_has_a_size(host):
    box = host.container("sh", "-c", "tty; read line; echo got $line; stty size", tty=True, stdin=b"").start()
    box.until("/dev/pts/0\r\n")
    box.runtime.resize(box.process, 30, 100)
    box.typing.write(b"hello\n")
    assert box.wait() == 0
    assert box.out.split("\r\n") == ["/dev/pts/0", "hello", "got hello", "30 100", ""]
    box.remove()


def test_the_engines_files_of_etc_are_mounted_and_can_change(host):
    files = {
        "/etc/hosts": "127.0.0.1 localhost\n",
        "/etc/hostname": "box\n",
        "/etc/resolv.conf": "nameserver 1.1.1.1\n",
    }
    box = host.container("sh", "-c", "echo '9.9.9.9 mine' >> /etc/hosts; echo ready; sleep 60", etc_files=files).start()
    box.until("ready")
    box.runtime.rewrite_etc(box.id, files | {"/etc/hosts": "127.0.0.1 localhost\n10.0.0.2 db\n"})
    assert box.exec("cat", "/etc/hosts") == (0, "127.0.0.1 localhost\n9.9.9.9 mine\n10.0.0.2 db\n")
    assert box.exec("cat", "/etc/hostname") == (0, "box\n")
    box.remove()


def test_a_paused_container_stands_still(host):
    box = host.container("sh", "-c", "while :; do echo tick; sleep 0.01; done").start()
    box.until("tick")
    host.does(box.runtime.pause(box.id))
    host.rest(30_000_000)
    before = box.out
    host.rest(60_000_000)
    assert box.out == before
    host.does(box.runtime.resume(box.id))
    box.until("tick\n" * (before.count("tick") + 2))
    box.remove()


def test_a_process_that_takes_more_memory_than_it_may_is_killed(host):
    box = host.container("sh", "-c", "head -c 100000000 /dev/zero | tail", memory=16 << 20)
    code, _, _ = box.run()
    assert code != 0
    assert box.process.oom_killed
    box.remove()


def test_no_more_processes_than_allowed(host):
    code, _, error = host.run("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait", pids_limit=4)
    assert code != 0
    assert "fork" in error


def test_an_init_reaps_and_hands_on_the_status(host):
    code, out, _ = host.run("sh", "-c", "echo $$ > /dev/null; cat /proc/1/comm; exit 6", init=True)
    assert (code, out) == (6, "docker-init\n")


def test_limits_of_resources_are_set(host):
    assert host.run("sh", "-c", "ulimit -n", rlimits={"nofile": (100, 200)}) == (0, "100\n", "")


def test_shared_memory_has_its_size(host):
    code, out, _ = host.run("sh", "-c", "df -k /dev/shm | tail -1", shm_size=1 << 20)
    assert (code, out.split()[1]) == (0, "1024")


def test_a_diff_tells_what_was_added_changed_and_deleted(host):
    box = host.container("sh", "-c", "echo x > /new; echo y >> /etc/passwd; rm /etc/group; mkdir /d; echo z > /d/e")
    box.run()
    changes = [(change.path, change.kind) for change in host.machine.storage.changes(box.id)]
    assert changes == [("/d", 1), ("/d/e", 1), ("/etc", 0), ("/etc/group", 2), ("/etc/passwd", 0), ("/new", 1)]
    assert host.machine.storage.size(box.id) > 4
    box.remove()


def test_what_was_committed_is_what_a_new_container_sees(host):
    box = host.container("sh", "-c", "echo x > /new; rm /etc/group; rm -r /home; mkdir /home; echo h > /home/h")
    box.run()
    layer = host.machine.storage.changeset(box.id)
    box.remove()
    host.does(host.machine.storage.apply("committed", "busybox", layer, 10))
    code, out, _ = host.run("sh", "-c", "cat /new /home/h; ls /etc/group", chain="committed")
    assert (code, out) == (1, "x\nh\n")


def test_whiteouts_and_opaque_directories_hide_what_is_below(host):
    upper = directory()
    put(upper, "/etc/group", whiteout())
    spool = put(upper, "/var", directory())
    spool.opaque = True
    put(upper, "/var/only", file("o\n"))
    host.does(host.machine.storage.apply("hiding", "busybox", upper, 10))
    assert host.run("sh", "-c", "ls /var; test -e /etc/group || echo gone", chain="hiding") == (0, "only\ngone\n", "")


def test_the_engine_reads_and_writes_a_containers_files(host):
    box = host.container("sh", "-c", "ln -s /etc /link; mkdir /d")
    box.run()
    files = host.machine.storage.files(box.id)
    assert files.real("/link") == "/etc"
    assert files.find("/link").kind == "symlink"
    assert bytes(files.find("/link/passwd", follow=True).data).startswith(b"root:x:0:0")
    assert files.find("/d/nothing") is None
    node = file("new\n", 0o640)
    node.uid, node.mtime = 7, 1_000_000_000
    files.put("/d/new", node)
    files.own("/d/new").mode = 0o600
    found = files.find("/d/new")
    assert (found.mode, found.uid, found.mtime, bytes(found.data)) == (0o600, 7, 1_000_000_000, b"new\n")
    files.put("/d/hard", files.own("/d/new"))
    assert files.names("/d") == ["hard", "new"]
    files.remove("/d")
    assert files.find("/d") is None
    box.remove()


def test_the_trace_tells_the_same_story(host):
    before = len(host.machine.runtime.trace)
    host.run("true", memory=32 << 20)
    told = [record.what for record in host.machine.runtime.trace.records[before:] if record.kind == "step"]
    story = ["mount overlay", "mount proc", "pivot_root", "execve", "exit"]
    assert {*story} <= {*told}
    assert any(what.startswith("cgroup memory.") for what in told)
    assert told[-2:] == ["execve", "exit"]


def test_a_node_that_stays_the_same_is_one_file(host):
    tree, node = directory(), file("shared\n")
    put(tree, "/a", node)
    put(tree, "/b", node)
    assert isinstance(node, Node)
    node.nlink = 2
    host.does(host.machine.storage.apply("linked", "busybox", tree, 10))
    code, out, _ = host.run("sh", "-c", "stat -c %i /a /b", chain="linked")
    assert code == 0
    assert len(set(out.split())) == 1
