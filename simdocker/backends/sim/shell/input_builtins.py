"""`read`: one line of input into variables."""

from __future__ import annotations

from simdocker.backends.sim.applets.call import BadOption, decode, options
from simdocker.backends.sim.shell.builtins import BuiltinCall, builtin
from simdocker.backends.sim.shell.interpreter import Status
from simdocker.backends.sim.shell.state import DEFAULT_IFS, BuiltinFailure


@builtin("read")
def read(call: BuiltinCall) -> Status:
    """Reads byte by byte, so that the rest of the input stays for the next command."""
    try:
        found = options(call, "rn:p:t:u:sd:a:", permute=False)
    except BadOption as bad:
        if call.sh.state.bash:
            raise
        raise BuiltinFailure(f"illegal option -{bad.letter}") from None
    names = found.args
    for name in names:
        if not name.isidentifier():
            if call.sh.state.bash:
                raise BuiltinFailure(f"`{name}': not a valid identifier", 1)
            call.complain(f"read: '{name}': bad variable name")
            return 1
    fd = int(found.value("u", "0"))
    file = call.p.fds.get(fd)
    if "p" in found and file is not None and file.isatty():
        call.err(found.value("p"))
        yield from call.flush()
    delimiter = found.value("d", "\n").encode()[:1]
    limit = int(found.value("n", "0"))
    line = bytearray()
    escaped: set[int] = set()
    ended = False
    while True:
        data: bytes = yield from call.p.read(fd, 1)
        if not data:
            break
        if data == delimiter:
            ended = True
            break
        if data == b"\\" and "r" not in found:
            data = yield from call.p.read(fd, 1)
            if data == b"\n":
                continue
            escaped.add(len(line))
        if data != b"\0":
            line += data
        if limit and len(line) >= limit:
            ended = True
            break
    variables = call.sh.state.variables
    if "a" in found:
        variables.arrays[found.value("a")] = decode(bytes(line)).split()
    elif names:
        values = split(bytes(line), escaped, variables.get("IFS", DEFAULT_IFS), len(names))
        for name, value in zip(names, values, strict=True):
            call.sh.assign(name, value)
    else:
        call.sh.assign("REPLY", decode(bytes(line)))
    return int(not ended)


def split(line: bytes, escaped: set[int], ifs: str, count: int) -> list[str]:
    """The line as `count` fields; the last takes the rest, without the blanks around it."""
    separators = set(ifs.encode())
    blanks = separators & set(b" \t\n")
    plain = [byte not in separators or at in escaped for at, byte in enumerate(line)]
    fields: list[str] = []
    at, end = 0, len(line)
    while at < end and line[at] in blanks and at not in escaped:
        at += 1
    while len(fields) < count - 1 and at < end:
        start = at
        while at < end and plain[at]:
            at += 1
        fields.append(decode(line[start:at]))
        seen = False
        while at < end and not plain[at]:
            if line[at] not in blanks:
                if seen:
                    break
                seen = True
            at += 1
    while end > at and line[end - 1] in blanks and end - 1 not in escaped:
        end -= 1
    rest = line[at:end]
    if (
        rest
        and rest[-1] in separators - blanks
        and end - 1 not in escaped
        and not any(not each for each in plain[at : end - 1])
    ):
        rest = rest[:-1]
    fields.append(decode(rest))
    return fields + [""] * (count - len(fields))
