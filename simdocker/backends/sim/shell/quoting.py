"""How the shell shows a word so that it could be typed again."""

from __future__ import annotations

from simdocker.backends.sim.shell.reader import KEYWORDS


def quoted(word: str) -> str:
    """As `set -x` shows a word: in single quotes when it has something special."""
    if not word:
        return ""
    special = any(char in word for char in " \t\n\"'\\$`&|;<>()[*?~#=%!{}")
    if (not special or word == "]") and word not in KEYWORDS:
        return word
    return single_quoted(word)


def single_quoted(text: str) -> str:
    """ash's single_quote(): every `'` on its own between double quotes."""
    if "'" not in text:
        return f"'{text}'"
    pieces = []
    for index, piece in enumerate(text.split("'")):
        if index:
            pieces.append('"\'"')
        if piece or index == 0:
            pieces.append(f"'{piece}'")
    return "".join(pieces)
