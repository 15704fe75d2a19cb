"""An engine's answers, as bytes arrive."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdocker.api import Framing, Request
from simdocker.backends.engine.connection import spoken
from simdocker.backends.engine.endpoint import found
from simdocker.backends.engine.exchange import target
from simdocker.backends.engine.framing import Lines, Output
from simdocker.errors import UserError
from simdocker.server.writing import chunk

OUTPUT = st.lists(st.tuples(st.sampled_from((1, 2)), st.binary(min_size=1, max_size=50)))


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@given(OUTPUT, st.lists(st.integers(0, 10_000)), st.booleans())
def test_output_is_read_as_our_server_frames_it_however_it_is_cut(said, cuts, told):
    reader = Output(told)
    wire = b"".join(chunk(Framing.MULTIPLEXED, each) for each in said)
    assert [each for piece in in_pieces(wire, cuts) for each in reader.feed(piece)] == said
    assert list(reader.rest()) == []


@given(st.text(st.characters(min_codepoint=9, max_codepoint=126), min_size=1), st.lists(st.integers(0, 1000)))
def test_a_terminals_output_has_no_headers(text, cuts):
    reader = Output(False)
    chunks = [each for piece in in_pieces(text.encode(), cuts) for each in reader.feed(piece)] + list(reader.rest())
    assert b"".join(data for fd, data in chunks if fd == 1) == text.encode()


@given(st.lists(st.dictionaries(st.text(), st.text())), st.lists(st.integers(0, 10_000)), st.sampled_from(Framing))
def test_progress_is_read_line_by_line(said, cuts, framing):
    framing = framing if framing in (Framing.LINES, Framing.PROGRESS) else Framing.LINES
    reader = Lines()
    wire = b"".join(chunk(framing, each) for each in said)
    assert [each for piece in in_pieces(wire, cuts) for each in reader.feed(piece)] + list(reader.rest()) == said


def test_the_older_of_two_versions_is_spoken():
    assert [spoken(offered) for offered in ("1.41", "1.9", "1.51", "")] == ["1.41", "1.9", "1.50", ""]


def test_a_path_carries_the_version_and_what_is_asked():
    request = Request("GET", "/images/a b/json", {"filters": '{"a":1}'})
    assert target(request, "1.41") == "/v1.41/images/a%20b/json?filters=%7B%22a%22%3A1%7D"


def test_an_engine_is_found_as_the_docker_cli_finds_it(tmp_path: Path):
    meta = tmp_path / ".docker/contexts/meta" / sha256(b"lab").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://lab:2375"}}}))
    (tmp_path / ".docker/config.json").write_text('{"currentContext": "lab"}')
    home = {"HOME": str(tmp_path)}
    assert found("unix:///a", {**home, "DOCKER_HOST": "tcp://b:1"}) == "unix:///a"
    assert found(None, {**home, "DOCKER_HOST": "tcp://b:1"}) == "tcp://b:1"
    assert found(None, home) == "tcp://lab:2375"
    assert found(None, {**home, "DOCKER_CONTEXT": "default"}) == "unix:///var/run/docker.sock"


@pytest.mark.parametrize("address", ["ssh://host", "nonsense", "tcp://host", "unix://"])
def test_an_address_that_cannot_be_spoken_to_is_refused(address: str):
    with pytest.raises(UserError):
        found(address, {})


def test_a_context_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UserError, match="lab"):
        found(None, {"HOME": str(tmp_path), "DOCKER_CONTEXT": "lab"})
