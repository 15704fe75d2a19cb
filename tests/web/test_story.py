"""What a story tells of a run: on which host, in which step, what changed, and what for."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import pytest

from simdocker.errors import UserError
from simdocker.narration import from_file, narration
from simdocker.scenario.load import from_yaml
from simdocker.scenario.player import play
from simdocker.scenario.result import Run
from simdocker.trace import load
from simdocker.web.page import html, inert
from simdocker.web.story import Story
from simdocker.web.telling import Teller, of_records, of_run


def run(*lines: str, world: str = "") -> Run:
    steps = "".join(f"  - run: {json.dumps(line)}\n" for line in lines)
    return play(from_yaml(f"title: told\n{world}steps:\n{steps}", "told"))


def states(story: Story, until: str = "") -> dict[str, dict[str, Any]]:
    """Every object when the last event `until` has happened, as a page adds the changes up."""
    last = max((event.seq for event in story.events if event.what == until), default=len(story.events))
    found: dict[str, dict[str, Any]] = {}
    changes = list(story.start)
    for event in story.events[: last + 1]:
        changes += event.changes
    for key, what in changes:
        if what is None:
            for gone in [each for each, thing in found.items() if each == key or thing.get("of") == key]:
                del found[gone]
        else:
            found[key] = found.get(key, {}) | dict(what)
    return found


def test_a_container_is_told_with_its_network_its_port_and_its_layers() -> None:
    story = of_run(run("docker run -d --name web -p 8080:80 nginx"))
    world = states(story)
    web = world["container/web@laptop"]
    assert web["state"] == "running" and len(web["layers"]) == 7
    assert web["layers"] == world["image/nginx:latest@laptop"]["layers"]
    assert all(world[f"layer/{name}@laptop"]["state"] == "extracted" for name in web["layers"])
    endpoint = world["endpoint/container/web@laptop:172.17.0.2"]
    assert endpoint["of"] == "container/web@laptop" and endpoint["network"] == "network/bridge@laptop"
    assert world["port/laptop:8080/tcp"]["to"] == "172.17.0.2:80"


def test_what_a_container_has_goes_with_it() -> None:
    story = of_run(run("docker run -d --name web -p 8080:80 -v data:/data nginx", "docker rm -f web"))
    kinds = {thing["kind"] for thing in states(story).values()}
    assert kinds == {"host", "client", "daemon", "kernel", "registry", "image", "layer", "network", "volume"}
    assert "mount/container/web@laptop:/data" in states(story, "running")


def test_copy_up_new_files_and_whiteouts_are_told_when_they_happen() -> None:
    script = "echo x >> /etc/group; echo y >> /etc/group; rm /etc/shadow; echo z > /new"
    told = run(f"docker run --name box busybox sh -c '{script}'")
    steps = [(event.what, event.attrs.get("path")) for event in of_run(told).events if event.kind == "step"]
    assert [each for each in steps if each[0] in ("copy up", "whiteout", "create")] == [
        ("copy up", "/etc/group"),
        ("whiteout", "/etc/shadow"),
        ("create", "/new"),
    ]
    world = states(of_run(told))
    assert world["entry/container/box@laptop:/etc/group"]["how"] == "copy up"  # the layer outlives the process


def test_a_file_that_only_the_container_had_leaves_no_whiteout() -> None:
    world = states(of_run(run("docker run --name box busybox sh -c 'echo z > /new; rm /new'")))
    assert not [key for key in world if key.startswith("entry/")]


def test_images_are_known_by_every_name_until_the_last_is_gone() -> None:
    tagged = of_run(run("docker pull busybox", "docker tag busybox mine:1", "docker rmi busybox"))
    images = [key for key in states(tagged) if key.startswith("image/")]
    assert images == ["image/mine:1@laptop"]
    gone = of_run(run("docker pull busybox", "docker tag busybox mine:1", "docker rmi busybox mine:1"))
    assert not [key for key in states(gone) if key.startswith("image/")]


def test_a_committed_image_stands_on_its_parents_layers() -> None:
    world = states(of_run(run("docker run --name box busybox sh -c 'echo z > /new'", "docker commit box mine:2")))
    base, mine = (world[f"image/{name}@laptop"]["layers"] for name in ("busybox:latest", "mine:2"))
    assert mine[:-1] == base and len(mine) == len(base) + 1


def test_hosts_are_told_apart_by_who_handles_a_call() -> None:
    world = "world:\n  hosts: {laptop: {}, server: {}}\n"
    story = of_run(run("docker -H tcp://server:2375 run -d --name web busybox sleep 9", world=world))
    assert states(story)["container/web@server"]["state"] == "running"
    assert {event.host for event in story.events if event.kind == "step"} == {"server"}


def test_commands_at_the_same_time_keep_their_own_records() -> None:
    scenario = from_yaml("title: t\nsteps: [{parallel: [{run: docker pull nginx}, {run: docker pull redis}]}]", "t")
    story = of_run(play(scenario))
    pulls = [event for event in story.events if event.what == "POST /images/create"]
    assert [story.steps[event.step].line for event in pulls] == [
        f"docker pull {str(event.attrs['fromImage']).rpartition('/')[2]}" for event in pulls
    ]


def test_a_kept_trace_tells_the_same_as_the_run() -> None:
    played = run("docker run -d --name web nginx", "docker stop web")
    file = io.BytesIO()
    played.trace.dump(file)
    file.seek(0)
    story = of_records(load(file), title="kept")
    kept, told = (json.loads(msgspec.json.encode(each.events)) for each in (story, of_run(played)))
    assert kept == told


def test_a_story_grows_without_changing_what_was_told() -> None:
    played = run("docker run --rm busybox true")
    teller = Teller()
    told = []
    for record in played.trace.records:
        told.append(msgspec.json.encode(teller.add(record)))
    assert told == [msgspec.json.encode(event) for event in teller.story.events]
    assert teller.stale() == [0] and teller.stale() == []


def test_every_message_and_step_of_the_chapters_has_its_sentence() -> None:
    story = of_run(run("docker run -p 80:80 -v d:/d --name a nginx true", "docker network create lab", "docker rm a"))
    silent = {event.what for event in story.events if not event.why} - {"200"}
    assert silent == set()


def test_a_teacher_says_it_in_other_words(tmp_path: Any) -> None:
    path = tmp_path / "de.yaml"
    path.write_text('language: de\ncalls: {"HEAD /_ping": "ist da jemand?"}\npage: {play: abspielen}\n')
    texts = from_file(str(path))
    story = of_run(run("docker version"), texts=texts)
    assert next(event.why for event in story.events if event.what == "HEAD /_ping") == "ist da jemand?"
    page = html([story], texts=texts)
    assert '<html lang="de">' in page and "abspielen" in page
    assert narration().why("HEAD /_ping") != "ist da jemand?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "a table of texts has sections"),
        ("cals: {}", "there is no section 'cals'"),
        ("calls: 7", "here belong lines"),
        ("calls: {a: 7}", "a text is needed"),
        ("steps: {mount: 'x { y'}", "mount"),
        ("faults: {link: '{whom}'}", "{whom} is not known"),
        ("faults: {lnk: x}", "has no text 'lnk'"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_wrong_with_a_table_of_texts_is_one_sentence(tmp_path: Any, text: str, said: str) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        from_file(str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_in_a_story_ends_its_element() -> None:
    story = of_run(run("docker run busybox echo '</script><script>alert(1)</script><!--'"))
    page = html([story])
    assert page.count("</script") == 2 and "<!--" not in page
    assert json.loads(inert(json.dumps("</script>\u2028"))) == "</script>\u2028"
