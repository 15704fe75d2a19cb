"""Processes, signals, pipes and the freezer of a simulated kernel."""

import contextlib
import errno

import pytest

from simdocker.backends.sim.program import Exit
from tests.sim.bare import Bare

MS = 1_000_000


class Lab:
    """A container whose first process waits; `fork` runs a generator function as its child."""

    def __init__(self, **options):
        self.bare = Bare()
        self.env = self.bare.env
        self.running, self.written = self.bare.start(["sleep", "1000"], **options)
        self.init = self.running.process
        self.runtime = self.bare.machine.runtime

    def fork(self, main):
        return self.init.fork(main)

    def after(self, ms):
        self.env.run(until=self.env.now + int(ms * MS))

    def call(self, process):
        self.env.run(self.env.process(process))


@pytest.fixture
def lab():
    return Lab()


def sleeper(p):
    yield from p.sleep(10_000 * MS)
    return 7


def test_a_child_of_the_first_process_is_number_seven(lab):
    assert (lab.init.pid, lab.fork(sleeper).pid) == (1, 7)


def test_pid_1_ignores_from_inside_even_sigkill(lab):
    def main(p):
        for number in (9, 15, 19):
            p.kill(1, number)
        return 0
        yield

    child = lab.fork(main)
    lab.after(5)
    assert (child.status, lab.init.status, lab.init.stopped) == (0, None, False)


def test_pid_1_ignores_a_signal_from_outside_without_a_handler_and_dies_of_sigkill(lab):
    lab.runtime.signal(lab.running, 15)
    lab.after(5)
    assert lab.init.status is None
    lab.runtime.signal(lab.running, 9)
    assert lab.env.run(lab.running.exited) == 137


def test_when_pid_1_ends_all_of_its_namespace_are_killed(lab):
    child = lab.fork(sleeper)
    lab.after(1)
    lab.init.deliver(9)
    assert (child.status, lab.init.container.pids.processes) == (137, {})


def test_a_process_killed_before_its_first_step_never_runs(lab):
    ran = []

    def main(p):
        ran.append(1)
        return 0
        yield

    child = lab.fork(main)
    child.deliver(15)
    child.deliver(15)
    lab.after(5)
    assert (child.status, ran) == (143, [])


def test_a_process_killed_while_it_waits_on_a_pipe_gives_its_ends_back(lab):
    reader, writer = lab.init.pipe()

    def read(p):
        yield from p.read(0)

    child = lab.init.fork(read, fds={0: reader})
    reader.close()
    lab.after(1)
    child.deliver(9)
    assert writer.pipe.readers == 0


def test_a_writer_waits_while_the_pipe_is_full_and_dies_when_nobody_reads(lab):
    reader, writer = lab.init.pipe()

    def write(p):
        yield from p.write(1, bytes(100_000))
        return 0

    child = lab.init.fork(write, fds={1: writer})
    writer.close()
    lab.after(1)
    assert (len(reader.pipe.buffer), child.status) == (65536, None)
    reader.close()
    lab.after(1)
    assert child.status == 141


def test_a_process_that_ignores_sigpipe_gets_epipe(lab):
    reader, writer = lab.init.pipe()
    reader.close()
    seen = []

    def write(p):
        p.signal(13, "ignore")
        try:
            yield from p.write(1, b"x")
        except OSError as error:
            seen.append(error.errno)

    lab.init.fork(write, fds={1: writer})
    lab.after(1)
    assert seen == [errno.EPIPE]


def test_a_caught_signal_ends_a_sleep_early(lab):
    log = []

    def main(p):
        p.signal(15, "catch")
        log.append((yield from p.sleep(1000 * MS)))
        log.append(p.take_signals())
        log.append(p.clock.now)

    child = lab.fork(main)
    lab.after(10)
    now = lab.env.now
    child.deliver(15)
    lab.after(1)
    assert log == [False, [15], now]


def test_a_caught_signal_ends_a_wait_for_a_child_with_none(lab):
    log = []

    def main(p):
        p.signal(10, "catch")
        child = p.fork(sleeper)
        log.append((yield from p.wait(child)))
        p.take_signals()
        p.kill(child.pid, 15)
        log.append((yield from p.wait(child)))

    parent = lab.fork(main)
    lab.after(10)
    parent.deliver(10)
    lab.after(1)
    assert log == [None, 143]


def test_a_program_that_swallows_its_own_death_ends_all_the_same(lab):
    def main(p):
        with contextlib.suppress(Exit):
            p.kill(p.pid, 15)
        yield from p.sleep(1000 * MS)

    child = lab.fork(main)
    lab.after(1)
    assert child.status == 143


def test_a_stopped_process_goes_on_with_sigcont(lab):
    def main(p):
        yield from p.sleep(10 * MS)
        return 3

    child = lab.fork(main)
    lab.after(1)
    child.deliver(19)
    lab.after(50)
    assert (child.state, child.status) == ("T", None)
    child.deliver(18)
    lab.after(1)
    assert child.status == 3


def test_a_deadline_that_passes_in_the_freezer_ends_at_the_thaw(lab):
    def main(p):
        yield from p.sleep(10 * MS)
        return p.clock.now // MS % 250

    child = lab.fork(main)
    lab.after(1)
    lab.call(lab.runtime.pause("bare"))
    child.deliver(10)  # waits for the thaw as well
    lab.after(100)
    assert (child.state, child.status) == ("D", None)
    thawed = lab.env.now
    lab.call(lab.runtime.resume("bare"))
    assert child.status == 128 + 10 and lab.env.now == thawed


def test_a_frozen_process_can_be_killed(lab):
    child = lab.fork(sleeper)
    lab.after(1)
    lab.call(lab.runtime.pause("bare"))
    child.deliver(9)
    assert child.status == 137


def test_an_endless_computation_takes_time_and_can_be_killed(lab):
    def main(p):
        while True:
            yield from p.compute(1000)

    child = lab.fork(main)
    lab.after(20)
    assert 18 * MS <= child.cpu_ns <= 22 * MS
    assert child.state == "R"
    child.deliver(9)
    lab.after(5)
    assert child.status == 137


def test_half_a_cpu_makes_computing_take_twice_as_long():
    lab = Lab(nano_cpus=500_000_000)
    ended = []

    def main(p):
        start = p.clock.now
        yield from p.compute(10 * MS)
        ended.append(p.clock.now - start)

    lab.fork(main)
    lab.after(50)
    assert ended == [20 * MS]


def test_an_orphan_becomes_a_child_of_pid_1(lab):
    orphans = []

    def parent(p):
        orphans.append(p.fork(sleeper))
        return 0
        yield

    lab.fork(parent)
    lab.after(5)
    assert orphans[0].ppid == 1


def test_fork_fails_at_the_limit_of_processes():
    lab = Lab(pids_limit=2)
    lab.fork(sleeper)
    with pytest.raises(OSError) as caught:
        lab.fork(sleeper)
    assert caught.value.errno == errno.EAGAIN


def test_memory_beyond_the_limit_kills_the_largest_process():
    lab = Lab(memory=20 << 20)

    def main(p):
        while True:
            p.allocate(1 << 20)
            yield from p.compute(MS)

    child = lab.fork(main)
    lab.after(100)
    assert (child.status, lab.running.oom_killed, lab.init.status) == (137, True, None)


def test_init_hands_on_signals_and_its_childs_status():
    bare = Bare()
    running, _ = bare.start(["sleep", "1000"], init=True)
    bare.env.run(until=bare.env.now + 10 * MS)
    assert [(p.pid, p.comm) for p in running.process.processes()] == [(1, "docker-init"), (7, "sleep")]
    bare.machine.runtime.signal(running, 15)
    assert bare.env.run(running.exited) == 143


def test_a_script_runs_its_interpreter_and_a_plain_file_is_no_executable(lab):
    p = lab.init
    p.write_file("/s", "#!/bin/echo -n\n")
    p.write_file("/plain", "echo\n")
    for path in ("/s", "/plain"):
        p.chmod(path, 0o755)
    child = p.spawn(["/s", "a"])
    assert (child.argv, child.comm) == (["/bin/echo", "-n", "/s", "a"], "s")
    for path, number in (("/plain", errno.ENOEXEC), ("/etc", errno.EACCES), ("/nope", errno.ENOENT)):
        with pytest.raises(OSError) as caught:
            p.spawn([path])
        assert caught.value.errno == number


def test_a_zombie_stays_until_it_is_waited_for(lab):
    def main(p):
        child = p.fork(lambda q: q.sleep(0))
        yield from p.sleep(10 * MS)
        seen = [other.state for other in p.processes() if other is child]
        yield from p.wait(child)
        return 10 * len(seen) + (child in p.processes())

    child = lab.fork(main)
    lab.after(20)
    assert child.status == 10


def test_a_containers_process_is_one_of_the_host_under_another_number() -> None:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.player import play

    lines = [
        "docker run -d --name box busybox sleep 1000",
        "ps | grep -c '[s]leep 1000'",
        "pid=$(docker inspect -f '{{.State.Pid}}' box); grep '^Pid:' /proc/$pid/status; echo $pid",
        "docker exec box grep '^Pid:' /proc/1/status",
        "kill -TERM $pid; sleep 1; docker ps -q | wc -l",
        "kill -9 $pid; sleep 1; docker ps -a --format '{{.Status}}'",
        "docker run --rm busybox ps | wc -l",
    ]
    steps = play(Scenario.of({"title": "host", "steps": [{"run": line} for line in lines]})).steps
    assert steps[1].stdout == "1\n"
    in_proc, inspected = steps[2].stdout.split("\n")[:2]
    assert in_proc == f"Pid:\t{inspected}"
    assert steps[3].stdout == "Pid:\t1\n"
    assert steps[4].stdout == "1\n", "PID 1 of a namespace takes no signal it has no handler for"
    assert steps[5].stdout.startswith("Exited (137)")
    assert steps[6].stdout == "2\n", "a container sees its own processes alone"
