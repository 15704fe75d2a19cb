"""Go's literals inside templates: quoted strings, runes and numbers."""

from __future__ import annotations

from simdocker.actors.client.values import go_quote

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_WIDTHS = {"x": 2, "u": 4, "U": 8}


def unquote(literal: str) -> str:
    """Go's strconv.Unquote of a string or rune literal. Raises ValueError("invalid syntax")."""
    quote, body = literal[0], literal[1:-1]
    if quote == "`":
        return body.replace("\r", "")
    out: list[str] = []
    at = 0
    while at < len(body):
        char = body[at]
        if char != "\\":
            out.append(char)
            at += 1
            continue
        text, at = _escape(body, at + 1, quote)
        out.append(text)
    return "".join(out)


def _escape(body: str, at: int, quote: str) -> tuple[str, int]:
    letter = body[at : at + 1]
    if letter in _SIMPLE and letter:
        return _SIMPLE[letter], at + 1
    if letter == quote:
        return quote, at + 1
    if letter in _WIDTHS and letter:
        digits, base = body[at + 1 : at + 1 + _WIDTHS[letter]], 16
        width, at = _WIDTHS[letter], at + 1
    else:
        digits, base, width = body[at : at + 3], 8, 3
    try:
        if len(digits) != width:
            raise ValueError
        return chr(int(digits, base)), at + width
    except (ValueError, OverflowError):
        raise ValueError("invalid syntax") from None


def parse_number(text: str) -> tuple[int | None, float, bool]:
    """A number literal: its whole value (None when it has none), its real value, and whether it was
    written as a float. Raises ValueError with Go's sentence."""
    if text[0] == "'":
        char = unquote(text)
        if len(char) != 1:
            raise ValueError(f"malformed character constant: {text}")
        return ord(char), float(ord(char)), False
    is_hex = text.lstrip("+-").lower().startswith("0x")
    is_float = not is_hex and any(mark in text for mark in ".eEpP")
    try:
        if is_float:
            real = float(text.replace("_", ""))
            return (int(real) if real == int(real) else None), real, True
        digits = text.lstrip("+-").replace("_", "")
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        whole = int(digits, 8 if octal else 0)
    except (ValueError, OverflowError):
        raise ValueError(f"illegal number syntax: {go_quote(text)}") from None
    if text.startswith("-"):
        whole = -whole
    if not -(1 << 63) <= whole < 1 << 64:
        raise ValueError(f"integer overflow: {go_quote(text)}")
    return whole, float(whole), False
