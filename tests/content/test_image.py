"""Images ready to publish: composition, and the documents they imply."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdocker.api.models import ContainerConfig
from simdocker.content import changeset
from simdocker.content import digest as digests
from simdocker.content import image as images
from simdocker.content.glob import BadPattern, path_match


def test_a_chain_id_stands_for_a_layer_and_all_below():
    a, b = digests.of("a"), digests.of("b")
    assert digests.chain_ids([a, b]) == (a, digests.of(f"{a} {b}"))


@given(size=st.integers(0, 10**9), count=st.integers(1, 700))
def test_filler_adds_up_to_its_size_in_so_many_files(size, count):
    root = changeset.directory()
    images.bulk(root, "/x", size, count)
    files = [node for _, node in changeset.walk(root) if node.kind == changeset.FILE]
    assert (sum(node.size for node in files), len(files)) == (size, count)


def test_a_layer_holds_its_files_and_filler_up_to_its_size():
    layer = images.layer(5000, {"/etc/motd": "hi\n"}, count=3)
    assert (layer.size, layer.unpacked) == (5000, 5000)
    assert layer.tree.children["etc"].children["motd"].data == b"hi\n"
    assert images.layer(0, {"/a": "a"}).unpacked == 1


def test_equal_layers_have_equal_digests_and_others_not():
    assert images.layer(10, {"/a": "a"}).digest == images.layer(10, {"/a": "a"}).digest
    assert len({images.layer(10, {"/a": "a"}).digest, images.layer(10, {"/a": "b"}).digest,
                images.layer(10, {"/a": "a"}, compressed=4).digest}) == 3  # fmt: skip


def test_two_layers_of_filler_do_not_overwrite_each_other():
    first, second = images.layer(100), images.layer(200)
    paths = [{path for path, node in changeset.walk(layer.tree) if node.kind == changeset.FILE}
             for layer in (first, second)]  # fmt: skip
    assert not paths[0] & paths[1]


def test_composition_follows_the_rules_of_a_dockerfile():
    base = images.compose(
        None, [images.layer(10)],
        ContainerConfig(Cmd=["sh"], Env=["PATH=/bin", "A=1"], Labels={"a": "1"}, WorkingDir="/base"),
    )  # fmt: skip
    own = {"Entrypoint": ["/run"], "Env": ["A=2", "B=3"], "Labels": {"b": "2"}}
    made = images.compose(base, [images.layer(20)], own)
    config = made.container_config
    assert made.layers[0] is base.layers[0]
    assert (config.Cmd, config.Entrypoint, config.WorkingDir) == (None, ["/run"], "/base")
    assert config.Env == ["PATH=/bin", "A=2", "B=3"]
    assert config.Labels == {"a": "1", "b": "2"}


def test_the_configuration_on_the_wire_has_only_what_is_set():
    image = images.compose(None, [images.layer(10)], {"Cmd": ["sh"]})
    assert b'"config":{"Cmd":["sh"]}' in image.config.encoded
    assert image.manifest.layers[0].size == 10


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [("busy*", "busybox", True), ("busy*", "busybox:latest", True), ("*", "team/app", False), ("*/*", "team/app", True),
     ("b?sybox", "busybox", True), ("[a-c]usybox", "busybox", True), ("[^a-c]usybox", "busybox", False),
     (r"a\*", "a*", True), ("busy", "busybox", False), ("a.c", "abc", False)],
)  # fmt: skip
def test_patterns_are_gos(pattern, name, matches):
    assert path_match(pattern, name) is matches


@pytest.mark.parametrize("pattern", ["[", "[]a]", "[a", "[a-", "\\", "[-a]"])
def test_bad_patterns_are_told(pattern):
    with pytest.raises(BadPattern, match="syntax error in pattern"):
        path_match(pattern, "a")


@given(st.text(alphabet="ab[]^-*?\\", max_size=8))
def test_any_pattern_is_matched_or_refused(pattern):
    with contextlib.suppress(BadPattern):
        path_match(pattern, "ab")
