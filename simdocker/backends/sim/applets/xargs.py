"""xargs."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, decode, options
from simdocker.backends.sim.applets.input import must_read, standard_input
from simdocker.backends.sim.applets.process import spawn_and_wait


@applet("xargs")
def xargs(call: Call) -> Status:
    found = options(call, "0trpa:e::E:I:n:s:P:x", permute=False)
    if "a" in found:
        data = yield from must_read(call, found.value("a"))
    else:
        data = yield from standard_input(call).all()
    text = decode(data)
    argv = found.args or ["echo"]
    if "I" in found:
        mark = found.value("I")
        lines = [line.lstrip() for line in text.split("\n")]
        commands = [[word.replace(mark, line) for word in argv] for line in lines if line]
    else:
        items = [item for item in text.split("\0") if item] if "0" in found else _items(text)
        stop = found.value("E")
        if stop and stop in items:
            items = items[: items.index(stop)]
        size = int(found.value("n", "0")) or max(len(items), 1)
        commands = [[*argv, *items[at : at + size]] for at in range(0, len(items), size)]
        if not commands and "r" not in found:
            commands = [argv]
    return (yield from _run_all(call, commands, int(found.value("P", "1")), "t" in found))


def _items(text: str) -> list[str]:
    """Words; quotes and backslashes protect blanks."""
    items: list[str] = []
    current: list[str] | None = None
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char in " \t\n":
            if current is not None:
                items.append("".join(current))
                current = None
            continue
        current = [] if current is None else current
        if char in "'\"":
            end = text.find(char, position)
            if end < 0 or "\n" in text[position:end]:
                raise Failure(f"unmatched {'single' if char == chr(39) else 'double'} quote")
            current.append(text[position:end])
            position = end + 1
        elif char == "\\" and position < len(text):
            current.append(text[position])
            position += 1
        else:
            current.append(char)
    if current is not None:
        items.append("".join(current))
    return items


def _run_all(call: Call, commands: list[list[str]], parallel: int, trace: bool) -> Status:
    status = 0
    running = []
    for argv in commands:
        if trace:
            call.err(" ".join(argv) + "\n")
        if parallel > 1:
            yield from call.flush()
            try:
                running.append(call.p.spawn(argv))
            except OSError as error:
                call.complain(f"{argv[0]}: {error.strerror}")
                return 127
            if len(running) >= parallel:
                status = _worse(status, int((yield from call.p.wait(running.pop(0)))))
            continue
        ended = yield from spawn_and_wait(call, argv)
        if ended == -1:
            return 127
        if ended == 255:
            call.complain(f"{argv[0]}: exited with status 255; aborting")
            return 124
        status = _worse(status, ended)
    for child in running:
        status = _worse(status, int((yield from call.p.wait(child))))
    return status


def _worse(status: int, ended: int) -> int:
    if ended > 128:
        return 125
    return 123 if ended else status
