"""Pulling, held against progress streams recorded from dockerd 20.10.24 with a local registry."""

import pytest
from imagehost import World, said

from simdocker.api.models import ContainerConfig
from simdocker.content import image as images

MB = 1_000_000


def layered(*sizes):
    layers = [images.layer(size * MB, {f"/layer{n}": f"{n}\n"}) for n, size in enumerate(sizes)]
    return images.compose(None, layers, ContainerConfig(Cmd=["sh"]))


def short(layer):
    return layer.digest[7:19]


@pytest.fixture
def image():
    return layered(18, 3, 1, 6, 2, 12)


@pytest.fixture
def world(image):
    world = World()
    world.hub.publish("library/app", "1", image)
    return world


def test_a_layer_goes_through_dockerds_phases(world, image):
    messages = world.host().pull("app", "1")
    assert messages[0] == {"status": "Pulling from library/app", "id": "1"}
    assert said(messages, short(image.layers[0])) == [
        "Pulling fs layer",
        "Downloading",
        "Verifying Checksum",
        "Download complete",
        "Extracting",
        "Pull complete",
    ]
    assert said(messages, short(image.layers[5]))[1] == "Waiting"
    assert messages[-2:] == [
        {"status": f"Digest: {image.index.digest}"},
        {"status": "Status: Downloaded newer image for app:1"},
    ]


def test_progress_is_written_as_dockerd_writes_it(world, image):
    messages = world.host().pull("app", "1")
    first = next(m for m in messages if m["status"] == "Downloading")
    assert first["progressDetail"] == {"current": 196608, "total": image.layers[0].size}
    assert first["progress"] == "[>                                                  ]  196.6kB/18MB"
    reports = [m for m in messages if m["status"] == "Downloading" and m["id"] == first["id"]]
    amounts = [report["progressDetail"]["current"] for report in reports]
    assert len(amounts) > 3
    assert amounts == sorted(amounts)


def test_three_blobs_download_at_once(world, image):
    world.host().pull("app", "1")
    under_way, most = set(), 0
    for record in world.trace:
        if record.what == "downloading":
            under_way.add(record.actor)
        elif record.what == "downloaded":
            under_way.discard(record.actor)
        most = max(most, len(under_way))
    assert most == 3


def test_layers_are_extracted_in_order_while_others_download(world):
    image = layered(1, 18, 2, 3, 6, 12)
    world.hub.publish("library/app", "1", image)
    host = world.host()
    host.pull("app", "1")
    assert host.storage.layers == list(image.config.chain_ids)
    seen = [(r.what, r.actor) for r in world.trace if r.what in ("extracted", "downloaded")]
    assert seen.index(("extracted", f"layer/{short(image.layers[0])}")) < seen.index(
        ("downloaded", f"layer/{short(image.layers[5])}")
    )


def test_the_image_is_there_only_after_its_last_layer(world, image):
    host = world.host()
    pull = host.pulling("app", "1")
    while len(host.storage.layers) < 6:
        assert len(host.images) == 0
        world.env.step()
    world.env.run(pull)
    assert host.images.get("app:1").repo_tags == ["app:1"]


def test_requests_go_out_in_the_recorded_order(world, image):
    world.host().pull("app", "1")
    asked = [r.what.replace(image.index.digest, "INDEX").replace(image.manifest.digest, "MANIFEST")
             for r in world.trace if r.kind == "message" and r.actor == "daemon@laptop"]  # fmt: skip
    assert asked[:6] == [
        "GET /v2/",
        "GET /token",  # Docker Hub wants to know who asks, and lets nobody pull too
        "HEAD /v2/library/app/manifests/1",
        "GET /v2/library/app/manifests/INDEX",
        "GET /v2/library/app/manifests/MANIFEST",
        f"GET /v2/library/app/blobs/{image.id}",
    ]
    assert len(asked) == 6 + 6


def test_an_image_that_is_here_is_up_to_date(world):
    host = world.host()
    host.pull("app", "1")
    assert said(host.pull("app", "1"))[2:] == ["Status: Image is up to date for app:1"]
    assert host.emitted[-1] == ("pull", "app:1", {"name": "app"})


def test_layers_that_are_here_already_exist(world, image):
    host = world.host()
    host.pull("app", "1")
    world.hub.publish("library/app", "2", images.compose(image, [images.layer(MB)]))
    messages = host.pull("app", "2")
    assert [m["status"] for m in messages[1:8]] == ["Already exists"] * 6 + ["Pulling fs layer"]


def test_a_second_pull_of_a_layer_joins_the_first(world, image):
    host = world.host()
    first, second = host.pulling("app", "1"), host.pulling("app", "1")
    world.env.run(world.env.all_of([first, second]))
    blobs = [r for r in world.trace if r.actor == "daemon@laptop" and any(b.digest in r.what for b in image.layers)]
    assert len(blobs) == 6
    outcomes = {first.value[-1]["status"], second.value[-1]["status"]}
    assert outcomes == {"Status: Downloaded newer image for app:1", "Status: Image is up to date for app:1"}


def test_who_joins_late_first_hears_how_far_it_is(world, image):
    host = world.host()
    host.pulling("app", "1")
    world.env.run(until=1_500_000_000)
    second = host.pulling("app", "1")
    messages = world.env.run(second)
    top = [m["status"] for m in messages if m.get("id") == short(image.layers[1])]
    assert top[:2] == ["Pulling fs layer", "Download complete"]


def test_two_daemons_download_each_for_themselves(world):
    hosts = [world.host("a"), world.host("b")]
    pulls = [host.pulling("app", "1") for host in hosts]
    world.env.run(world.env.all_of(pulls))
    assert hosts[0].images.get("app:1").document is hosts[1].images.get("app:1").document


def cancelled(world, host, after):
    """Start a pull and hang up after a while."""
    from simdocker.api import Request

    def main():
        response = yield from host.images.create(Request("POST", "/", {"fromImage": "app", "tag": "1"}))
        yield world.env.timeout(after)
        response.stream.cancel()

    world.env.run(world.env.process(main()))
    world.env.run()


@pytest.mark.parametrize("after", [0, 300_000_000, 1_400_000_000, 2_500_000_000, 3_300_000_000])
def test_a_pull_that_is_hung_up_on_leaves_nothing(world, after):
    host = world.host()
    cancelled(world, host, after)
    assert host.storage.layers == []
    assert len(host.images) == 0
    assert len(world.network.fluid) == 0
    assert said(host.pull("app", "1"))[-1] == "Status: Downloaded newer image for app:1"


def test_hanging_up_does_not_disturb_another_pull_of_the_same_layers(world):
    host = world.host()
    other = host.pulling("app", "1")
    cancelled(world, host, 500_000_000)
    assert said(other.value)[-1] == "Status: Downloaded newer image for app:1"


def test_a_missing_repository_of_docker_hub_may_require_login(world):
    error = world.host().pull("nosuch")
    assert (error.status, error.message) == (
        404,
        "pull access denied for nosuch, repository does not exist or may require 'docker login': denied: requested "
        "access to the resource is denied",
    )


@pytest.mark.parametrize("name", ["registry.lab:5000/app", "registry.lab:5000/none"])
def test_a_missing_tag_is_an_unknown_manifest(world, image, name):
    world.registry("registry.lab:5000").publish("app", "1", image)
    error = world.host().pull(name, "nope")
    message = f"manifest for {name}:nope not found: manifest unknown: manifest unknown"
    assert (error.status, error.message) == (404, message)


def test_a_missing_tag_of_docker_hub(world):
    error = world.host().pull("app", "nope")
    assert error.message == "manifest for app:nope not found: manifest unknown: manifest unknown"


def test_a_registry_of_ones_own_serves_without_an_index(world, image):
    world.registry("registry.lab:5000").publish("team/web", "1", image)
    messages = world.host().pull("registry.lab:5000/team/web", "1")
    assert messages[0] == {"status": "Pulling from team/web", "id": "1"}
    assert messages[-2]["status"] == f"Digest: {image.docker_manifest.digest}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.nowhere/a", 'Get "https://x.nowhere/v2/": dial tcp: lookup x.nowhere on 10.53.53.53:53: no such host'),
        ("127.0.0.1:59/none", 'Get "http://127.0.0.1:59/v2/": dial tcp 127.0.0.1:59: connect: connection refused'),
        ("localhost/foo", 'Get "http://localhost/v2/": dial tcp 127.0.0.1:80: connect: connection refused'),
    ],
)
def test_a_registry_that_is_not_there(world, name, message):
    error = world.host().pull(name, "1")
    assert (error.status, error.message) == (500, message)


def test_a_registry_that_is_down_refuses_or_is_unavailable(world):
    host = world.host()
    world.hub.set_outage("unavailable")
    error = host.pull("app", "1")
    assert (error.status, error.message) == (500, "received unexpected HTTP status: 503 Service Unavailable")
    world.hub.set_outage("refused")
    assert host.pull("app", "1").message.endswith(":443: connect: connection refused")
    world.hub.set_outage("")
    assert said(host.pull("app", "1"))[-1].startswith("Status: Downloaded")


def test_the_rate_limit_counts_pulls_of_each_client(world):
    host, other = world.host(), world.host("other")
    world.hub.set_rate_limit(2)  # an index and a manifest
    assert said(host.pull("app", "1"))[-1].startswith("Status: Downloaded")
    error = host.pull("app", "1")
    assert error.status == 500
    assert error.message == (
        "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and "
        "upgrading: https://www.docker.com/increase-rate-limit"
    )
    assert said(other.pull("app", "1"))[-1].startswith("Status: Downloaded")


def outage_during(world, host, start, seconds):
    pull = host.pulling("app", "1")

    def fault():
        yield world.env.timeout(start)
        world.hub.set_outage("unavailable")
        yield world.env.timeout(seconds * 1_000_000_000)
        world.hub.set_outage("")

    world.env.process(fault())
    return world.env.run(pull)


def test_a_failed_blob_is_asked_for_again(world, image):
    messages = outage_during(world, world.host(), 500_000_000, 10)
    late = short(image.layers[5])
    counted = [m["status"] for m in messages if m.get("id") == late and m["status"].startswith("Retrying")]
    assert counted[:6] == [*(f"Retrying in {n} seconds" for n in (5, 4, 3, 2)), "Retrying in 1 second",
                           "Retrying in 10 seconds"]  # fmt: skip
    assert messages[-1]["status"] == "Status: Downloaded newer image for app:1"


def test_after_six_attempts_the_pull_fails_and_leaves_nothing(world):
    host = world.host()
    messages = outage_during(world, host, 500_000_000, 1000)
    assert messages[-1] == {
        "errorDetail": {"message": "received unexpected HTTP status: 503 Service Unavailable"},
        "error": "received unexpected HTTP status: 503 Service Unavailable",
    }
    assert sum(m.get("status") == "Retrying in 25 seconds" for m in messages) >= 1
    assert host.storage.layers == []
    assert len(host.images) == 0


def test_a_platform_the_index_has_not(world):
    messages = world.host().pull("app", "1", platform="linux/arm64")
    assert messages[-1]["error"] == "no matching manifest for linux/arm64 in the manifest list entries"


def test_all_tags_are_pulled_when_none_is_given(world, image):
    world.hub.publish("library/app", "2", images.compose(image, [images.layer(MB)]))
    host = world.host()
    messages = host.pull("app", "")
    assert [m["id"] for m in messages if m["status"].startswith("Pulling from")] == ["1", "2"]
    assert messages[-1] == {"status": "Status: Downloaded newer image for app"}
    assert host.images.get("app:2").repo_tags == ["app:2"]


def test_a_digest_pulls_without_a_tag(world, image):
    host = world.host()
    messages = host.pull(f"app@{image.index.digest}", "")
    assert messages[0]["id"] == image.index.digest
    kept = host.images.get(f"app@{image.index.digest}")
    assert (kept.repo_tags, kept.repo_digests) == ([], [f"app@{image.index.digest}"])


@pytest.mark.parametrize(("query", "message"), [
    ({"name": "UPPER", "tag": "x"}, "invalid reference format: repository name must be lowercase"),
    ({"name": "busybox", "tag": "a b"}, "invalid tag format"),
])  # fmt: skip
def test_a_name_that_is_none_is_a_bad_request(world, query, message):
    error = world.host().pull(**query)
    assert (error.status, error.message) == (400, message)


def test_a_moved_tag_leaves_the_old_image_dangling(world, image):
    host = world.host()
    host.pull("app", "1")
    old = host.images.get("app:1")
    world.hub.publish("library/app", "1", images.compose(image, [images.layer(MB)]))
    host.pull("app", "1")
    assert old.repo_tags == []
    assert host.images.get("app:1") is not old
