"""seq, factor and dd: numbers, and blocks of bytes."""

from __future__ import annotations

import re

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.input import COPY_NS_PER_KIB
from simdocker.backends.sim.program import OpenFile

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@applet("seq")
def seq(call: Call) -> Status:
    found = options(call, "ws:", permute=False)
    args, width, separator = found.args, "w" in found, found.value("s", "\n")
    if len(args) > 3 or not args:
        raise Usage
    for arg in args:
        if not _NUMBER.fullmatch(arg):
            raise Usage
    numbers = [float(arg) for arg in args]
    first = numbers[0] if len(numbers) > 1 else 1.0
    step = numbers[1] if len(numbers) == 3 else 1.0
    last = numbers[-1]
    if step == 0 and len(numbers) == 3:
        step = 0.0
    places = max(len(arg.partition(".")[2]) for arg in args)
    digits = 0
    if width:
        ends = (args[0] if len(args) > 1 else "1", args[-1])
        digits = max(len(arg.partition(".")[0]) for arg in ends) + (places + 1 if places else 0)
    layout = f"%0{digits}.{places}f" if width else f"%.{places}f"
    count = 0
    while True:
        value = first + count * step
        if (step >= 0 and value > last + 1e-9) or (step < 0 and value < last - 1e-9):
            break
        call.out((separator if count else "") + layout % value)
        count += 1
        if count % 1024 == 0:
            yield from call.flush()
            yield from call.p.compute(200_000)
    if count:
        call.out("\n")
    return 0


@applet("factor")
def factor(call: Call) -> int:
    for arg in call.args:
        if not arg.isdigit():
            raise Usage
        number, divisor, factors = int(arg), 2, []
        while divisor * divisor <= number:
            while number % divisor == 0:
                factors.append(divisor)
                number //= divisor
            divisor += 1
        if number > 1:
            factors.append(number)
        call.out(f"{arg}:{''.join(f' {each}' for each in factors)}\n")
    return 0


_UNITS = {"c": 1, "w": 2, "b": 512, "kB": 1000, "k": 1024, "K": 1024, "MB": 1_000_000, "M": 1 << 20, "m": 1 << 20,
          "GB": 1_000_000_000, "G": 1 << 30, "g": 1 << 30}  # fmt: skip
_OPERANDS = frozenset(["if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "iflag", "oflag", "status"])


@applet("dd")
def dd(call: Call) -> Status:
    """Copies block by block: a count of blocks, of zeros or of a file, takes the time of the bytes."""
    operands: dict[str, str] = {}
    for arg in call.args:
        name, equals, value = arg.partition("=")
        if name not in _OPERANDS or not equals:
            raise Usage
        operands[name] = value
    both = _amount(operands.get("bs", "512"))
    size_in = _amount(operands["ibs"]) if "ibs" in operands else both
    count = _amount(operands["count"]) if "count" in operands else -1
    skip, seek = _amount(operands.get("skip", "0")), _amount(operands.get("seek", "0"))
    conversions = operands.get("conv", "").split(",")
    if "count_bytes" in operands.get("iflag", ""):
        count, size_in = -(-count // size_in), size_in
    source = _open(call, operands.get("if"), "r", 0)
    appending = "append" in operands.get("oflag", "")
    mode = "a" if appending else "r+" if "notrunc" in conversions or seek else "w"
    target = _open(call, operands.get("of"), mode, 1)
    if seek and "notrunc" not in conversions and "of" in operands:
        call.p.truncate(operands["of"], seek * both)
    if seek:
        target.seek(seek * both)
    call.p.allocate(max(size_in, both))  # its buffer
    for _ in range(skip):
        if not (yield from source.read(size_in)):
            break
    full = partial = total = written_full = written_partial = 0
    failed = False
    while count < 0 or full + partial < count:
        data = yield from source.read(size_in)
        if not data:
            break
        if len(data) == size_in:
            full += 1
        else:
            partial += 1
            if "sync" in conversions:
                data = data.ljust(size_in, b"\0")
        try:
            yield from target.write(data)
        except OSError as error:
            call.err(f"dd: error writing '{operands.get('of', 'standard output')}': {error.strerror}\n")
            failed = True
            break
        yield from call.p.compute(len(data) * COPY_NS_PER_KIB // 1024 + 500)
        written_full += len(data) >= both
        written_partial += len(data) < both
        total += len(data)
    if operands.get("status") != "none":
        call.err(f"{full}+{partial} records in\n{written_full}+{written_partial} records out\n")
    if "if" in operands:
        source.close()
    if "of" in operands:
        target.close()
    return int(failed)


def _amount(text: str) -> int:
    match = re.fullmatch(r"(\d+)([a-zA-Z]*)", text)
    if not match or (match.group(2) and match.group(2) not in _UNITS):
        raise Failure(f"invalid number '{text}'")
    return int(match.group(1)) * _UNITS.get(match.group(2), 1)


def _open(call: Call, path: str | None, flags: str, fd: int) -> OpenFile:
    if path is None:
        return call.p.fds[fd]
    try:
        if flags == "r+" and not call.p.access(path, 0):
            flags = "w"
        return call.p.open(path, flags)
    except OSError as error:
        raise Failure(f"can't open '{path}': {error.strerror}") from None
