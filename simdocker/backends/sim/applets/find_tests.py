"""The tests of find that take an argument: -name, -type, -size, -newer and their kin."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.applets import modes
from simdocker.backends.sim.applets.call import Failure, encode
from simdocker.backends.sim.applets.clock import wall_ns
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex
from simdocker.backends.sim.applets.tree import DIRECTORY, base, group_number, kind, user_number
from simdocker.backends.sim.program import Stat
from simdocker.backends.sim.shell.patterns import matches

if TYPE_CHECKING:
    from simdocker.backends.sim.applets.find import Find

Truth = Generator[Event, Any, bool]
_TYPES = {"f": 0o100000, "d": 0o040000, "l": 0o120000, "b": 0o060000, "c": 0o020000, "s": 0o140000, "p": 0o010000}
_MINUTE = 60 * 1_000_000_000


class Place:
    """The file that the expression looks at."""

    __slots__ = ("depth", "path", "prune", "stat")

    def __init__(self, path: str, stat: Stat, depth: int) -> None:
        self.path = path
        self.stat = stat
        self.depth = depth
        self.prune = False


Test = Callable[[Place], "bool | Truth"]


def _compare(text: str, unit: Callable[[Place], int]) -> Test:
    """`+N` more than, `-N` less than, `N` exactly."""
    if not re.fullmatch(r"[-+]?\d+", text):
        raise Failure(f"invalid number '{text}'")
    number = int(text.lstrip("+-"))
    if text[0] == "+":
        return lambda place: unit(place) > number
    if text[0] == "-":
        return lambda place: unit(place) < number
    return lambda place: unit(place) == number


def _name(search: Find, word: str) -> Test:
    pattern = search.value(word)
    if word == "-iname":
        return lambda place: matches(pattern.lower(), base(place.path).lower())
    return lambda place: matches(pattern, base(place.path))


def _path(search: Find, word: str) -> Test:
    pattern = search.value(word)
    if word == "-ipath":
        return lambda place: matches(pattern.lower(), place.path.lower())
    return lambda place: matches(pattern, place.path)


def _regex(search: Find, word: str) -> Test:
    text = search.value(word)
    try:
        pattern = compile_regex(encode(text))
    except BadRegex as error:
        raise Failure(f"bad regex '{text}': {error}") from None
    return lambda place: pattern.pattern.fullmatch(encode(place.path)) is not None


def _type(search: Find, word: str) -> Test:
    letter = search.value(word)
    if letter not in _TYPES:
        raise Failure(f"invalid argument '{letter}' to '-type'")
    return lambda place: kind(place.stat) == _TYPES[letter]


def _perm(search: Find, word: str) -> Test:
    text = search.value(word)
    mode = modes.change(text.lstrip("-+/"), 0, False, 0)
    if mode is None:
        raise Failure(f"invalid mode '{text}'")
    if text[0] == "-":
        return lambda place: place.stat.st_mode & mode == mode
    if text[0] in "+/":
        return lambda place: bool(place.stat.st_mode & mode)
    return lambda place: place.stat.st_mode & 0o7777 == mode


def _age(search: Find, word: str) -> Test:
    text = search.value(word)
    unit = _MINUTE if word.endswith("min") else 24 * 60 * _MINUTE
    now = wall_ns(search.call.p)
    return _compare(text, lambda place: (now - place.stat.st_mtime_ns) // unit)


def _newer(search: Find, word: str) -> Test:
    reference = search.value(word)
    try:
        when = search.call.p.stat(reference).st_mtime_ns
    except OSError as error:
        raise Failure(f"{reference}: {error.strerror}") from None
    return lambda place: place.stat.st_mtime_ns // 1_000_000_000 > when // 1_000_000_000


def _user(search: Find, word: str) -> Test:
    name = search.value(word)
    number = user_number(search.call.p, name)
    if number is None:
        raise Failure(f"unknown user {name}")
    return lambda place: place.stat.st_uid == number


def _group(search: Find, word: str) -> Test:
    name = search.value(word)
    number = group_number(search.call.p, name)
    if number is None:
        raise Failure(f"unknown group {name}")
    return lambda place: place.stat.st_gid == number


def _size(search: Find, word: str) -> Test:
    text = search.value(word)
    match = re.fullmatch(r"([-+]?)(\d+)([bckwM]?)", text)
    if not match:
        raise Failure(f"invalid number '{text}'")
    unit = {"c": 1, "k": 1024, "w": 2, "M": 1 << 20}.get(match.group(3), 512)
    size = int(match.group(2)) * unit
    if match.group(1) == "+":
        return lambda place: place.stat.st_size > size
    if match.group(1) == "-":
        return lambda place: place.stat.st_size < size
    return lambda place: place.stat.st_size == size


def _empty(search: Find, word: str) -> Test:
    def test(place: Place) -> bool:
        if kind(place.stat) == DIRECTORY:
            return not search.call.p.listdir(place.path)
        return kind(place.stat) == 0o100000 and place.stat.st_size == 0

    return test


def _links(search: Find, word: str) -> Test:
    return _compare(search.value(word), lambda place: place.stat.st_nlink)


def _inode(search: Find, word: str) -> Test:
    return _compare(search.value(word), lambda place: place.stat.st_ino)


def _executable(search: Find, word: str) -> Test:
    return lambda place: search.call.p.access(place.path, 1)


def _same(search: Find, word: str) -> Test:
    path = search.value(word)
    try:
        other = search.call.p.stat(path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    return lambda place: (place.stat.st_dev, place.stat.st_ino) == (other.st_dev, other.st_ino)


TESTS: dict[str, Callable[[Find, str], Test]] = {
    "-name": _name, "-iname": _name, "-path": _path, "-ipath": _path, "-regex": _regex, "-type": _type, "-perm": _perm,
    "-mtime": _age, "-atime": _age, "-ctime": _age, "-mmin": _age, "-amin": _age, "-cmin": _age, "-newer": _newer,
    "-user": _user, "-group": _group, "-size": _size, "-empty": _empty, "-links": _links, "-inum": _inode,
    "-executable": _executable, "-samefile": _same,
}  # fmt: skip
