"""Shell patterns: `*`, `?`, `[…]`, matched against strings and against file names.

A pattern is a string in which a backslash makes the next character an ordinary one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simdocker.backends.sim.program import Process

_ACTIVE = re.compile(r"(?<!\\)(?:\\\\)*[*?\[]")
_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r" \t\n\r\f\v",
    "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "print": " -~", "graph": "!-~",
    "cntrl": r"\x00-\x1f\x7f",
}  # fmt: skip


def escape(text: str) -> str:
    """`text` as a pattern that matches only itself."""
    return re.sub(r"([*?\[\]\\!^-])", r"\\\1", text) if re.search(r"[*?\[\]\\!^-]", text) else text


def unescape(pattern: str) -> str:
    """The text of a pattern that is not used as one."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.S) if "\\" in pattern else pattern


def is_active(pattern: str) -> bool:
    """Whether the pattern has a special character that is not escaped."""
    return _ACTIVE.search(pattern) is not None


@lru_cache(maxsize=512)
def to_regex(pattern: str, *, greedy: bool = True) -> str:
    """The regular expression that matches what the pattern matches."""
    result: list[str] = []
    position, length = 0, len(pattern)
    while position < length:
        char = pattern[position]
        position += 1
        if char == "*":
            result.append(".*" if greedy else ".*?")
        elif char == "?":
            result.append(".")
        elif char == "\\" and position < length:
            result.append(re.escape(pattern[position]))
            position += 1
        elif char == "[":
            end = _bracket_end(pattern, position)
            if end < 0:
                result.append(r"\[")
            else:
                result.append(_bracket(pattern[position:end]))
                position = end + 1
        else:
            result.append(re.escape(char))
    return "".join(result)


def _bracket_end(pattern: str, position: int) -> int:
    at = position
    if pattern[at : at + 1] in ("!", "^"):
        at += 1
    if pattern[at : at + 1] == "]":
        at += 1
    while at < len(pattern):
        if pattern.startswith("[:", at):
            close = pattern.find(":]", at)
            if close > 0:
                at = close + 2
                continue
        if pattern[at] == "\\":
            at += 2
            continue
        if pattern[at] == "]":
            return at
        at += 1
    return -1


def _bracket(inner: str) -> str:
    negated = inner[:1] in ("!", "^")
    if negated:
        inner = inner[1:]
    inner = re.sub(r"\[:(\w+):\]", lambda match: "\0" + match.group(1) + "\0", inner)
    body: list[str] = []
    position = 0
    while position < len(inner):
        char = inner[position]
        position += 1
        if char == "\0":
            end = inner.index("\0", position)
            body.append(_CLASSES.get(inner[position:end], ""))
            position = end + 1
        elif char == "\\" and position < len(inner):
            body.append(re.escape(inner[position]))
            position += 1
        elif char in "[]\\^&~|":
            body.append("\\" + char)
        else:
            body.append(char)
    return f"[{'^' if negated else ''}{''.join(body)}]"


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """For matching a whole string."""
    try:
        return re.compile(to_regex(pattern), re.S)
    except re.error:
        return re.compile(re.escape(unescape(pattern)))


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole of `text`."""
    return compiled(pattern).fullmatch(text) is not None


def remove_prefix(text: str, pattern: str, longest: bool) -> str:
    """`${text#pattern}`, `${text##pattern}`."""
    expression = compiled(pattern)
    ends = range(len(text), -1, -1) if longest else range(len(text) + 1)
    for end in ends:
        if expression.fullmatch(text, 0, end):
            return text[end:]
    return text


def remove_suffix(text: str, pattern: str, longest: bool) -> str:
    """`${text%pattern}`, `${text%%pattern}`."""
    expression = compiled(pattern)
    starts = range(len(text) + 1) if longest else range(len(text), -1, -1)
    for start in starts:
        if expression.fullmatch(text, start):
            return text[:start]
    return text


def replace(text: str, pattern: str, replacement: str, every: bool) -> str:
    """`${text/pattern/replacement}`; the replacement is taken literally."""
    if not pattern:
        return text
    anchor = ""
    if pattern[0] in "#%" and not every:
        anchor, pattern = pattern[0], pattern[1:]
    regex = to_regex(pattern)
    if anchor:
        regex = f"\\A(?:{regex})" if anchor == "#" else f"(?:{regex})\\Z"
    result: list[str] = []
    position = 0
    expression = re.compile(regex, re.S)
    while position <= len(text):
        match = expression.search(text, position)
        if not match or (match.end() == match.start() and not anchor):
            break
        result += [text[position : match.start()], replacement]
        position = match.end()
        if not every:
            break
    result.append(text[position:])
    return "".join(result)


def file_names(p: Process, pattern: str) -> list[str]:
    """Paths that the pattern matches, sorted; empty when there are none."""
    absolute = pattern.startswith("/")
    parts = [part for part in pattern.split("/") if part]
    found = ["/"] if absolute else [""]
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        following: list[str] = []
        for base in found:
            if is_active(part):
                try:
                    names = p.listdir(base or ".")
                except OSError:
                    continue
                if part.startswith((".", "\\.")):
                    names = [".", "..", *names]
                expression = compiled(part)
                hidden = part.startswith((".", "\\."))
                for name in sorted(names, key=lambda text: text.encode("utf-8", "surrogateescape")):
                    if (hidden or not name.startswith(".")) and expression.fullmatch(name):
                        path = base + name
                        if last:
                            following.append(path)
                        elif _is_directory(p, path):
                            following.append(path + "/")
            else:
                path = base + unescape(part)
                if _exists(p, path):
                    following.append(path if last else path + "/")
        found = following
    if pattern.endswith("/"):
        found = [path + "/" for path in found if _is_directory(p, path)]
    return found


def _exists(p: Process, path: str) -> bool:
    try:
        p.lstat(path)
    except OSError:
        return False
    return True


def _is_directory(p: Process, path: str) -> bool:
    try:
        return p.stat(path).st_mode & 0o170000 == 0o040000
    except OSError:
        return False
