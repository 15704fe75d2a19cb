"""find."""

from __future__ import annotations

from collections.abc import Callable

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage
from simdocker.backends.sim.applets.find_tests import TESTS, Place, Test, Truth
from simdocker.backends.sim.applets.process import spawn_and_wait
from simdocker.backends.sim.applets.tree import DIRECTORY, join, kind


class _Quit(Exception):
    """-quit"""


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
    search = Find(call, args)
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


class Find:
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

            def print_found(place: Place) -> Truth:
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
        place = Place(path, found, depth)
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

        def run(place: Place) -> Truth:
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

        def run(place: Place) -> Truth:
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

            def inverted(place: Place) -> Truth:
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
        if word in TESTS:
            return TESTS[word](self, word)
        raise Usage(f"unrecognized: {word}")

    def printing(self, end: str) -> Test:
        def show(place: Place) -> bool:
            self.call.out(f"{place.path}{end}")
            return True

        return show

    def pruning(self, place: Place) -> bool:
        place.prune = True
        return True

    def quitting(self, place: Place) -> bool:
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

            def collect(place: Place) -> bool:
                batch.paths.append(place.path)
                return True

            return collect

        def run(place: Place) -> Truth:
            status = yield from spawn_and_wait(self.call, [word.replace("{}", place.path) for word in argv])
            return status == 0

        return run


def truth(test: Test, place: Place) -> Truth:
    """Process: a test's value, whether or not it takes time."""
    result = test(place)
    return result if isinstance(result, bool) else (yield from result)


def _set_depth(search: Find) -> None:
    search.depth_first = True


def _set_device(search: Find) -> None:
    search.one_device = True


def _set_follow(search: Find) -> None:
    search.follow = True


_FLAGS: dict[str, Callable[[Find], None]] = {
    "-depth": _set_depth, "-xdev": _set_device, "-mount": _set_device, "-follow": _set_follow,
}  # fmt: skip
