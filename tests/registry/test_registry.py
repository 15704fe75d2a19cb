"""The Distribution API as a registry answers it."""

import pytest

from simdocker.actors.registry.catalogue import hub
from simdocker.actors.registry.registry import Registry
from simdocker.api import Request
from simdocker.content import image as images
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace


class Ask:
    def __init__(self, name="registry.lab", contents=None):
        self.env = Environment()
        self.trace = Trace(self.env)
        self.registry = Registry(name, self.env, self.trace, CostProfile.load("default"), RandomStreams(1), contents)

    def __call__(self, path, method="GET", client="laptop"):
        return self.env.run(self.env.process(self.registry.handle(Request(method, path), client)))


@pytest.fixture
def image():
    return images.compose(None, [images.layer(1000, {"/a": "a"}), images.layer(5_000_000)], {"Cmd": ["sh"]})


@pytest.fixture
def ask(image):
    ask = Ask()
    ask.registry.publish("team/web", "1", image)
    return ask


def test_it_says_that_it_is_a_registry(ask):
    response = ask("/v2/")
    assert (response.status, response.headers["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")


def test_a_manifest_is_found_by_tag_and_by_digest(ask, image):
    assert ask("/v2/team/web/manifests/1").body is image.docker_manifest
    assert ask(f"/v2/team/web/manifests/{image.docker_manifest.digest}").body is image.docker_manifest
    head = ask("/v2/team/web/manifests/1", "HEAD")
    assert (head.body, head.headers["Docker-Content-Digest"]) == (None, image.docker_manifest.digest)


def test_blobs_are_found_by_digest_without_having_asked_for_a_tag(ask, image):
    layer = ask(f"/v2/team/web/blobs/{image.layers[1].digest}")
    assert (layer.body, layer.size) == (image.layers[1], 5_000_000)
    assert ask(f"/v2/team/web/blobs/{image.id}").body is image.config


def test_tags_and_repositories_are_listed(ask, image):
    ask.registry.publish("team/web", "2", image)
    ask.registry.publish("app", "latest", image)
    assert ask("/v2/team/web/tags/list").body == {"name": "team/web", "tags": ["1", "2"]}
    assert ask("/v2/_catalog").body == {"repositories": ["app", "team/web"]}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v2/team/web/manifests/nope", 404, "MANIFEST_UNKNOWN"),
        ("/v2/none/manifests/1", 404, "MANIFEST_UNKNOWN"),
        ("/v2/none/tags/list", 404, "NAME_UNKNOWN"),
        ("/v2/team/web/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN"),
        ("/v2/team/web/blobs/nonsense", 404, "BLOB_UNKNOWN"),
        ("/nonsense", 404, "UNSUPPORTED"),
        ("/v2/", 200, None),
    ],
)
def test_what_is_not_there_has_a_code(ask, path, status, code):
    response = ask(path)
    assert response.status == status
    assert code is None or response.body["errors"][0]["code"] == code


def test_docker_hub_has_the_catalogue_and_what_is_published(image):
    ask = Ask("docker.io", hub())
    ask.registry.publish("library/busybox", "mine", image)
    tags = ask("/v2/library/busybox/tags/list").body["tags"]
    assert {"latest", "1.35", "mine"} <= set(tags)
    assert "mine" not in hub()["library/busybox"]
    assert ask("/v2/nosuch/manifests/1").headers["WWW-Authenticate"].endswith('error="insufficient_scope"')


def test_over_its_limit_a_client_gets_429_until_the_window_has_passed(ask):
    ask.registry.set_rate_limit(1)
    assert ask("/v2/team/web/manifests/1").status == 200
    refused = ask("/v2/team/web/manifests/1")
    assert (refused.status, refused.body["errors"][0]["code"]) == (429, "TOOMANYREQUESTS")
    assert refused.headers["RateLimit-Limit"] == "1;w=21600"
    assert ask("/v2/team/web/manifests/1", client="other").status == 200
    ask.env.run(until=ask.env.now + 21_600 * 1_000_000_000)
    assert ask("/v2/team/web/manifests/1").status == 200


def test_asking_for_a_digest_only_is_not_a_pull(ask):
    ask.registry.set_rate_limit(1)
    assert {ask("/v2/team/web/manifests/1", "HEAD").status for _ in range(3)} == {200}


def test_states_are_in_the_trace(ask):
    ask.registry.set_outage("unavailable")
    assert ask("/v2/").status == 503
    ask.registry.set_outage("")
    assert ask("/v2/").status == 200
    assert [record.what for record in ask.trace if record.kind == "state"] == ["unavailable", "available"]
