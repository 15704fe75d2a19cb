"""From the lines of a Dockerfile to its instructions (BuildKit's `dockerfile/parser`).

Lines ending in the escape character go on, comments and empty lines fall away, a directive on top
may choose another escape character. Each instruction's words are then taken apart in its own way:
a JSON array, `name=value` pairs, words, or the rest of the line as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import msgspec

from simdocker.api.gotext import go_quote

LONGEST_LINE = 64 * 1024 - 1  # Go's bufio.MaxScanTokenSize
SPACE = " \t\n\v\f\r\x85\xa0"  # Go's unicode.IsSpace, of Latin-1
ESCAPES = ("`", "\\")

_NO_TEXT = re.compile("[\udc80-\udcff]")  # bytes that are not UTF-8: Go's encoder makes U+FFFD of each
_WHITESPACE = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_KNOWN_DIRECTIVES = ("escape", "syntax")
_EMPTY_LINES = "[WARNING]: Empty continuation lines will become errors in a future release."


class DockerfileError(Exception):
    """A text that is no Dockerfile; the argument says why in BuildKit's words."""


class Node(msgspec.Struct):
    """One instruction as written: its name in small letters, its flags (`--from=x`), its words, and
    whether these were a JSON array. `line` is where it begins, counted from 1; `original` its text with
    continued lines joined. `trigger` is what an ONBUILD holds."""

    name: str
    line: int
    original: str
    flags: list[str]
    words: list[str]
    json: bool = False
    trigger: Node | None = None


class Parsed(msgspec.Struct):
    """A Dockerfile's instructions in order, its escape character, and what the builder warns of."""

    nodes: list[Node]
    escape: str
    warnings: list[str]


def parse(text: bytes | str) -> Parsed:
    """Take a Dockerfile apart. Raises DockerfileError."""
    if isinstance(text, bytes):
        text = _NO_TEXT.sub("\ufffd", text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"))
    reader = _Reader(text)
    nodes = list(reader.nodes())
    if not nodes:
        raise DockerfileError("file with no instructions")
    return Parsed(nodes, reader.escape, [*reader.warnings, _EMPTY_LINES] if reader.warnings else [])


class _Reader:
    """The state of reading: how far, and which character continues a line."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        self._lines = [line.removesuffix("\r") for line in (lines[:-1] if not lines[-1] else lines)]
        self._at = 0
        self._directives = True  # whether a directive may still come
        self._seen: list[str] = []
        self.escape = "\\"
        self.warnings: list[str] = []

    def nodes(self) -> Iterator[Node]:
        while self._at < len(self._lines):
            line = self._next().lstrip(SPACE)
            self._directive(line)
            start = self._at
            text, ended = self._continued("" if line.startswith("#") else line)
            if ended and not text:
                continue
            if not ended:
                text = self._join(text)
            yield _node(text, start, self.escape)

    def _next(self) -> str:
        line = self._lines[self._at]
        self._at += 1
        if len(line) > LONGEST_LINE:
            raise DockerfileError(f"dockerfile line greater than max allowed size of {LONGEST_LINE}")
        return line

    def _join(self, text: str) -> str:
        """The text with the lines that continue it; comments among them are dropped."""
        empty, ended = False, False
        while not ended and self._at < len(self._lines):
            line = self._next()
            if line.lstrip(SPACE).startswith("#"):
                continue
            if not line.strip(SPACE):
                empty = True
                continue
            more, ended = self._continued(line)
            text += more
        if empty:
            self.warnings.append(f"[WARNING]: Empty continuation line found in:\n    {text}")
        return text

    def _continued(self, line: str) -> tuple[str, bool]:
        """The line without its continuation character, and whether it is the last."""
        trimmed = line.rstrip(" \t")
        return (trimmed[:-1], False) if trimmed.endswith(self.escape) else (line, True)

    def _directive(self, line: str) -> None:
        """`# escape=` and `# syntax=` on the first lines; whatever else stands there ends the directives."""
        match = _DIRECTIVE.fullmatch(line) if self._directives else None
        name = match[1].lower() if match is not None else ""
        if match is None or name not in _KNOWN_DIRECTIVES:
            self._directives = False
            return
        if name in self._seen:
            raise DockerfileError(f"only one {name} parser directive can be used")
        self._seen.append(name)
        if name == "escape":
            if match[2] not in ESCAPES:
                raise DockerfileError(f"invalid escape token '{match[2]}' does not match ` or \\")
            self.escape = match[2]


def _node(text: str, line: int, escape: str) -> Node:
    name, *rest = _WHITESPACE.split(text.strip(SPACE), maxsplit=1)
    name = name.lower()
    arguments, flags = _flags(rest[0]) if rest else ("", [])
    arguments = arguments.strip(SPACE)
    node = Node(name, line, text, flags, [])
    if name == "onbuild":
        node.trigger = _node(arguments, line, escape) if arguments else None
    elif name == "healthcheck":
        kind, _, command = _partition_space(arguments)
        if kind:
            words, node.json = _json_or_text(command, escape)
            node.words = [kind, *words]
    elif name in _WORDS:
        node.words, node.json = _WORDS[name](arguments, escape)
    return node


def _partition_space(text: str) -> tuple[str, str, str]:
    match = re.search(f"[{SPACE}]+", text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


# -- flags: the `--name=value` words before anything else ------------------------------------------


def _flags(text: str) -> tuple[str, list[str]]:
    """What follows the flags, and the flags. Quotes and backslashes count as in a shell."""
    flags: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in SPACE:
            at += 1
            continue
        if not text.startswith("--", at):
            return text[at:], flags
        word, at = _flag(text, at)
        if word == "--":
            return text[at:], flags
        flags.append(word)
    return "", flags


def _flag(text: str, at: int) -> tuple[str, int]:
    """One word from `at`, and where it ends."""
    word, quote = "", ""
    while at < len(text):
        char = text[at]
        at += 1
        if char == quote:
            quote = ""
        elif char == "\\":
            word += text[at : at + 1]
            at += 1
        elif not quote and char in "'\"":
            quote = char
        elif not quote and char in SPACE:
            break
        else:
            word += char
    return word, at


# -- words, one way for each kind of instruction ---------------------------------------------------

Words = tuple[list[str], bool]
"""The words, and whether they were a JSON array."""


def _split(text: str, escape: str) -> list[str]:
    """Words as in a shell, their quotes and escapes kept: these are for the expansion to take away."""
    words: list[str] = []
    word, quote, at = "", "", 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == escape and quote != "'":
            if at < len(text):  # one at the very end counts for nothing
                word += char + text[at]
                at += 1
            continue
        if not quote and char in SPACE:
            if word:
                words.append(word)
            word = ""
            continue
        if not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
        word += char
    return [*words, word] if word else words


def _array(text: str) -> list[str] | None:
    """The strings of a JSON array at the beginning of `text`, None when there is none. Like Go's
    decoder it leaves what follows the array alone."""
    if not text.startswith("["):
        return None
    try:
        values, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise DockerfileError("when using JSON array syntax, arrays must be comprised of strings only")
    return list(values)


def _json_or_text(text: str, escape: str) -> Words:
    array = _array(text)
    if array is not None:
        return array, True
    return ([text] if text else []), False


def _json_or_words(text: str, escape: str) -> Words:
    array = _array(text)
    return (array, True) if array is not None else _by_spaces(text, escape)


def _by_spaces(text: str, escape: str) -> Words:
    return (_WHITESPACE.split(text) if text else []), False


def _text(text: str, escape: str) -> Words:
    return ([text] if text else []), False


def _names(text: str, escape: str) -> Words:
    return _split(text, escape), False


def _pairs(instruction: str) -> Callable[[str, str], Words]:
    """`name=value …`, or the old form `name value`: names and values in turn."""

    def words(text: str, escape: str) -> Words:
        pairs = _split(text, escape)
        if pairs and "=" not in pairs[0]:
            parts = _WHITESPACE.split(text, maxsplit=1)
            if len(parts) < 2:
                raise DockerfileError(f"{instruction} must have two arguments")
            return parts, False
        flat: list[str] = []
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not equals:
                raise DockerfileError(
                    f"Syntax error - can't find = in {go_quote(pair)}. Must be of the form: name=value"
                )
            flat += (name, value)
        return flat, False

    return words


_WORDS: dict[str, Callable[[str, str], Words]] = {
    "add": _json_or_words,
    "arg": _names,
    "cmd": _json_or_text,
    "copy": _json_or_words,
    "entrypoint": _json_or_text,
    "env": _pairs("ENV"),
    "expose": _by_spaces,
    "from": _by_spaces,
    "label": _pairs("LABEL"),
    "maintainer": _text,
    "run": _json_or_text,
    "shell": _json_or_text,
    "stopsignal": _text,
    "user": _text,
    "volume": _json_or_words,
    "workdir": _text,
}
"""Instructions that are not here have no words: an unknown one is refused later, by name."""
