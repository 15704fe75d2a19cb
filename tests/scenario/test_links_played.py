"""Links as a play shows them: they are a container's own, however alike two requests for containers are."""

from __future__ import annotations

from simdocker.scenario.load import from_lines
from simdocker.scenario.player import play


def test_a_link_that_is_removed_stays_with_the_next_container_that_asks_for_it() -> None:
    run = play(
        from_lines(
            """docker run -d --name db busybox sleep 1000
docker run -d --name web --link db:db busybox sleep 1000
docker rm --link /web/db
docker create --name other --link db:db busybox sleep 1000
docker inspect -f '{{.HostConfig.Links}}' web other""",
            "links",
        )
    )
    assert run.steps[-1].stdout == "[]\n[/db:/other/db]\n"


def test_a_broken_configuration_of_the_client_is_warned_of() -> None:
    run = play(from_lines("mkdir ~/.docker; echo '{' > ~/.docker/config.json\ndocker ps -q", "config"))
    assert run.steps[-1].exit == 0
    assert run.steps[-1].stderr == "WARNING: Error parsing config file (/root/.docker/config.json): unexpected EOF\n"


def test_only_a_link_can_be_removed_as_one() -> None:
    run = play(from_lines("docker create --name box busybox\ndocker rm --link box\ndocker rm --link nobody", "links"))
    assert run.steps[1].stderr == (
        "Error response from daemon: Conflict, cannot remove the default link name of the container\n"
    )
    assert run.steps[2].stderr == "Error response from daemon: No such container: nobody\n"
