"""Filters, booleans and times as the Engine reads and writes them (messages recorded on 20.10.24)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdocker.actors.daemon.gojson import problem
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.api import BadRequest, InternalError
from simdocker.api.times import EPOCH_S, S, parse_time, parse_unix, rfc3339


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("True", True), ("0", False), (None, False)])
def test_booleans_come_in_several_spellings(text: str | None, value: bool) -> None:
    assert truthy(text) is value


@pytest.mark.parametrize("text", ['{"label":{"a":true}}', '{"label":["a"]}'])
def test_both_forms_of_filters_mean_the_same(text: str) -> None:
    filters = Filters.parse(text, {"label"})
    assert filters.labels({"a": "1"})
    assert not filters.labels({"b": "1"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("xx", "invalid character 'x' looking for beginning of value"),
        ("{bad", "invalid character 'b' looking for beginning of object key string"),
        ('{"name":', "unexpected end of JSON input"),
        (" ", "unexpected end of JSON input"),
        ("tru", "invalid character ' ' in literal true (expecting 'e')"),
        ("-", "invalid character ' ' in numeric literal"),
        ("[]", "json: cannot unmarshal array into Go value of type map[string]map[string]bool"),
        ('{"a":1}', "json: cannot unmarshal number into Go value of type map[string]bool"),
        ('{"name":{"a":1}}', "json: cannot unmarshal number into Go value of type bool"),
        ('{"name":[1]}', "json: cannot unmarshal array into Go value of type map[string]bool"),
    ],
)
def test_malformed_filters_are_described_as_go_does(text: str, message: str) -> None:
    with pytest.raises(InternalError) as error:
        Filters.parse(text)
    assert error.value.message == message


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(BadRequest, match="Invalid filter 'zz'"):
        Filters.parse('{"zz":["1"]}', {"name"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=10,
    )
)
def test_all_json_is_json(value: object) -> None:
    assert problem(json.dumps(value)) is None
    assert problem(json.dumps(value, ensure_ascii=False, indent=1)) is None


@given(st.text(alphabet='{}[]":,0123456789.eE+-truefalsn \\u\n'))
def test_what_python_refuses_go_refuses(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda _: 1 / 0)
    except ValueError:
        assert problem(text) is not None
    except ZeroDivisionError:
        pass
    else:
        assert problem(text) is None


def test_values_are_exact_or_expressions_and_labels_must_all_hold() -> None:
    filters = Filters.parse('{"name":["^web","db"],"label":["a","b=2"]}')
    assert filters.match("name", "web1") and filters.match("name", "mydb")
    assert not filters.match("name", "theweb")
    assert filters.labels({"a": "", "b": "2"})
    assert not filters.labels({"a": "", "b": "3"})
    assert filters.match("other", "anything")


def test_a_value_that_is_no_expression_only_matches_itself() -> None:
    filters = Filters.parse('{"name":["*"]}')
    assert filters.match("name", "*")
    assert not filters.match("name", "x")


def test_times_drop_trailing_zeros_as_go_does() -> None:
    assert rfc3339(0) == "2026-06-01T00:00:00Z"
    assert rfc3339(1_500_000_000) == "2026-06-01T00:00:01.5Z"
    assert rfc3339(10) == "2026-06-01T00:00:00.00000001Z"


@given(st.integers(0, 10**18))
def test_a_time_is_read_as_it_was_written(ns: int) -> None:
    assert parse_time(rfc3339(ns), 0) == ns
    assert parse_unix(f"{EPOCH_S + ns // S}.{ns % S:09d}") == ns


def test_since_may_be_a_duration_ago() -> None:
    assert parse_time("1h30m", 10_000 * S) == (10_000 - 5400) * S


def test_a_bad_time_is_described_as_go_does() -> None:
    with pytest.raises(ValueError, match=r'strconv\.ParseInt: parsing "zz": invalid syntax'):
        parse_unix("zz")
