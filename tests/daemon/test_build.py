"""`docker build` as the classic builder of a real Engine 20.10 does it: every sentence was asked of one."""

from __future__ import annotations

import gzip
import re

import pytest

from simdocker.content import archive
from simdocker.content.changeset import directory, file, symlink
from tests.daemon.builds import Builder

FILES = {
    "a.txt": "a\n",
    "b.txt": "b\n",
    "d": directory(),
    "d/e": directory(),
    "d/e/g": "x\n",
    "d/f": "hi\n",
    "l": symlink("a.txt"),
}


@pytest.fixture(scope="module")
def builder() -> Builder:
    return Builder()


def without_ids(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{12}\b", "<id>", text)


def test_each_step_is_told_as_docker_tells_it(builder: Builder) -> None:
    said = builder.build("FROM busybox\nRUN echo out; echo err >&2\nENV A=b\nCOPY a.txt /x/\n", FILES, t="told")
    assert without_ids(said) == (
        "Step 1/4 : FROM busybox\n ---> <id>\n"
        "Step 2/4 : RUN echo out; echo err >&2\n ---> Running in <id>\n"
        "out\n\x1b[91merr\n\x1b[0mRemoving intermediate container <id>\n ---> <id>\n"
        "Step 3/4 : ENV A=b\n ---> Running in <id>\nRemoving intermediate container <id>\n ---> <id>\n"
        "Step 4/4 : COPY a.txt /x/\n ---> <id>\n"
        "Successfully built <id>\nSuccessfully tagged told:latest\n"
    )


EVERYTHING = r"""# syntax=docker/dockerfile:1
FROM busybox
ARG v=1
LABEL a=b "c d"="e f" g='h'
ENV X=1 Y="a b" Z=a\ b
ENV old style  value
WORKDIR /app
WORKDIR sub
USER nobody
EXPOSE 80 443/tcp 53/udp 9000-9001
VOLUME /data /x
VOLUME ["/y"]
CMD echo hi
ENTRYPOINT ["a", "b\"c"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --retries=2 CMD echo ok
HEALTHCHECK NONE
SHELL ["/bin/sh", "-xc"]
USER root
RUN echo $v
ONBUILD RUN echo triggered
ONBUILD COPY a.txt /t/
MAINTAINER me <me@x>
COPY a.txt b.txt /t/
COPY --chown=1:2 d /d
COPY l /l
COPY *.txt /w/
"""


def test_history_and_configuration_are_those_of_a_real_engine(builder: Builder) -> None:
    """The hashes too: they are tarsums of the copied files."""
    assert "Note: overriding previous HEALTHCHECK: [CMD-SHELL echo ok]\n" in builder.build(EVERYTHING, FILES, t="all")
    nop = "/bin/sh -c #(nop) "
    assert builder.history("all")[:-2] == [
        "/bin/sh -xc #(nop) COPY multi:59e3963f5e7d6137120d6afcd1a6ca6a02dfe35f6ed41d7b8cbee2bf80896577 in /w/ ",
        "/bin/sh -xc #(nop) COPY file:a596f0888def06c3cad1442667ede22d419985a1c8a3155b838b650c4cf52ecc in /l ",
        "/bin/sh -xc #(nop) COPY --chown=1:2"
        "dir:1417ddbbbb1862ef6adf7480f8d51fd1cca37f6e5a0d092a78606f275a1c7ca0 in /d ",
        "/bin/sh -xc #(nop) COPY multi:59e3963f5e7d6137120d6afcd1a6ca6a02dfe35f6ed41d7b8cbee2bf80896577 in /t/ ",
        "/bin/sh -xc #(nop)  MAINTAINER me <me@x>",
        "/bin/sh -xc #(nop)  ONBUILD COPY a.txt /t/",
        "/bin/sh -xc #(nop)  ONBUILD RUN echo triggered",
        "|1 v=1 /bin/sh -xc echo $v",
        "/bin/sh -xc #(nop)  USER root",
        "/bin/sh -xc #(nop)  SHELL [/bin/sh -xc]",
        nop + ' HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}',
        nop + ' HEALTHCHECK &{["CMD-SHELL" "echo ok"] "30s" "0s" "0s" \'\\x02\'}',
        nop + " STOPSIGNAL SIGINT",
        nop + ' ENTRYPOINT ["a" "b\\"c"]',
        nop + ' CMD ["/bin/sh" "-c" "echo hi"]',
        nop + " VOLUME [/y]",
        nop + " VOLUME [/data /x]",
        nop + " EXPOSE 443/tcp 53/udp 80 9000-9001",
        nop + " USER nobody",
        nop + "WORKDIR /app/sub",
        nop + "WORKDIR /app",
        nop + " ENV old=style  value",
        nop + " ENV X=1 Y=a b Z=a b",
        nop + " LABEL a=b c d=e f g=h",
        nop + " ARG v=1",
    ]
    image = builder.image("all")
    config = {key: value for key, value in image["Config"].items() if value and key != "Image"}
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert config == {
        "User": "root",
        "ExposedPorts": {port: {} for port in ("443/tcp", "53/udp", "80/tcp", "9000/tcp", "9001/tcp")},
        "Env": [path, "X=1", "Y=a b", "Z=a b", "old=style  value"],
        "Entrypoint": ["a", 'b"c'],
        "Cmd": ["/bin/sh", "-c", "echo hi"],
        "Volumes": {"/data": {}, "/x": {}, "/y": {}},
        "WorkingDir": "/app/sub",
        "Labels": {"a": "b", "c d": "e f", "g": "h"},
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["NONE"], "Interval": 30_000_000_000, "Retries": 2},
        "OnBuild": ["RUN echo triggered", "COPY a.txt /t/"],
        "Shell": ["/bin/sh", "-xc"],
    }
    assert image["Author"] == "me <me@x>"
    assert image["ContainerConfig"]["Cmd"][:2] == ["/bin/sh", "-xc"]
    assert image["Parent"].startswith("sha256:") and image["DockerVersion"]


def test_triggers_run_when_an_image_is_built_upon(builder: Builder) -> None:
    builder.build("FROM busybox\nONBUILD RUN echo triggered >/t\nONBUILD COPY a.txt /\n", t="trigger")
    said = builder.build("FROM trigger\nRUN cat /t /a.txt", FILES, t="triggered")
    assert "# Executing 2 build triggers\n" in said and "\ntriggered\na\n" in said
    assert builder.image("triggered")["Config"]["OnBuild"] is None


FROM = "FROM busybox\n"


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ("RUN false", "The command '/bin/sh -c false' returned a non-zero code: 1"),
        ('RUN ["sh", "-c", "echo a b; exit 3"]', "The command 'sh -c echo a b; exit 3' returned a non-zero code: 3"),
        ("USER nosuch\nRUN id", "unable to find user nosuch: no matching entries in passwd file"),
        ("EXPOSE abc", "Invalid containerPort: abc"),
        ("STOPSIGNAL foo", "Invalid signal: foo"),
        ("ENV a=${b:?err}", 'failed to process "${b:?err}": b: err'),
        ("RUN --mount=type=cache x", "the --mount option requires BuildKit. Refer to "
         "https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled"),
        ("COPY x y", "COPY failed: file not found in build context or excluded by .dockerignore: "
         "stat x: file does not exist"),
        ("COPY x* y", "COPY failed: no source files were specified"),
        ("COPY ../a /x", "COPY failed: forbidden path outside the build context: ../a ()"),
        ("COPY l/x /x", "COPY failed: forbidden path outside the build context: l/x ()"),
        ("COPY a.txt b.txt /x", "When using COPY with more than one source file, the destination must be a directory "
         "and end with a /"),
        ("COPY --chown=foo a.txt /", "unable to convert uid/gid chown string to host mapping: "
         "can't find uid for user foo: no such user: foo"),
        ("COPY --from=busybox /nosuch /x", "COPY failed: stat nosuch: file does not exist"),
        ("COPY --from=0 /a /x", "invalid from flag value 0: refers to current build stage"),
        ("COPY --from=3 /a /x", "invalid from flag value 3: index out of bounds"),
        ("WORKDIR /bin/sh", "Cannot mkdir: /bin/sh is not a directory"),
        ("FROM ${x}", "base name (${x}) should not be blank"),
        ("FROM scratch", "No image was generated. Is your Dockerfile empty?"),
        ("FROM Busybox", "invalid reference format: repository name must be lowercase"),
    ],
)  # fmt: skip
def test_a_step_that_fails_says_why(builder: Builder, steps: str, sentence: str) -> None:
    said = builder.build(FROM + steps + "\n", FILES)
    assert said.rpartition("\n")[2] == sentence


@pytest.mark.parametrize(
    ("dockerfile", "answer"),
    [
        ("FORM busybox\n", "400 dockerfile parse error line 1: unknown instruction: FORM"),
        ("", "500 the Dockerfile (Dockerfile) cannot be empty"),
        ("\n# hi\n", "400 failed to parse Dockerfile: file with no instructions"),
        ("FROM busybox\nENV A\n", "400 failed to parse Dockerfile: ENV must have two arguments"),
        ("\x00\x01\x02", "400 dockerfile parse error line 1: unknown instruction: \x00\x01\x02"),
    ],
)
def test_a_bad_dockerfile_is_an_answer_of_its_own(builder: Builder, dockerfile: str, answer: str) -> None:
    images = len(builder.daemon.images)
    assert builder.build(dockerfile) == answer
    assert len(builder.daemon.images) == images


def test_bodies_that_are_no_context(builder: Builder) -> None:
    assert builder.send(b"no tar at all" * 100).startswith("500 Error processing tar file(archive/tar: ")
    assert builder.send(archive.pack([("x", file("y"))])) == "500 Cannot locate specified Dockerfile: Dockerfile"
    assert builder.build(FROM, target="nosuch") == "400 failed to reach build target nosuch in Dockerfile"
    assert builder.build(FROM, buildargs="{") == "400 error reading build args: unexpected end of JSON input"


def test_stages_by_name_and_number_and_a_target(builder: Builder) -> None:
    text = (
        "FROM busybox AS One\nRUN echo 1 >/one\n"
        "FROM busybox AS Second\nCOPY --from=one /one /a\nCOPY --from=0 /one /b\n"
        "FROM one AS last\nRUN cat /one\n"
    )
    assert "\n1\n" in builder.build(text, t="stages")
    assert builder.build(text, t="two", target="second").count("Step ") == 5
    assert builder.run("docker run --rm two cat /a /b") == "1\n1\n"
    assert builder.build("FROM busybox AS a\nFROM busybox AS a\n").endswith("\na stage name already used")


def test_arguments(builder: Builder) -> None:
    text = 'ARG x=busybox\nFROM $x\nARG x\nARG y=2\nRUN echo "[$x $y $z $http_proxy]"\n'
    said = builder.build(text, buildargs='{"y": "3", "z": "4", "q": null, "http_proxy": "p"}', t="arguments")
    assert "\n[busybox 3  p]\n" in said
    assert "\n[Warning] One or more build-args [q z] were not consumed\n" in said
    assert builder.history("arguments")[0] == '|2 x=busybox y=3 /bin/sh -c echo "[$x $y $z $http_proxy]"'


def test_what_is_written_under_a_volume_is_lost(builder: Builder) -> None:
    builder.build(FROM + "VOLUME /data\nRUN echo lost >/data/x; echo kept >/kept\n", t="lost")
    assert builder.run("docker run --rm lost sh -c 'ls /data; cat /kept'") == "kept\n"
    assert builder.run("docker volume ls -q") == ""


def test_a_tar_is_unpacked_by_add_and_not_by_copy(builder: Builder) -> None:
    tar = bytes(archive.pack([("x/y", file("in\n"))]))
    text = FROM + "ADD t.tgz t.txt /add/\nCOPY t.tgz /copy/\n"
    builder.build(text, {"t.tgz": gzip.compress(tar), "t.txt": "no tar"}, t="tar")
    assert builder.run("docker run --rm tar sh -c 'cat /add/x/y; ls /add /copy'") == (
        "in\n/add:\nt.txt\nx\n\n/copy:\nt.tgz\n"
    )


def test_copies_keep_links_modes_and_give_owners(builder: Builder) -> None:
    builder.build(FROM + "COPY --chown=1:nobody d new/dir\nCOPY . /all/\n", FILES, t="copied")
    shown = "stat -c '%u:%g %n' /new /new/dir /new/dir/e/g; readlink /all/l; ls /all"
    assert builder.run(f'docker run --rm copied sh -c "{shown}"') == (
        "1:65534 /new\n1:65534 /new/dir\n1:65534 /new/dir/e/g\na.txt\nDockerfile\na.txt\nb.txt\nd\nl\n"
    )


def test_dockerignore_may_take_the_dockerfile_out_of_what_is_copied(builder: Builder) -> None:
    ignore = {"x": "1", ".dockerignore": "Dockerfile\n.dockerignore\n"}
    builder.build(FROM + "COPY . /all/\n", ignore, t="ignoring")
    assert builder.run("docker run --rm ignoring ls -A /all") == "x\n"


def test_quiet_says_the_id_alone_and_everything_when_it_fails(builder: Builder) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", builder.build(FROM + "RUN true\n", q="1"))
    said = builder.build(FROM + "RUN exit 7\n", q="1")
    assert said.startswith("Step 1/2 : FROM busybox\n") and builder.code == 7


@pytest.mark.parametrize(
    ("query", "left"), [({}, 1), ({"forcerm": "1"}, 0), ({"rm": "0"}, 1)], ids=("default", "forcerm", "rm=0")
)
def test_the_container_of_a_failed_step_stays_unless_forced(query: dict[str, str], left: int) -> None:
    builder = Builder()
    builder.build(FROM + "RUN false\n", **query)
    assert len(builder.run("docker ps -aq").split()) == left


def test_labels_become_a_last_step(builder: Builder) -> None:
    said = builder.build(FROM, labels='{"x": "y", "z": ""}', t="labels")
    assert "Step 2/3 : LABEL x=y\n" in said and "Step 3/3 : LABEL z=\n" in said
    assert builder.image("labels")["Config"]["Labels"] == {"x": "y", "z": ""}


def test_a_build_without_network_reaches_nothing(builder: Builder) -> None:
    assert "eth0" in builder.build(FROM + "RUN ip addr\n")
    assert "eth0" not in builder.build(FROM + "RUN ip addr\n", networkmode="none")
    assert builder.build(FROM + "RUN true\n", networkmode="nosuch", nocache="1").endswith("network nosuch not found")


def test_pruning_the_build_cache_frees_nothing(builder: Builder) -> None:
    assert builder.ask("POST", "/build/prune", {"filters": ""}).body == {"CachesDeleted": None, "SpaceReclaimed": 0}


def test_a_build_that_is_hung_up_on_leaves_no_container(builder: Builder) -> None:
    env = builder.world.env
    response = builder.ask("POST", "/build", {}, archive.pack([("Dockerfile", file(FROM + "RUN sleep 1000\n"))]))
    assert response.stream is not None
    env.run(until=env.now + 3_000_000_000)
    assert "sleep 1000" in builder.run("docker ps --no-trunc")
    response.stream.cancel()
    env.run(until=env.now + 3_000_000_000)
    assert "sleep 1000" not in builder.run("docker ps -a --no-trunc")
