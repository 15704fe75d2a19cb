"""Dockerfiles are taken apart, refused and expanded in the words of Docker 20.10's classic builder.

Every sentence and word here was asked of a real engine.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdocker.content.dockerfile import (
    BadInstruction,
    DockerfileError,
    Expander,
    ExpansionError,
    parse,
    stages,
)

LINE = "dockerfile parse error line "


def refusal(text: str) -> str:
    """What the builder says against a Dockerfile, "" when it has nothing against it."""
    try:
        stages(parse(text))
    except (DockerfileError, BadInstruction) as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("FORM busybox\n", LINE + "1: unknown instruction: FORM"),
        ("\n\n# hi\n", "file with no instructions"),
        ("RUN x\n", "no build stage in current context"),
        ("FROM\n", LINE + "1: FROM requires either one or three arguments"),
        ("FROM a b c\n", LINE + "1: FROM requires either one or three arguments"),
        (
            "FROM busybox AS 1a\n",
            LINE + '1: invalid name for build stage: "1a", name can\'t start with a number or contain symbols',
        ),
        ("FROM a\nENV A\n", "ENV must have two arguments"),
        ("FROM a\nENV A=b c\n", 'Syntax error - can\'t find = in "c". Must be of the form: name=value'),
        (
            "FROM a\n\nCOPY a\n",
            LINE + "3: COPY requires at least two arguments, but only one was provided. "
            "Destination could not be determined",
        ),
        ("FROM a\nHEALTHCHECK foo\n", LINE + '2: Unknown type "FOO" in HEALTHCHECK (try CMD)'),
        ("FROM a\nHEALTHCHECK --interval=x CMD a\n", LINE + '2: time: invalid duration "x"'),
        ("FROM a\nONBUILD FROM x\n", LINE + "2: FROM isn't allowed as an ONBUILD trigger"),
        ("FROM a\nONBUILD ONBUILD RUN x\n", LINE + "2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("FROM a\nSHELL a\n", LINE + "2: SHELL requires the arguments to be in JSON form"),
        ("FROM a\nRUN <<EOF\necho hi\nEOF\n", LINE + "3: unknown instruction: ECHO"),
        ("FROM a\nCOPY --foo=7 a b\n", LINE + "2: Unknown flag: foo"),
        ("FROM a\nRUN --mount=type=foo x\n", LINE + '2: unsupported mount type "foo"'),
        ("FROM a\nWORKDIR\n", LINE + "2: WORKDIR requires exactly one argument"),
        ('FROM a\nVOLUME [""]\n', LINE + "2: VOLUME specified can not be an empty string"),
        ("#escape=x\nFROM a\n", "invalid escape token 'x' does not match ` or \\"),
        ("# syntax=a\n# syntax=b\nFROM a\n", "only one syntax parser directive can be used"),
        ("# hi\n# escape=x\nFROM a\n", ""),
        ("# foo=bar\n# escape=`\nFROM a\nCMD a`\nb", LINE + "5: unknown instruction: B"),
        ('FROM a\nCMD ["a", 1]\n', "when using JSON array syntax, arrays must be comprised of strings only"),
        ("FROM a\nRUN " + "x" * 65_536, "dockerfile line greater than max allowed size of 65535"),
    ],
)
def test_a_bad_dockerfile_is_refused_in_the_builders_words(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


def only(text: str, *, before: str = "") -> tuple[str, ...]:
    """The words of the one instruction after FROM."""
    return stages(parse(f"{before}FROM busybox\n{text}\n"))[1][0].instructions[0].words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RUN echo a \\\n  # why\n  b", ("echo a   b",)),
        ('CMD ["a", "b\\"c"] and more', ("a", 'b"c')),
        ("CMD [a]", ("[a]",)),
        ('COPY ["a" b', ('["a"', "b")),
        ("ENV old style  value", ("old", "style  value")),
        ('ENV a=b c=\'d e\' f="g\\" h" i=j\\ k', ("a", "b", "c", "'d e'", "f", '"g\\" h"', "i", "j\\ k")),
        ("EXPOSE 80 443/tcp", ("443/tcp", "80")),
        ("LABEL a=b", ("a", "b")),
    ],
)
def test_instructions_are_taken_apart_each_in_its_way(text: str, words: tuple[str, ...]) -> None:
    assert only(text) == words


def test_the_escape_directive_chooses_what_continues_a_line() -> None:
    assert only("RUN echo `\n a\\", before="# escape=`\n") == ("echo  a\\",)


def test_an_empty_continuation_line_is_warned_of() -> None:
    parsed = parse("FROM a\nRUN echo a \\\n\n b\n")
    assert parsed.warnings == [
        "[WARNING]: Empty continuation line found in:\n    RUN echo a  b",
        "[WARNING]: Empty continuation lines will become errors in a future release.",
    ]


VARIABLES = {"x": "1", "empty": "", "list": "80 443", "q": 'a"b'}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$x ${x}$y", "1 1"),
        ("${y:-d$x} ${empty:-e} ${x:-no}", "d1 e 1"),
        ("${x:+yes}${y:+no}${empty:+no}", "yes"),
        ("'$x' \"$x\" \\$x", "$x 1 $x"),
        ('"a \\"b\\" \\c"', 'a "b" \\c'),
        ("$", "$"),
        ("$1$!x", "x"),
        ("$q", 'a"b'),
        ("${x:?unset}", "1"),
    ],
)
def test_variables_and_quotes(text: str, expanded: str) -> None:
    assert Expander("\\", VARIABLES).word(text) == expanded


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${b:?err}", 'failed to process "${b:?err}": b: err'),
        ("${b", "failed to process \"${b\": missing ':' in substitution"),
        ("${b:*}", 'failed to process "${b:*}": unsupported modifier (*) in substitution'),
        (
            '"',
            'failed to process "\\"": unexpected end of statement while looking for matching double-quote',
        ),
    ],
)
def test_a_word_that_cannot_be_expanded(text: str, sentence: str) -> None:
    with pytest.raises(ExpansionError) as fault:
        Expander("\\", VARIABLES).word(text)
    assert str(fault.value) == sentence


def test_an_unquoted_variable_may_be_several_words() -> None:
    assert Expander("\\", VARIABLES).words('$list $empty "$list"') == ["80", "443", "80 443"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_a_sentence(data: bytes) -> None:
    try:
        stages(parse(data))
    except (DockerfileError, BadInstruction) as fault:
        assert str(fault)


@given(st.text(alphabet="$ {}:-+?'\"\\ax1", max_size=30))
def test_any_word_is_expanded_or_refused_in_a_sentence(text: str) -> None:
    try:
        Expander("\\", VARIABLES).word(text)
    except ExpansionError as fault:
        assert str(fault).startswith("failed to process ")


def test_ten_thousand_lines_are_read() -> None:
    assert len(stages(parse("FROM a\n" + "RUN true\n" * 10_000))[1][0].instructions) == 10_000
