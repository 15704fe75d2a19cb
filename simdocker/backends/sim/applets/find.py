"""find."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, encode
from simdocker.backends.sim.applets.clock import wall_ns
from simdocker.backends.sim.applets.process import spawn_and_wait
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex
from simdocker.backends.sim.applets.tree import DIRECTORY, base, group_number, join, kind, user_number
from simdocker.backends.sim.program import Stat
from simdocker.backends.sim.shell.patterns import matches

Truth = Generator[Event, Any, bool]
_TYPES = {"f": 0o100000, "d": 0o040000, "l": 0o120000, "b": 0o060000, "c": 0o020000, "s": 0o140000, "p": 0o010000}
_MINUTE = 60 * 1_000_000_000


class _Quit(Exception):
    """-quit"""


class _Place:
    """The file that the expression looks at."""

    __slots__ = ("depth", "path", "prune", "stat")

    def __init__(self, path: str, stat: Stat, depth: int) -> None:
        self.path = path
        self.stat = stat
        self.depth = depth
        self.prune = False


Test = Callable[[_Place], "bool | Truth"]


@applet("find")
def find(call: Call) -> Status:
    args = list(call.args)
    follow = follow_operands = False
    while args and args[0] in ("-H", "-L", "-P"):
        option = args.pop(0)
        follow, follow_operands = option == "-L", option == "-H"
    paths = []
    while args and not args[0].startswith("-") and args[0] not in ("(", "!", ")"):
        paths.append(args.pop(0))
    search = _Find(call, args)
    search.follow = search.follow or follow
    status = 0
    try:
        for path in paths or ["."]:
            status |= yield from search.walk(path, 0, follow_operands)
    except _Quit:
        pass
    for batch in search.batches:
        status |= yield from batch.run()
    return status | search.status


class _Batch:
    """`-exec … {} +`: one command for many files."""

    def __init__(self, call: Call, argv: list[str]) -> None:
        self.call = call
        self.argv = argv
        self.paths: list[str] = []

    def run(self) -> Status:
        if not self.paths:
            return 0
        argv = [each for word in self.argv for each in (self.paths if word == "{}" else [word])]
        return int((yield from spawn_and_wait(self.call, argv)) != 0)


class _Find:
    """The expression, compiled, and the walk."""

    def __init__(self, call: Call, args: list[str]) -> None:
        self.call = call
        self.args = args
        self.at = 0
        self.follow = self.depth_first = False
        self.one_device = False
        self.minimum, self.maximum = 0, 1 << 30
        self.batches: list[_Batch] = []
        self.acts = False
        self.status = 0
        self.device = 0
        self.test: Test = self.either() if args else lambda place: True
        if self.at < len(args):
            raise Usage(f"unrecognized: {args[self.at]}")
        if not self.acts:
            test = self.test

            def print_found(place: _Place) -> Truth:
                if (yield from truth(test, place)):
                    self.call.out(f"{place.path}\n")
                return True

            self.test = print_found

    def walk(self, path: str, depth: int, follow_operand: bool = False) -> Status:
        p = self.call.p
        try:
            found = p.stat(path) if self.follow or (follow_operand and depth == 0) else p.lstat(path)
        except OSError as error:
            try:
                found = p.lstat(path)
            except OSError:
                self.call.complain(f"{path}: {error.strerror}")
                return 1
        if depth == 0:
            self.device = found.st_dev
        place = _Place(path, found, depth)
        status = 0
        if not self.depth_first and depth >= self.minimum:
            yield from truth(self.test, place)
        descend = kind(found) == DIRECTORY and depth < self.maximum and not place.prune
        if descend and not (self.one_device and found.st_dev != self.device):
            try:
                names = p.listdir(path)
            except OSError as error:
                self.call.complain(f"{path}: {error.strerror}")
                return 1
            for name in names:
                status |= yield from self.walk(join(path, name), depth + 1)
        if self.depth_first and depth >= self.minimum:
            yield from truth(self.test, place)
        if len(self.call.pending) > 64:
            yield from self.call.flush()
        return status

    # the expression

    def peek(self) -> str:
        return self.args[self.at] if self.at < len(self.args) else ""

    def value(self, name: str) -> str:
        self.at += 1
        if self.at > len(self.args):
            raise Failure(f"{name} requires an argument")
        return self.args[self.at - 1]

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek() in ("-o", "-or"):
            self.at += 1
            tests.append(self.both())
        if len(tests) == 1:
            return tests[0]

        def run(place: _Place) -> Truth:
            for test in tests:
                if (yield from truth(test, place)):
                    return True
            return False

        return run

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek() and self.peek() not in ("-o", "-or", ")"):
            if self.peek() in ("-a", "-and"):
                self.at += 1
            tests.append(self.one())
        if len(tests) == 1:
            return tests[0]

        def run(place: _Place) -> Truth:
            for test in tests:
                if not (yield from truth(test, place)):
                    return False
            return True

        return run

    def one(self) -> Test:
        word = self.peek()
        self.at += 1
        if word in ("!", "-not"):
            inner = self.one()

            def inverted(place: _Place) -> Truth:
                return not (yield from truth(inner, place))

            return inverted
        if word == "(":
            inner = self.either()
            if self.peek() != ")":
                raise Failure("unpaired '('")
            self.at += 1
            return inner
        return self.primary(word)

    def primary(self, word: str) -> Test:
        if word in ("-print", "-print0"):
            self.acts = True
            return self.printing("\0" if word == "-print0" else "\n")
        if word in ("-exec", "-ok"):
            self.acts = True
            return self.command()
        if word in _FLAGS:
            _FLAGS[word](self)
            return lambda place: True
        if word == "-prune":
            return self.pruning
        if word == "-quit":
            self.acts = True
            return self.quitting
        if word in ("-maxdepth", "-mindepth"):
            text = self.value(word)
            if not text.isdigit():
                raise Failure(f"invalid number '{text}'")
            if word == "-maxdepth":
                self.maximum = int(text)
            else:
                self.minimum = int(text)
            return lambda place: True
        if word in _TESTS:
            return _TESTS[word](self, word)
        raise Usage(f"unrecognized: {word}")

    def printing(self, end: str) -> Test:
        def show(place: _Place) -> bool:
            self.call.out(f"{place.path}{end}")
            return True

        return show

    def pruning(self, place: _Place) -> bool:
        place.prune = True
        return True

    def quitting(self, place: _Place) -> bool:
        raise _Quit

    def command(self) -> Test:
        argv: list[str] = []
        while self.peek() not in (";", "+") or (self.peek() == "+" and argv[-1:] != ["{}"]):
            if self.at >= len(self.args):
                raise Failure("-exec requires an argument")
            argv.append(self.args[self.at])
            self.at += 1
        end = self.args[self.at]
        self.at += 1
        if end == "+":
            batch = _Batch(self.call, argv)
            self.batches.append(batch)

            def collect(place: _Place) -> bool:
                batch.paths.append(place.path)
                return True

            return collect

        def run(place: _Place) -> Truth:
            status = yield from spawn_and_wait(self.call, [word.replace("{}", place.path) for word in argv])
            return status == 0

        return run


def truth(test: Test, place: _Place) -> Truth:
    """Process: a test's value, whether or not it takes time."""
    result = test(place)
    return result if isinstance(result, bool) else (yield from result)


def _set_depth(search: _Find) -> None:
    search.depth_first = True


def _set_device(search: _Find) -> None:
    search.one_device = True


def _set_follow(search: _Find) -> None:
    search.follow = True


_FLAGS: dict[str, Callable[[_Find], None]] = {
    "-depth": _set_depth, "-xdev": _set_device, "-mount": _set_device, "-follow": _set_follow,
}  # fmt: skip


def _compare(text: str, unit: Callable[[_Place], int]) -> Test:
    """`+N` more than, `-N` less than, `N` exactly."""
    if not re.fullmatch(r"[-+]?\d+", text):
        raise Failure(f"invalid number '{text}'")
    number = int(text.lstrip("+-"))
    if text[0] == "+":
        return lambda place: unit(place) > number
    if text[0] == "-":
        return lambda place: unit(place) < number
    return lambda place: unit(place) == number


def _name(search: _Find, word: str) -> Test:
    pattern = search.value(word)
    if word == "-iname":
        return lambda place: matches(pattern.lower(), base(place.path).lower())
    return lambda place: matches(pattern, base(place.path))


def _path(search: _Find, word: str) -> Test:
    pattern = search.value(word)
    if word == "-ipath":
        return lambda place: matches(pattern.lower(), place.path.lower())
    return lambda place: matches(pattern, place.path)


def _regex(search: _Find, word: str) -> Test:
    text = search.value(word)
    try:
        pattern = compile_regex(encode(text))
    except BadRegex as error:
        raise Failure(f"bad regex '{text}': {error}") from None
    return lambda place: pattern.pattern.fullmatch(encode(place.path)) is not None


def _type(search: _Find, word: str) -> Test:
    letter = search.value(word)
    if letter not in _TYPES:
        raise Failure(f"invalid argument '{letter}' to '-type'")
    return lambda place: kind(place.stat) == _TYPES[letter]


def _perm(search: _Find, word: str) -> Test:
    text = search.value(word)
    mode = modes.change(text.lstrip("-+/"), 0, False, 0)
    if mode is None:
        raise Failure(f"invalid mode '{text}'")
    if text[0] == "-":
        return lambda place: place.stat.st_mode & mode == mode
    if text[0] in "+/":
        return lambda place: bool(place.stat.st_mode & mode)
    return lambda place: place.stat.st_mode & 0o7777 == mode


def _age(search: _Find, word: str) -> Test:
    text = search.value(word)
    unit = _MINUTE if word.endswith("min") else 24 * 60 * _MINUTE
    now = wall_ns(search.call.p)
    return _compare(text, lambda place: (now - place.stat.st_mtime_ns) // unit)


def _newer(search: _Find, word: str) -> Test:
    reference = search.value(word)
    try:
        when = search.call.p.stat(reference).st_mtime_ns
    except OSError as error:
        raise Failure(f"{reference}: {error.strerror}") from None
    return lambda place: place.stat.st_mtime_ns // 1_000_000_000 > when // 1_000_000_000


def _user(search: _Find, word: str) -> Test:
    name = search.value(word)
    number = user_number(search.call.p, name)
    if number is None:
        raise Failure(f"unknown user {name}")
    return lambda place: place.stat.st_uid == number


def _group(search: _Find, word: str) -> Test:
    name = search.value(word)
    number = group_number(search.call.p, name)
    if number is None:
        raise Failure(f"unknown group {name}")
    return lambda place: place.stat.st_gid == number


def _size(search: _Find, word: str) -> Test:
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


def _empty(search: _Find, word: str) -> Test:
    def test(place: _Place) -> bool:
        if kind(place.stat) == DIRECTORY:
            return not search.call.p.listdir(place.path)
        return kind(place.stat) == 0o100000 and place.stat.st_size == 0

    return test


def _links(search: _Find, word: str) -> Test:
    return _compare(search.value(word), lambda place: place.stat.st_nlink)


def _inode(search: _Find, word: str) -> Test:
    return _compare(search.value(word), lambda place: place.stat.st_ino)


def _executable(search: _Find, word: str) -> Test:
    return lambda place: search.call.p.access(place.path, 1)


def _same(search: _Find, word: str) -> Test:
    path = search.value(word)
    try:
        other = search.call.p.stat(path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    return lambda place: (place.stat.st_dev, place.stat.st_ino) == (other.st_dev, other.st_ino)


_TESTS: dict[str, Callable[[_Find, str], Test]] = {
    "-name": _name, "-iname": _name, "-path": _path, "-ipath": _path, "-regex": _regex, "-type": _type, "-perm": _perm,
    "-mtime": _age, "-atime": _age, "-ctime": _age, "-mmin": _age, "-amin": _age, "-cmin": _age, "-newer": _newer,
    "-user": _user, "-group": _group, "-size": _size, "-empty": _empty, "-links": _links, "-inum": _inode,
    "-executable": _executable, "-samefile": _same,
}  # fmt: skip
