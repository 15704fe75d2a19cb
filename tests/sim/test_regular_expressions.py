"""POSIX expressions as grep, sed, expr and bash find them: what the real busybox finds, and at once."""

import random
import shlex
import shutil
import subprocess
import sys

import pytest

from simdocker.backends.sim.applets import matching
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex
from simdocker.errors import UserError
from tests.sim.bare import run
from tests.sim.shell_lines import played

REPEATS = ("*", "+", "?", "{1,2}", "{2}", "{0,1}", "{2,}", "{,2}")
BRACKETS = ("[ab]", "[^a]", "[a-c]", "[[:alpha:]]", "[[:space:]]", "\\w", "\\W", "[^[:punct:]]")
ANCHORS = ("^", "$", "\\b", "\\<", "\\>", "\\B")


def expression(draw, extended, depth=0):
    """A random expression of at most three levels of parentheses."""
    branches = (
        "".join(piece(draw, extended, depth) for _ in range(draw.randint(1, 3)))
        for _ in range(1 if draw.random() < 0.7 else 2)
    )
    return ("|" if extended else "\\|").join(branches)


def piece(draw, extended, depth):
    kind = draw.random()
    if kind < 0.45 or depth > 2:
        atom = draw.choice("abc")
    elif kind < 0.67:
        atom = draw.choice((".", "_", "-", " ", "\\.", *BRACKETS))
    elif kind < 0.73:
        return draw.choice(ANCHORS) if not depth else "a"  # glibc forgets anchors inside of what is repeated
    else:
        inner = expression(draw, extended, depth + 1)
        atom = f"({inner})" if extended else f"\\({inner}\\)"
    if draw.random() < 0.55:
        return atom
    repeat = draw.choice(REPEATS)
    if not extended and repeat != "*":
        repeat = "\\" + repeat.replace("}", "\\}")
    return atom + repeat


def marked(regex, line):
    """The line with what is found in angle brackets, as `s/REGEX/<&>/` makes it."""
    match = regex.search(line.encode())
    return (
        line if match is None else f"{line[: match.start()]}<{line[match.start() : match.end()]}>{line[match.end() :]}"
    )


@pytest.mark.busybox
@pytest.mark.skipif(not shutil.which("busybox"), reason="needs a busybox binary on this machine")
@pytest.mark.parametrize("extended", [False, True])
def test_random_expressions_find_what_the_real_sed_finds(extended):
    draw = random.Random(extended)
    for _ in range(150):
        text = expression(draw, extended)
        lines = ["".join(draw.choice("aaabbbcc _-.") for _ in range(draw.randint(0, 12))) for _ in range(8)]
        command = ["busybox", "sed", *(["-r"] if extended else []), f"s/{text}/<&>/"]
        real = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
        try:
            regex = compile_regex(text.encode(), extended=extended)
        except BadRegex as error:
            assert str(error) in real.stderr, text
            continue
        assert real.returncode == 0, (text, real.stderr)
        assert [marked(regex, line) for line in lines] == real.stdout.splitlines(), text


@pytest.mark.parametrize(
    "argv",
    [
        ["grep", "-E", "(a+)+b"],
        ["grep", "-E", "(a|aa)+$b"],
        ["grep", "(a*)*b"],
        ["sed", "-nr", "s/(a|a|a|a)*b/x/p"],
        ["sed", "-nr", "/\\<(a+)+\\>b/p"],
        ["awk", "/(a+)+b/"],
        ["grep", "-Ew", "(a+)+b"],
    ],
)
def test_what_would_be_tried_in_every_way_ends_at_once(argv):
    assert run(argv, stdin="a" * 5000 + "\n").stdout == b""


def test_an_alternative_that_matches_more_wins():
    assert run(["sed", "-r", "s/a|ab|abc/x/"], stdin="abcd\n").stdout == b"xd\n"
    assert run(["expr", "abcd", ":", "\\(a\\|ab\\)\\(c\\|bcd\\)"]).stdout in (b"a\n", b"ab\n")
    assert (
        run(["grep", "-oE", "x{3,1500}"], stdin="xx" + "x" * 1600 + "\n").stdout
        == b"x" * 1500 + b"\n" + b"x" * 102 + b"\n"
    )


def test_back_references_work_and_one_that_never_ends_is_said_to(monkeypatch):
    assert run(["sed", "-r", "s/(.)(.)\\2\\1/<&>/"], stdin="xabbay\n").stdout == b"x<abba>y\n"
    monkeypatch.setattr(matching, "PATIENCE_S", 0.05)
    with pytest.raises(UserError, match=r"regular expression .* in a line of 60 bytes"):
        compile_regex(b"(a|aa)+\\1[bc]", extended=True).search(b"a" * 60)


def test_without_re2_the_same_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    compile_regex.cache_clear()
    try:
        draw = random.Random(7)
        texts = [expression(draw, True) for _ in range(300)]
        lines = [b"aabbcc", b"cab_a.b-", b"", b"bca acb"]
        by_regex = [found(text, lines) for text in texts]
        assert "regex" in type(compile_regex(b"(b|c)*", extended=True).pattern).__module__
    finally:
        monkeypatch.undo()
        compile_regex.cache_clear()
    pytest.importorskip("re2")
    assert by_regex == [found(text, lines) for text in texts]


def found(text, lines):
    try:
        regex = compile_regex(text.encode(), extended=True)
    except BadRegex as error:
        return str(error)
    return [match.span() if (match := regex.search(line)) else None for line in lines]


def test_bash_matches_extended_expressions():
    test = "[[ aab-12 =~ ^(a+)b-([0-9]+)$ ]] && echo ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
    assert played(f"docker run --rm nginx bash -c '{test}'")[0].stdout == "aa 12\n"


def test_bash_ends_a_test_where_two_brackets_are_a_word():
    lines = ["x=ab12", '[[ $x =~ ^[a-z]+([[:digit:]])[[:digit:]]$ ]] && echo "${BASH_REMATCH[1]}"']
    lines += ["[[ $x == *[[:digit:]] ]] && echo ends", "[[ 'a ]] b' == *' ]] '* ]] && echo quoted"]
    assert played("docker run --rm nginx bash -c " + shlex.quote("\n".join(lines)))[0].stdout == "1\nends\nquoted\n"
