"""File modes as text: what chmod, umask, mkdir -m and ls understand and show."""

from __future__ import annotations

import re

_TYPES = {0o100000: "-", 0o040000: "d", 0o120000: "l", 0o020000: "c", 0o060000: "b", 0o010000: "p", 0o140000: "s"}


def change(text: str, mode: int, directory: bool, umask: int) -> int | None:
    """`mode` changed as `text` says, octal or `u+x,go-w`; None when that is no mode."""
    if re.fullmatch(r"[0-7]{1,5}", text):
        return int(text, 8) & 0o7777
    for clause in text.split(","):
        match = re.fullmatch(r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)", clause)
        if not match:
            return None
        who = match.group(1)
        mask = 0
        for letter in who or "a":
            mask |= {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}[letter]
        if not who:
            mask &= ~umask
        for operator, letters in re.findall(r"([-+=])([rwxXstugo]*)", match.group(2)):
            bits = 0
            for letter in letters:
                bits |= _bits(letter, mode, directory)
            bits &= mask
            if operator == "+":
                mode |= bits
            elif operator == "-":
                mode &= ~bits
            else:
                keep = 0o7000 if not who or "a" in who else 0
                mode = (mode & ~(mask & (0o777 | (0 if directory or keep else 0o7000)))) | bits
    return mode


def _bits(letter: str, mode: int, directory: bool) -> int:
    if letter in "rwx":
        return {"r": 0o444, "w": 0o222, "x": 0o111}[letter]
    if letter == "X":
        return 0o111 if directory or mode & 0o111 else 0
    if letter == "s":
        return 0o6000
    if letter == "t":
        return 0o1000
    source = mode >> {"u": 6, "g": 3, "o": 0}[letter] & 7
    return source * 0o111


def describe(mode: int) -> str:
    """`drwxr-xr-x`"""
    text = [_TYPES.get(mode & 0o170000, "?")]
    for shift, special, letter in ((6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")):
        bits = mode >> shift & 7
        text.append("r" if bits & 4 else "-")
        text.append("w" if bits & 2 else "-")
        if mode & special:
            text.append(letter if bits & 1 else letter.upper())
        else:
            text.append("x" if bits & 1 else "-")
    return "".join(text)
