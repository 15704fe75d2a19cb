"""docker-py's images in depth, on both backends: builds of every option, archives, names, histories, refusals."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.rich_world import tarred

docker = pytest.importorskip("docker")
pytestmark = pytest.mark.wide


@pytest.fixture
def client(engine: str) -> Iterator[Any]:
    found = docker.DockerClient(base_url=engine)
    yield found
    found.close()


def refusal(call: Any, *arguments: Any, **asked: Any) -> tuple[int, str]:
    with pytest.raises(docker.errors.APIError) as refused:
        call(*arguments, **asked)
    return refused.value.status_code, refused.value.explanation


def built(client: Any, text: str, **asked: Any) -> Any:
    return client.images.build(fileobj=io.BytesIO(text.encode()), rm=True, **asked)[0]


def said(lines: Any) -> str:
    return "".join(line.get("stream", "") for line in lines)


def test_every_instruction_leaves_its_mark(client: Any) -> None:
    image = built(
        client,
        """FROM busybox AS base
ARG V=1
ENV A=$V B="two words"
LABEL one=1 two="2 2"
MAINTAINER Ann
WORKDIR /a
WORKDIR b
RUN pwd > where && echo "$A|$B" >> where
SHELL ["/bin/sh", "-ec"]
RUN echo shell >> where
EXPOSE 80 53/udp
VOLUME ["/data", "/more"]
STOPSIGNAL SIGINT
USER 1000:1000
HEALTHCHECK --interval=1s --timeout=2s --start-period=3s --retries=4 CMD ["true"]
ONBUILD RUN echo later
ENTRYPOINT ["cat"]
CMD ["where"]
""",
        tag="marks:1",
    )
    config = image.attrs["Config"]
    assert {"A=1", "B=two words"} <= set(config["Env"]) and config["WorkingDir"] == "/a/b"
    assert config["Labels"] == {"one": "1", "two": "2 2"} and image.attrs["Author"] == "Ann"
    assert set(config["ExposedPorts"]) == {"80/tcp", "53/udp"} and set(config["Volumes"]) == {"/data", "/more"}
    assert (config["StopSignal"], config["User"], config["OnBuild"]) == ("SIGINT", "1000:1000", ["RUN echo later"])
    assert config["Healthcheck"] == {
        "Test": ["CMD", "true"], "Interval": 10**9, "Timeout": 2 * 10**9, "StartPeriod": 3 * 10**9, "Retries": 4,
    }  # fmt: skip
    assert (config["Entrypoint"], config["Cmd"], config["Shell"]) == (["cat"], ["where"], ["/bin/sh", "-ec"])
    assert client.containers.run("marks:1", remove=True) == b"/a/b\n1|two words\nshell\n"
    assert (image.attrs["Os"], image.attrs["Architecture"]) == ("linux", "amd64")
    assert len(image.history()) >= 17 and image.history()[0]["Tags"] == ["marks:1"]
    _, lines = client.images.build(fileobj=io.BytesIO(b"FROM marks:1\nUSER root\n"), tag="child")
    assert "Executing 1 build trigger" in said(lines) or "ONBUILD" in said(lines)


def test_the_cache_is_used_unless_told_otherwise(client: Any) -> None:
    text = b"FROM busybox\nRUN echo 1 > /one\nRUN echo 2 > /two\n"
    first, _ = client.images.build(fileobj=io.BytesIO(text), tag="cached")
    second, lines = client.images.build(fileobj=io.BytesIO(text))
    assert second.id == first.id and said(lines).count("Using cache") == 2
    third, lines = client.images.build(fileobj=io.BytesIO(text), nocache=True)
    assert third.id != first.id and "Using cache" not in said(lines)
    _, lines = client.images.build(fileobj=io.BytesIO(text), cache_from=["nobody:here"])
    assert "Using cache" not in said(lines)
    _, lines = client.images.build(fileobj=io.BytesIO(text), cache_from=["cached"])
    assert said(lines).count("Using cache") == 2
    _, lines = client.images.build(fileobj=io.BytesIO(text.replace(b"2", b"3")))
    assert said(lines).count("Using cache") == 1


def test_build_arguments_are_seen_where_they_are_declared(client: Any) -> None:
    text = "ARG BASE=nothing\nFROM $BASE\nARG A\nARG B=b\nRUN echo $A$B > /said\nCMD cat /said\n"
    image = built(client, text, buildargs={"BASE": "busybox", "A": "a"}, tag="args")
    assert client.containers.run("args", remove=True) == b"ab\n"
    assert any("|2 A=a B=b /bin/sh -c echo $A$B > /said" in step["CreatedBy"] for step in image.history())
    _, lines = client.images.build(fileobj=io.BytesIO(text.encode()), buildargs={"BASE": "busybox", "UNUSED": "x"})
    assert "[Warning] One or more build-args [UNUSED] were not consumed" in said(lines)


def test_a_context_of_ones_own_has_a_dockerfile_anywhere(client: Any) -> None:
    context = tarred({"sub/Dockerfile.x": "FROM busybox\nCOPY sub/a /a\nADD b /b/\n", "sub/a": "A", "b": "B"})
    image, _ = client.images.build(
        fileobj=io.BytesIO(context), custom_context=True, dockerfile="sub/Dockerfile.x", tag="own"
    )
    assert client.containers.run(image.id, "cat /a /b/b", remove=True) == b"AB"
    packed = io.BytesIO()
    import gzip

    with gzip.GzipFile(fileobj=packed, mode="wb") as zipped:
        zipped.write(context)
    packed.seek(0)
    image, _ = client.images.build(
        fileobj=packed, custom_context=True, encoding="gzip", dockerfile="sub/Dockerfile.x", quiet=False
    )
    assert image.id == client.images.get("own").id
    for dockerfile, words in (("nowhere", "Cannot locate specified Dockerfile: nowhere"),):
        status, told = refusal(
            client.images.build, fileobj=io.BytesIO(context), custom_context=True, dockerfile=dockerfile
        )
        assert status in (400, 500) and (words in told or "no such file or directory" in told)


def test_the_ignore_file_has_its_own_rules(client: Any, tmp_path: Any) -> None:
    for name in ("a.txt", "b.txt", "keep/c.txt", "keep/d.md", "tmp/e", "deep/er/f.log", "g.log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / ".dockerignore").write_text("# comment\n*.txt\n!b.txt\ntmp\n**/*.log\nDockerfile\n.dockerignore\n")
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY . /c\nCMD find /c -type f | sort\n")
    client.images.build(path=str(tmp_path), tag="ignored")
    found = client.containers.run("ignored", remove=True).decode().split()
    assert found == ["/c/b.txt", "/c/keep/c.txt", "/c/keep/d.md"]


def test_stages_and_targets(client: Any) -> None:
    text = (
        "FROM busybox AS one\nRUN echo 1 > /n\nFROM busybox AS two\nRUN echo 2 > /n\nFROM one\nCOPY --from=two /n /m\n"
    )
    built(client, text, tag="all")
    assert client.containers.run("all", "cat /n /m", remove=True) == b"1\n2\n"
    built(client, text, tag="second", target="two")
    assert client.containers.run("second", "cat /n", remove=True) == b"2\n"
    status, words = refusal(built, client, text, target="nowhere")
    assert status in (400, 500) and "failed to reach build target nowhere in Dockerfile" in words
    status, words = refusal_of_build(client, "FROM busybox\nCOPY --from=nobody-there:1 /n /m\n")
    assert "nobody-there" in words


def refusal_of_build(client: Any, text: str, **asked: Any) -> tuple[Any, str]:
    with pytest.raises((docker.errors.BuildError, docker.errors.APIError)) as refused:
        built(client, text, **asked)
    return refused.value, str(refused.value)


def test_a_build_that_fails_says_where(client: Any) -> None:
    for text, words in (
        ("FROM busybox\nRUN exit 7\n", "The command '/bin/sh -c exit 7' returned a non-zero code: 7"),
        ("FROM busybox\nCOPY nowhere /x\n", "nowhere"),
        ('FROM busybox\nRUN ["nothing"]\n', "executable file not found"),
        ("FROM busybox\nUSER\n", "USER requires exactly one argument"),
        ("FROM busybox\nEXPOSE what\n", "what"),
        ("RUN true\n", "no build stage in current context"),
        ("", "annot be empty"),
        ("FROM\n", "FROM requires either one or three arguments"),
    ):
        _, told = refusal_of_build(client, text)
        assert words in told, (text, told)
    lines = list(client.api.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo heard && false\n"), decode=True))
    assert "heard\n" in said(lines)
    assert lines[-1]["errorDetail"]["code"] == 1 and "returned a non-zero code: 1" in lines[-1]["error"]


def test_a_quiet_build_and_one_with_limits(client: Any) -> None:
    lines = list(client.api.build(fileobj=io.BytesIO(b"FROM busybox\nLABEL q=1\n"), quiet=True, decode=True))
    assert len([line for line in lines if "stream" in line]) == 1 and "sha256:" in said(lines)
    image = built(
        client, "FROM busybox\nRUN cat /etc/hosts > /h; hostname > /n\nRUN df /dev/shm > /shm\n", tag="limited",
        extra_hosts={"there": "192.0.2.9"}, network_mode="none", shmsize=5 << 20, labels={"x": "y"},
        container_limits={"memory": 64 << 20, "cpushares": 2}, forcerm=True, squash=False,
    )  # fmt: skip
    assert image.labels == {"x": "y"}
    assert b"192.0.2.9\tthere" in client.containers.run("limited", "cat /h", remove=True)
    assert b"5120" in client.containers.run("limited", "cat /shm", remove=True)
    aux = [line["aux"] for line in client.api.build(fileobj=io.BytesIO(b"FROM busybox\nLABEL q=2\n"), decode=True)
           if "aux" in line]  # fmt: skip
    assert aux and aux[-1]["ID"].startswith("sha256:")


def test_names_are_given_and_taken(client: Any) -> None:
    image = built(client, "FROM busybox\nLABEL n=1\n", tag="first:1")
    assert image.tag("second", tag="2") and image.tag("localhost:5000/a/b", "3") and image.tag("third")
    image.reload()
    assert set(image.tags) == {"first:1", "second:2", "localhost:5000/a/b:3", "third:latest"}
    assert [found.id for found in client.images.list("second")] == [image.id]
    assert client.images.list("second:9") == [] and client.images.list("nobody") == []
    assert [found.id for found in client.images.list(filters={"label": "n=1"})] == [image.id]
    assert image.id in [found.id for found in client.images.list(filters={"since": "busybox"})]
    assert image.id not in [found.id for found in client.images.list(filters={"before": "first:1"})]
    assert client.images.list(filters={"reference": ["first", "second:*"]})
    status, words = refusal(client.images.list, filters={"nonsense": "1"})
    assert status == 400 and "nvalid filter" in words
    assert refusal(image.tag, "BAD")[0] in (400, 500) and refusal(image.tag, "a", "b:c")[0] in (400, 500)
    assert refusal(client.api.tag, "nobody", "x")[0] == 404
    told = client.api.remove_image("second:2")
    assert told == [{"Untagged": "second:2"}]
    told = client.api.remove_image("first:1", force=True)
    assert told == [{"Untagged": "first:1"}]
    status, words = refusal(client.api.remove_image, image.id)
    assert status == 409 and "image is referenced in multiple repositories" in words
    told = client.api.remove_image(image.id, force=True)
    assert {"Deleted": image.id} in told and {"Untagged": "third:latest"} in told
    status, words = refusal(client.api.remove_image, "first:1")
    assert status == 404 and "No such image: first:1" in words
    assert refusal(client.images.get, "first:1")[0] == 404
    assert refusal(client.api.history, "nobody")[0] == 404


def test_children_keep_their_parents(client: Any) -> None:
    parent = built(client, "FROM busybox\nRUN echo p > /p\n", tag="parent")
    child = built(client, "FROM parent\nRUN echo c > /c\n", tag="child")
    assert child.attrs["Parent"] == parent.id
    told = client.api.remove_image("parent")
    assert told == [{"Untagged": "parent:latest"}]
    status, words = refusal(client.api.remove_image, parent.id)
    assert status == 409 and "image has dependent child images" in words
    assert client.containers.run("child", "cat /p /c", remove=True) == b"p\nc\n"
    assert parent.id in [found["Id"] for found in client.api.images(all=True)]
    box = client.containers.create("child", "true")
    status, words = refusal(client.api.remove_image, "child")
    assert status == 409 and f"container {box.id[:12]} is using its referenced image" in words
    assert client.api.remove_image("child", force=True)[0] == {"Untagged": "child:latest"}
    box.remove()
    child = built(client, "FROM busybox\nRUN echo p > /p\nRUN echo d > /d\n", tag="other")
    told = client.api.remove_image("other", noprune=True)
    assert {"Deleted": child.id} in told and {"Deleted": child.attrs["Parent"]} not in told


def test_archives_hold_what_they_are_asked_for(client: Any) -> None:
    one = built(client, "FROM busybox\nLABEL i=1\n", tag="one:1")
    one.tag("one", "also")
    two = built(client, "FROM busybox\nRUN echo 2 > /2\n", tag="two:2")
    one.reload()
    data = b"".join(one.save(named="one:also"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert entry["RepoTags"] == ["one:also"]
        config = json.load(tar.extractfile(entry["Config"]))  # type: ignore[arg-type]
        assert config["config"]["Labels"] == {"i": "1"} and len(config["rootfs"]["diff_ids"]) == len(entry["Layers"])
        assert all(layer in tar.getnames() for layer in entry["Layers"])
    data = b"".join(two.save(named=True))
    client.images.remove("two:2", force=True)
    assert [found.id for found in client.images.load(io.BytesIO(data))] == [two.id]
    lines = list(client.api.load_image(data))
    assert any("Loaded image: two:2" in line.get("stream", "") for line in lines)
    with pytest.raises(docker.errors.InvalidArgument):
        one.save(named="two:2")
    assert client.containers.run("two:2", "cat /2", remove=True) == b"2\n"
    with pytest.raises(docker.errors.NotFound):
        b"".join(client.api.get_image("nobody"))


def test_a_tar_becomes_an_image_with_changes(client: Any) -> None:
    data = tarred({"bin/x": "x", "etc/y": "y"})
    told = client.api.import_image_from_data(data, repository="imported", tag="2", changes=['CMD ["x"]', "ENV A=b"])
    assert json.loads(told.splitlines()[-1])["status"].startswith("sha256:")
    image = client.images.get("imported:2")
    assert image.attrs["Config"]["Cmd"] == ["x"] and "A=b" in image.attrs["Config"]["Env"]
    assert image.attrs["Parent"] == "" and len(image.history()) == 1
    assert refusal(client.api.import_image_from_data, b"this is no archive" * 100, repository="xx")[0] in (400, 500)


def test_pruning_goes_by_label_and_use(client: Any) -> None:
    image = built(client, "FROM busybox\nLABEL p=1\n", tag="pruned")
    assert client.images.prune(filters={"dangling": True})["ImagesDeleted"] is None
    box = client.containers.create("pruned", "true")
    kept = client.images.prune(filters={"dangling": False, "label": "p=1"})
    assert {"Deleted": image.id} not in (kept["ImagesDeleted"] or [])
    box.remove()
    assert client.images.prune(filters={"dangling": False, "label": "p=2"})["ImagesDeleted"] is None
    gone = client.images.prune(filters={"dangling": False, "label": "p=1"})
    assert {"Untagged": "pruned:latest"} in gone["ImagesDeleted"] and {"Deleted": image.id} in gone["ImagesDeleted"]
    assert isinstance(gone["SpaceReclaimed"], int)
    assert refusal(client.images.prune, filters={"nonsense": "1"})[0] == 400
    again = client.api.prune_builds()
    assert again["SpaceReclaimed"] >= 0


def test_a_pull_of_what_is_not_there_is_told(client: Any) -> None:
    with pytest.raises((docker.errors.NotFound, docker.errors.ImageNotFound, docker.errors.APIError)):
        client.images.pull("library/nothing-like-this", tag="1")
    status, words = refusal(client.images.pull, "BAD NAME")
    assert status == 400 and "invalid reference format" in words
    status, words = refusal(client.containers.create, "nothing-like-this:1", "true")
    assert status == 404 and "No such image: nothing-like-this:1" in words
    lines = list(client.api.push("localhost:1/nothing", stream=True, decode=True))
    assert any("error" in line for line in lines) or not lines
    assert refusal(client.api.inspect_distribution, "BAD NAME")[0] == 400
