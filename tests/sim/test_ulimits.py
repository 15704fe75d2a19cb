"""Resource limits as processes meet them: `--ulimit`, the shell's `ulimit`, and the daemon's defaults."""

import pytest

from tests.sim.bare import run
from tests.sim.shell_lines import played


def sh(script):
    """(exit code, standard output, standard error) of a shell's script."""
    result = run(["sh", "-c", script])
    return result.exit, result.stdout.decode(), result.stderr.decode()


def test_a_limit_can_be_lowered_and_raised_up_to_the_hard_one():
    script = "ulimit -n 100; ulimit -Sn 20; ulimit -Sn 90; ulimit -n; ulimit -Hn; ulimit -n 200 || echo refused"
    assert sh(script) == (0, "90\n100\nrefused\n", "sh: error setting limit: Operation not permitted\n")


def test_children_inherit_limits_and_their_own_changes_stay_theirs():
    assert sh("ulimit -Sn 50; (ulimit -Sn 30; ulimit -n); sh -c 'ulimit -n'; ulimit -n")[1] == "30\n50\n50\n"


def test_a_shell_runs_out_of_descriptors():
    script = "ulimit -n 5; exec 3</etc/passwd; exec 4</etc/passwd; echo four; exec 5</etc/passwd; echo never"
    assert sh(script) == (1, "four\n", "sh: can't open /etc/passwd: Too many open files\n")
    assert sh("ulimit -n 3; cat /etc/passwd") == (1, "", "cat: can't open '/etc/passwd': Too many open files\n")
    assert sh("ulimit -n 11; echo a >/f; cat /f; ulimit -n 10; echo b >/f; echo never") == (1, "a\n", "")


def test_a_file_grows_no_further_than_fsize():
    grow = "dd if=/dev/zero of=/x bs=512 count=9; echo $?; stat -c %s /x"
    assert sh(f"ulimit -f 4; {grow}")[1:] == ("153\n2048\n", "File size limit exceeded\n")
    assert sh(f"ulimit -f 4; trap '' XFSZ; {grow}")[1] == "1\n2048\n"


def test_processor_time_ends_with_sigxcpu_at_the_soft_limit_and_sigkill_at_the_hard_one():
    loop = "while :; do :; done"
    assert sh(f"(ulimit -St 1; {loop}); echo $?")[1:] == ("152\n", "CPU time limit exceeded\n")
    assert sh(f"(ulimit -t 1; {loop}); echo $?")[1:] == ("137\n", "Killed\n")
    assert sh(f"(ulimit -St 1; trap 'echo caught; exit 3' XCPU; {loop}); echo $?")[1] == "caught\n3\n"


def test_processes_are_counted_for_each_user_whatever_container_they_are_in():
    steps = (
        "docker run -d --name first --user 4244 busybox sh -c 'sleep 100; :'",
        "docker run --rm --user 4244 --ulimit nproc=3 busybox sh -c 'ls -d /; echo never'",
        "docker run --rm --user 4245 --ulimit nproc=3 busybox sh -c 'ls -d /'",
        "docker run --rm --ulimit nproc=1 busybox sh -c 'ls -d /; echo root'",
    )
    results = played(*steps)[1:]
    assert [result.exit for result in results] == [2, 0, 0]
    assert results[0].stderr == "sh: can't fork: Resource temporarily unavailable\n"
    assert results[2].stdout == "/\nroot\n"


@pytest.mark.parametrize("limit", ["-v", "-d"])
def test_memory_past_a_limit_is_refused_and_nothing_is_killed(limit):
    out_of_memory = f"ulimit {limit} 20000; dd if=/dev/zero of=/dev/null bs=50M count=1; sort /dev/zero; echo $?"
    assert sh(out_of_memory) == (0, "2\n", "dd: out of memory\nsort: out of memory\n")
    assert sh(f"ulimit {limit} 20000; x=a; while :; do x=$x$x; done") == (1, "", "sh: out of memory\n")


def test_the_daemons_default_ulimits_hold_where_none_is_asked_for():
    world = {
        "hosts": {"laptop": {"daemon": {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 30, "Hard": 40}}}}}
    }
    script = "sh -c 'ulimit -n; ulimit -Hn'"
    results = played(
        f"docker run --rm busybox {script}", f"docker run --rm --ulimit nofile=20 busybox {script}", world=world
    )
    assert [result.stdout for result in results] == ["30\n40\n", "20\n20\n"]


def test_what_cannot_be_written_is_told_as_each_applet_tells_it():
    lines = "a\nb\n"
    said = {
        "cat /f": (1, "cat: write error: "),
        "head -n 1 /f": (0, "head: standard output: "),
        "sort /f": (0, "sort: standard output: "),
        "sed p /f": (0, ""),
        "ls /": (0, ""),
        "seq 3": (255, ""),
        "yes": (1, "yes: (null): "),
    }
    for command, (status, complaint) in said.items():
        result = run(["sh", "-c", f"{command} >/dev/full"], files={"/f": lines})
        expected = f"{complaint}No space left on device\n" if complaint else ""
        assert (result.exit, result.stderr.decode()) == (status, expected), command
