"""nginx's master and its workers: one for each processor unless the configuration says otherwise."""

from __future__ import annotations

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play

WORLD = {"hosts": {"laptop": {"cpus": 3}}}
TOP = "docker top web -o pid,args | grep -c worker"


def outputs(*lines: str) -> list[str]:
    steps = [{"run": line} for line in ("docker run -d --name web nginx", "sleep 1", *lines)]
    run = play(Scenario.of({"title": "nginx", "world": WORLD, "steps": steps}))
    return [step.stdout for step in run.steps[2:]]


def test_there_is_a_worker_for_each_processor() -> None:
    assert outputs(TOP, "docker stats --no-stream --format '{{.PIDs}}' web") == ["3\n", "4\n"]


def test_a_reload_reads_the_configuration_again_and_replaces_the_workers() -> None:
    counted, log = outputs(
        "docker exec web sed -i 's/worker_processes .*/worker_processes 5;/' /etc/nginx/nginx.conf",
        f"docker exec web nginx -s reload 2>&1 | cut -d' ' -f3-; sleep 1; {TOP}",
        "docker logs web 2>&1 | grep -c 'exited with code 0'",
    )[1:]
    assert counted.endswith(": signal process started\n5\n")
    assert log == "3\n"


def test_a_killed_worker_has_a_successor() -> None:
    assert outputs("kill -9 $(docker top web -o pid | tail -n 1)", TOP, "docker inspect -f '{{.State.Status}}' web",
                   "docker logs web 2>&1 | grep -c 'exited on signal 9'") == [
        "", "3\n", "running\n", "1\n"]  # fmt: skip


def test_it_names_the_kernel_that_everything_else_names() -> None:
    said, told, engine = outputs("docker logs web 2>&1 | sed -n 's/.*OS: Linux //p'", "uname -r",
                                 "docker info -f '{{.KernelVersion}}'")  # fmt: skip
    assert said == told == engine
