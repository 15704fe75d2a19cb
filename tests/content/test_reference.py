"""Image references, held against what dockerd 20.10.24 and docker CLI 28.2.2 answered."""

import pytest

from simdocker.content.reference import InvalidReference, parse, parse_as_cli, parse_id

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "canonical", "familiar"),
    [
        ("busybox", "docker.io/library/busybox", "busybox"),
        ("busybox:1.35", "docker.io/library/busybox:1.35", "busybox:1.35"),
        ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"),
        ("team/web:1", "docker.io/team/web:1", "team/web:1"),
        ("registry.lab:5000/team/web", "registry.lab:5000/team/web", "registry.lab:5000/team/web"),
        ("localhost/web", "localhost/web", "localhost/web"),
        ("library/a/b", "docker.io/library/a/b", "library/a/b"),
        (f"web@sha256:{HEX}", f"docker.io/library/web@sha256:{HEX}", f"web@sha256:{HEX}"),
    ],
)
def test_a_short_name_stands_for_a_full_one(text, canonical, familiar):
    reference = parse(text)
    assert (reference.canonical, reference.familiar) == (canonical, familiar)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("UPPER", "invalid reference format: repository name must be lowercase"),
        ("Foo/bar", "invalid reference format: repository name must be lowercase"),
        ("x.y/UP:q", "invalid reference format: repository name must be lowercase"),
        ("foo:bar:baz", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("foo//bar", "invalid reference format"),
        ("foo:", "invalid reference format"),
        (":x", "invalid reference format"),
        ("-foo", "invalid reference format"),
        ("foo:-x", "invalid reference format"),
        ("", "invalid reference format"),
        ("foo@sha256:abc", "invalid reference format"),
        ("foo@md5:" + "a" * 32, "unsupported digest algorithm"),
        ("foo@sha256:" + "a" * 32, "invalid checksum digest length"),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
        ("x/" + "a" * 256, "repository name must not be more than 255 characters"),
        ("foo\n", "invalid reference format"),
    ],
)
def test_a_bad_name_is_refused_in_dockers_words(text, message):
    with pytest.raises(InvalidReference) as error:
        parse(text)
    assert error.value.message == message
    assert error.value.status == 400


def test_the_cli_reads_capitals_differently_from_the_daemon():
    with pytest.raises(InvalidReference, match=r"repository name \(library/UPPER\) must be lowercase"):
        parse_as_cli("UPPER")
    with pytest.raises(InvalidReference, match=r"repository name \(UP\) must be lowercase"):
        parse_as_cli("x.y/UP:q")
    assert parse_as_cli("Foo/bar").domain == "Foo"


def test_a_tag_is_implied_only_when_there_is_neither_tag_nor_digest():
    assert parse("busybox").or_latest().familiar == "busybox:latest"
    assert parse("busybox:1").or_latest().familiar == "busybox:1"
    assert parse(f"busybox@sha256:{HEX}").or_latest().tag == ""
    with pytest.raises(InvalidReference, match="invalid tag format"):
        parse("busybox").with_tag("a b")


def test_an_id_is_told_from_a_name():
    assert parse_id(HEX) == parse_id(f"sha256:{HEX}") == f"sha256:{HEX}"
    assert parse_id("sha256:abc") == parse_id("busybox:latest") == parse_id("abc") == ""
