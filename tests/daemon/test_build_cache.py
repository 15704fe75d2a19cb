"""The layer cache: exactly when a step is found again, and when it is not."""

from __future__ import annotations

import pytest

from simdocker.content.changeset import Node, file
from tests.daemon.builds import Builder, Files

TEXT = "FROM busybox\nENV A=1\nCOPY a.txt /\nRUN echo $A >/r\n"
FILES = {"a.txt": "a\n"}
HIT = " ---> Using cache\n"


@pytest.fixture
def builder() -> Builder:
    builder = Builder()
    assert HIT not in builder.build(TEXT, FILES, t="first")
    return builder


def hits(builder: Builder, text: str = TEXT, files: Files = FILES, **query: str) -> int:
    said = builder.build(text, files, t="again", **query)
    assert "Successfully built" in said, said
    return said.count(HIT)


def test_the_same_build_is_found_whole(builder: Builder) -> None:
    assert hits(builder) == 3
    assert builder.image("again")["Id"] == builder.image("first")["Id"]


def later(text: str) -> Node:
    node = file(text)
    node.mtime = 10**18
    return node


@pytest.mark.parametrize(
    ("text", "files", "count"),
    [
        (TEXT.replace("A=1", "A=2"), FILES, 0),
        (TEXT.replace("ENV A=1", "ENV  A=1"), FILES, 3),  # the same once it is read
        (TEXT.replace("echo $A", "echo  $A"), FILES, 2),  # a command's text counts, its sense does not
        (TEXT, {"a.txt": "b\n"}, 1),
        (TEXT, {"a.txt": later("a\n")}, 3),  # times do not count
        (TEXT, {"a.txt": file("a\n", 0o600)}, 1),  # modes do
        (TEXT, {**FILES, "other": "x"}, 3),
        (TEXT.replace("/\nRUN", "/b\nRUN"), FILES, 1),
        (TEXT.replace("FROM busybox\n", "FROM busybox\nARG v\n"), FILES, 0),
        ("FROM busybox\nCOPY a.txt /\nENV A=1\nRUN echo $A >/r\n", FILES, 0),  # another order
    ],
    ids=("variable", "spaces", "command", "content", "time", "mode", "another file", "destination", "ARG", "order"),
)
def test_what_is_a_miss(builder: Builder, text: str, files: Files, count: int) -> None:
    assert hits(builder, text, files) == count


def test_after_a_miss_nothing_is_looked_for(builder: Builder) -> None:
    """Even a step that some image has over the same parent."""
    assert hits(builder, TEXT + "RUN true\n") == 3
    assert hits(builder, TEXT.replace("COPY", "RUN true\nCOPY")) == 1


def test_another_value_of_an_argument_is_a_miss_from_its_first_use_on(builder: Builder) -> None:
    text = "FROM busybox\nARG v\nENV B=1\nRUN echo $v\n"
    assert hits(builder, text, buildargs='{"v": "1"}') == 0
    assert hits(builder, text, buildargs='{"v": "1"}') == 3
    assert hits(builder, text, buildargs='{"v": "2"}') == 2


def test_no_cache_looks_for_nothing(builder: Builder) -> None:
    assert hits(builder, nocache="1") == 0


def test_a_removed_image_is_not_found(builder: Builder) -> None:
    builder.run("docker rmi first")
    assert hits(builder) == 0


def test_the_newest_of_several_matches_is_taken(builder: Builder) -> None:
    hits(builder, nocache="1")
    newest = builder.image("again")["Id"]
    assert hits(builder) == 3
    assert builder.image("again")["Id"] == newest


def test_cache_from_takes_a_pulled_image_for_its_history(builder: Builder) -> None:
    """An image that came from elsewhere has no parents here, but its history says how it was made."""
    image = builder.daemon.images.get("first")
    image.parent = None
    for below in [image for image in builder.daemon.images.store.all() if not image.names]:
        builder.daemon.images.store.remove(below)
    assert hits(builder, TEXT.replace("RUN", "LABEL x=y\nRUN"), cachefrom='["first"]') == 2
    assert hits(builder, cachefrom='["first", "nosuch"]') == 3
    assert builder.image("again")["Id"] == image.id


def test_a_step_found_again_takes_next_to_no_time(builder: Builder) -> None:
    env = builder.world.env

    def time(**query: str) -> int:
        before = env.now
        builder.build(TEXT, FILES, **query)
        return int(env.now) - before

    assert time(nocache="1") > 20 * time()
