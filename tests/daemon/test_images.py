"""Listing, inspecting, tagging and removing images, held against dockerd 20.10.24."""

import pytest
from imagehost import FakeContainer, World

from simdocker.api.models import ContainerConfig
from simdocker.content import image as images


@pytest.fixture
def world():
    return World()


@pytest.fixture
def host(world):
    host = world.host()
    host.pull("busybox")
    return host


def listed(host, **query):
    return [image["RepoTags"] for image in host.call(host.images.list, **query).body]


def own(world, name, tag, created, labels=None):
    config = ContainerConfig(Labels=labels)
    image = images.compose(None, [images.layer(1000, {"/n": name})], config, created=created)
    world.hub.publish(f"library/{name}", tag, image)


# -- finding ------------------------------------------------------------------------------------


def test_an_image_is_found_by_name_digest_id_and_beginning_of_its_id(host):
    image = host.images.get("busybox")
    ids = [image.id, image.id[7:], image.id[7:19]]
    names = ["busybox:latest", "docker.io/library/busybox", *image.repo_digests, *ids]
    assert all(host.images.get(name) is image for name in names)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nosuch", "no such image: nosuch: No such image: nosuch:latest"),
        ("er_none:1", "no such image: er_none:1: No such image: er_none:1"),
        ("INVALID", "no such image: INVALID: invalid reference format: repository name must be lowercase"),
        ("a" * 64, f"no such image: {'a' * 64}: No such image: sha256:{'a' * 64}"),
    ],
)
def test_a_missing_image_is_told_in_dockers_words(host, name, message):
    error = host.call(host.images.inspect, name)
    assert (error.status, error.message) == (404, message)


# -- showing ------------------------------------------------------------------------------------


def test_the_list_is_newest_first(world, host):
    own(world, "old", "1", "2020-01-01T00:00:00Z")
    own(world, "new", "1", "2025-06-01T00:00:00Z")
    host.pull("new", "1")
    host.pull("old", "1")
    assert listed(host) == [["new:1"], ["busybox:latest"], ["old:1"]]


def test_a_line_of_the_list_has_dockerds_fields(host):
    (line,) = host.call(host.images.list).body
    image = host.images.get("busybox")
    assert line == {
        "Containers": -1, "Created": 1727386302, "Id": image.id, "Labels": None, "ParentId": "",
        "RepoDigests": image.repo_digests, "RepoTags": ["busybox:latest"], "SharedSize": -1, "Size": 4281425,
        "VirtualSize": 4281425,
    }  # fmt: skip


def test_the_list_can_be_filtered(world, host):
    own(world, "old", "1", "2020-01-01T00:00:00Z", {"tier": "db"})
    own(world, "old", "2", "2025-01-01T00:00:00Z")
    host.pull("old", "1")
    host.pull("old", "2")
    host.call(host.images.tag, "busybox", repo="team/app", tag="1.0")

    def by(key, value):
        return listed(host, filters=f'{{"{key}":{{"{value}":true}}}}')

    assert by("reference", "busy*") == [["busybox:latest"]]
    assert by("reference", "old") == [["old:2"], ["old:1"]]
    assert by("reference", "*:1.0") == []
    assert by("reference", "*/*:1.0") == [["team/app:1.0"]]
    assert by("label", "tier=db") == [["old:1"]]
    assert by("before", "busybox") == [["old:1"]]
    assert by("since", "busybox") == [["old:2"]]
    assert by("dangling", "true") == []


@pytest.mark.parametrize(
    ("filters", "status", "message"),
    [
        ('{"zz":["1"]}', 400, "Invalid filter 'zz'"),
        ('{"reference":["["]}', 500, "syntax error in pattern"),
        ('{"before":["nosuch"]}', 404, "No such image: nosuch:latest"),
    ],
)
def test_a_bad_filter_is_refused(host, filters, status, message):
    error = host.call(host.images.list, filters=filters)
    assert (error.status, error.message) == (status, message)


def test_an_inspection_has_the_fields_of_the_engines(host):
    shown = host.call(host.images.inspect, "busybox").body
    assert list(shown) == [
        "Id", "RepoTags", "RepoDigests", "Parent", "Comment", "Created", "Container", "ContainerConfig",
        "DockerVersion", "Author", "Config", "Architecture", "Os", "Size", "VirtualSize",
        "GraphDriver", "RootFS", "Metadata",
    ]  # fmt: skip
    assert shown["Config"] == {
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": False, "AttachStdout": False,
        "AttachStderr": False, "Tty": False, "OpenStdin": False, "StdinOnce": False,
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"], "Image": "",
        "Volumes": None, "WorkingDir": "", "Entrypoint": None, "OnBuild": None, "Labels": None,
    }  # fmt: skip
    assert shown["Metadata"] == {"LastTagTime": "0001-01-01T00:00:00Z"}


def test_history_is_newest_first_and_only_the_last_step_has_an_id(host):
    steps = host.call(host.images.history, "busybox").body
    assert [(step["CreatedBy"], step["Size"], step["Tags"]) for step in steps] == [
        ('/bin/sh -c #(nop)  CMD ["sh"]', 0, ["busybox:latest"]),
        (f"/bin/sh -c #(nop) ADD file:{host.images.get('busybox').layers[0][7:]} in / ", 4281425, None),
    ]
    assert [step["Id"] for step in steps] == [host.images.get("busybox").id, "<missing>"]


# -- tagging ------------------------------------------------------------------------------------


def test_a_tag_is_another_name_for_the_same_image(host):
    assert host.call(host.images.tag, "busybox", repo="mine").status == 201
    assert host.images.get("mine").repo_tags == ["busybox:latest", "mine:latest"]
    assert host.emitted[-1][0] == "tag"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"repo": "UPPER", "tag": "1"}, "invalid reference format: repository name must be lowercase"),
        ({"repo": "x", "tag": "a b"}, "invalid tag format"),
        ({"repo": "a" * 64}, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
        ({"repo": "sha256", "tag": "1"}, "refusing to create an ambiguous tag using digest algorithm as name"),
    ],
)
def test_a_bad_tag_is_an_internal_error_as_in_the_engine(host, query, message):
    error = host.call(host.images.tag, "busybox", **query)
    assert (error.status, error.message) == (500, message)


# -- removing -----------------------------------------------------------------------------------


def test_removing_the_last_name_deletes_the_image_and_its_layers(host):
    image = host.images.get("busybox")
    assert host.call(host.images.delete, "busybox").body == [
        {"Untagged": "busybox:latest"}, {"Untagged": image.repo_digests[0] if image.repo_digests else _digest(host)},
        {"Deleted": image.id}, {"Deleted": image.chain_id},
    ]  # fmt: skip
    assert host.storage.layers == []
    assert [action for action, *_ in host.emitted] == ["pull", "untag", "delete"]


def _digest(host):
    return f"busybox@{host.world.hub.tags('library/busybox')['latest'].index.digest}"


def test_removing_one_of_two_names_only_untags(host):
    host.call(host.images.tag, "busybox", repo="mine")
    assert host.call(host.images.delete, "mine").body == [{"Untagged": "mine:latest"}]
    assert host.images.get("busybox")


def test_layers_that_another_image_needs_stay(world, host):
    base = world.hub.tags("library/busybox")["latest"]
    world.hub.publish("team/app", "1", images.compose(base, [images.layer(1000)]))
    host.pull("team/app", "1")
    app = host.images.get("team/app:1")
    host.call(host.images.delete, "busybox")
    assert len(host.storage.layers) == 2
    deleted = host.call(host.images.delete, "team/app:1").body
    assert deleted[-2:] == [{"Deleted": app.chain_ids[1]}, {"Deleted": app.chain_ids[0]}]
    assert host.storage.layers == []


def test_a_name_that_a_container_uses_must_be_forced(host):
    image = host.images.get("busybox")
    host.using.append(FakeContainer(image))
    error = host.call(host.images.delete, "busybox")
    assert (error.status, error.message) == (
        409,
        'conflict: unable to remove repository reference "busybox" (must force) - container c0ffeec0ffee is using its '
        f"referenced image {image.id[7:19]}",
    )


@pytest.mark.parametrize(
    ("running", "force", "reason"),
    [
        (True, "", "(cannot be forced) - image is being used by running container c0ffeec0ffee"),
        (True, "1", "(cannot be forced) - image is being used by running container c0ffeec0ffee"),
        (False, "", "(must be forced) - image is being used by stopped container c0ffeec0ffee"),
    ],
)
def test_an_id_that_a_container_uses_is_refused(host, running, force, reason):
    image = host.images.get("busybox")
    host.using.append(FakeContainer(image, running))
    error = host.call(host.images.delete, image.id, force=force)
    assert (error.status, error.message) == (409, f"conflict: unable to delete {image.id[7:19]} {reason}")


def test_an_id_of_several_repositories_must_be_forced(host):
    image = host.images.get("busybox")
    host.call(host.images.tag, "busybox", repo="mine")
    error = host.call(host.images.delete, image.id[:20])
    assert error.status == 404  # a shortened digest is a name, not an id
    error = host.call(host.images.delete, image.id[7:20])
    assert error.message == (
        f"conflict: unable to delete {image.id[7:19]} (must be forced) - image is referenced in multiple repositories"
    )
    records = host.call(host.images.delete, image.id, force="1").body
    assert records[0] == {"Untagged": "busybox:latest"}
    assert len(host.images) == 0


def test_forcing_a_running_containers_image_leaves_it_without_a_name(host):
    image = host.images.get("busybox")
    host.using.append(FakeContainer(image, running=True))
    records = host.call(host.images.delete, "busybox", force="1").body
    assert [list(record) for record in records] == [["Untagged"], ["Untagged"]]
    assert listed(host) == [["<none>:<none>"]]


def test_the_layers_of_a_stopped_container_go_with_the_container(host):
    image = host.images.get("busybox")
    host.using.append(FakeContainer(image))
    records = host.call(host.images.delete, "busybox", force="1").body
    assert records[-1] == {"Deleted": image.id}
    assert host.storage.layers == [image.chain_id]
    host.using.clear()
    host.env.run(host.env.process(host.images.collect(image)))
    assert host.storage.layers == []


def test_a_missing_image_cannot_be_removed(host):
    error = host.call(host.images.delete, "nosuch")
    assert (error.status, error.message) == (404, "No such image: nosuch:latest")


def test_a_host_can_have_images_from_the_start(world):
    host = world.host()
    image = world.hub.tags("library/busybox")["latest"]
    host.env.run(host.env.process(host.images.install(image, "busybox")))
    assert host.images.get("busybox").id == image.id
    assert host.call(host.images.delete, "busybox").body[-1] == {"Deleted": image.config.chain_ids[0]}
    assert host.storage.layers == []
