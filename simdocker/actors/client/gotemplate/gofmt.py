"""Go's fmt package: `printf`'s verbs, and how any value prints by itself (%v).

Each verb applies to the leaves: `%d` of a slice prints its numbers, and a leaf that the verb does not
fit prints as `%!d(string=hi)`. A pointer met inside a value prints as an address, as in Go; ours is
always the same one, so that output stays reproducible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from simdocker.actors.client.gotemplate.gotypes import INTEGERS, STRING, UNSIGNED, Value, inside
from simdocker.actors.client.values import go_quote

Argument = Value | None
"""None is Go's nil interface{}."""

ADDRESS = "0xc000012345"

WIDEST = 1_000_000
"""Go takes no larger width or precision from an argument."""

EXPONENT = 6
"""From this power of ten on, Go prints a float with an exponent."""

_VERB = re.compile(r"%([-+# 0]*)(\*|\d+)?(?:(\.)(\*|\d+)?)?(?:\[(\d+)\])?(.?)", re.DOTALL)


class Spec:
    """One verb with its flags."""

    __slots__ = ("flags", "precision", "verb", "width")

    def __init__(self, verb: str, flags: str = "", width: int | None = None, precision: int | None = None) -> None:
        self.verb = verb
        self.flags = flags
        self.width = width
        self.precision = precision


PLAIN = Spec("v")


def sprint(arguments: Sequence[Argument]) -> str:
    """fmt.Sprint: a space between two operands when neither is a string."""
    out: list[str] = []
    before_is_string = True
    for number, argument in enumerate(arguments):
        argument = inside(argument)
        is_string = argument is not None and argument.type.kind == "string"
        if number and not is_string and not before_is_string:
            out.append(" ")
        out.append(show(argument))
        before_is_string = is_string
    return "".join(out)


def sprintln(arguments: Sequence[Argument]) -> str:
    """fmt.Sprintln."""
    return " ".join(show(argument) for argument in arguments) + "\n"


def show(argument: Argument) -> str:
    """One value as %v prints it."""
    return _value(argument, PLAIN, 0)


def sprintf(layout: str, arguments: Sequence[Argument]) -> str:
    """fmt.Sprintf, with Go's marks for what is missing, extra or of the wrong type."""
    out: list[str] = []
    at, used = 0, 0
    reordered = False
    while True:
        start = layout.find("%", at)
        if start < 0:
            out.append(layout[at:])
            break
        out.append(layout[at:start])
        found = _VERB.match(layout, start)
        assert found is not None
        at = found.end()
        flags, width, dot, digits, index, verb = found.groups()
        if any(text and text != "*" and int(text) // 10 > WIDEST for text in (width, digits)):
            out.append("%!(NOVERB)")
            break
        numbers: list[int | None] = []
        for text, bad in ((width, "%!(BADWIDTH)"), (digits, "%!(BADPREC)")):
            number = int(text) if text and text != "*" else None
            if text == "*":
                star = inside(arguments[used]) if used < len(arguments) else None
                used += 1
                if star is not None and star.type.kind in INTEGERS and abs(star.data) <= WIDEST:
                    number = int(star.data)
                else:
                    out.append(bad)
            numbers.append(number)
        if numbers[0] is not None and numbers[0] < 0:
            flags, numbers[0] = flags + "-", -numbers[0]
        if index is not None:
            used, reordered = int(index) - 1, True
        spec = Spec(verb, flags, numbers[0], (numbers[1] or 0) if dot else None)
        if verb == "":
            out.append("%!(NOVERB)")
        elif verb == "%":
            out.append("%")
        elif index is not None and not 0 <= used < len(arguments):
            out.append(f"%!{verb}(BADINDEX)")
        elif used >= len(arguments):
            out.append(f"%!{verb}(MISSING)")
        else:
            out.append(_argument(inside(arguments[used]), spec))
            used += 1
    if used < len(arguments) and not reordered:
        rest = [inside(argument) for argument in arguments[used:]]
        extra = ", ".join("<nil>" if value is None else f"{value.type.name}={show(value)}" for value in rest)
        out.append(f"%!(EXTRA {extra})")
    return "".join(out)


def _argument(value: Argument, spec: Spec) -> str:
    if spec.verb == "T":
        return _pad("<nil>" if value is None else value.type.name, spec)
    if value is None:
        return _pad("<nil>", spec) if spec.verb == "v" else f"%!{spec.verb}(<nil>)"
    return _value(value, spec, 0)


def _pad(text: str, spec: Spec) -> str:
    if spec.width is None or len(text) >= spec.width:
        return text
    if "-" in spec.flags:
        return text.ljust(spec.width)
    if "0" in spec.flags:
        sign = text[:1] if text[:1] in ("+", "-") else ""
        return sign + text[len(sign) :].rjust(spec.width - len(sign), "0")
    return text.rjust(spec.width)


def _wrong(value: Value, spec: Spec) -> str:
    shown = Spec("v", spec.flags.replace("#", ""), spec.width, spec.precision)
    return f"%!{spec.verb}({value.type.name}={_value(value, shown, 0)})"


def _value(value: Argument, spec: Spec, depth: int) -> str:
    if value is None:
        return _pad("<nil>", spec)
    kind = value.type.kind
    named = (value.type.of() if kind == "ptr" else value.type).methods.get("String")
    if named is not None and named.call is not None and value.data is not None and spec.verb in "vsq":
        return _string(Value(STRING, named.call(value.data)), spec)
    if kind == "string":
        return _string(value, spec)
    if kind in INTEGERS or kind in UNSIGNED:
        return _integer(value, spec)
    if kind == "bool":
        return _pad("true" if value.data else "false", spec) if spec.verb in "vt" else _wrong(value, spec)
    if kind == "time":
        return _string(Value(value.type, time_text(value.data)), spec)
    if kind.startswith("float"):
        return _float(value, spec)
    if kind == "interface":
        return _value(value.elem(), spec, depth)
    if kind == "ptr":
        inner = value.elem()
        if inner is None:
            if spec.verb in "dxXob":
                return _pad("0", spec)
            return _pad("<nil>", spec) if spec.verb == "v" else _wrong(value, spec)
        if inner.type.kind == "time":
            return _value(inner, spec, depth)
        if depth == 0 and inner.type.kind in ("struct", "map", "slice", "array"):
            return "&" + _value(inner, spec, depth + 1)
        if spec.verb == "d":
            return _pad(str(int(ADDRESS, 16)), spec)
        return _pad(ADDRESS, spec) if spec.verb in "vpxXob" else _wrong(value, spec)
    if kind == "map":
        parts = [f"{_value(k, spec, depth + 1)}:{_value(v, spec, depth + 1)}" for k, v in value.members()]
        return f"map[{' '.join(parts)}]"
    if kind == "struct":
        return "{" + " ".join(_members(value, spec, depth)) + "}"
    return "[" + " ".join([_value(item, spec, depth + 1) for item in value.items()]) + "]"


def _members(value: Value, spec: Spec, depth: int) -> list[str]:
    names = "+" in spec.flags and spec.verb == "v"
    found = []
    for member in value.type.fields:
        text = _value(value.field(member), spec, depth + 1)
        found.append(f"{member.name}:{text}" if names else text)
    return found


def _string(value: Value, spec: Spec) -> str:
    text, verb = str(value.data), spec.verb
    if spec.precision is not None and verb in "svqxX":
        text = text[: spec.precision]
    if verb == "q":
        quoted = f"`{text}`" if "#" in spec.flags and "`" not in text and text.isprintable() else go_quote(text)
        return _pad(quoted, spec)
    if verb in ("x", "X"):
        prefix = "0x" if "#" in spec.flags and text else ""
        digits = prefix + text.encode().hex()
        if " " in spec.flags:
            digits = " ".join([f"{prefix}{byte:02x}" for byte in text.encode()])
        return _pad(digits.upper() if verb == "X" else digits, spec)
    if verb == "v" and "#" in spec.flags:
        return _pad(go_quote(text), spec)
    if verb not in "sv":
        return _wrong(value, spec)
    return _pad(text, spec)


def _quoted_rune(char: str) -> str:
    inner = {"'": "\\'", '"': '"'}.get(char) or go_quote(char)[1:-1]
    return f"'{inner}'"


_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


def _integer(value: Value, spec: Spec) -> str:
    number, verb = int(value.data), spec.verb
    signed = "+" in spec.flags and verb != "v"
    if verb == "U":
        return _pad(f"U+{number:04X}", spec)
    if verb in "cq":
        char = chr(number) if 0 <= number < 0x110000 else "\ufffd"
        return _pad(char if verb == "c" else _quoted_rune(char), spec)
    if verb not in _BASES:
        return _wrong(value, spec)
    digits = format(abs(number), _BASES[verb])
    if spec.precision is not None:
        digits = digits.rjust(spec.precision, "0")
    sign = "-" if number < 0 else "+" if signed else " " if " " in spec.flags else ""
    if verb == "O":
        digits = "0o" + digits
    elif "#" in spec.flags:
        digits = _PREFIXES.get(verb, "") + digits
    if spec.precision is not None:
        return _pad(sign + digits, Spec(verb, spec.flags.replace("0", ""), spec.width))
    return _pad(sign + digits, spec)


def _float(value: Value, spec: Spec) -> str:
    number, verb = float(value.data), spec.verb
    if verb in "vgG":
        text = shortest(number) if spec.precision is None else format(number, f".{spec.precision}g")
    elif verb in "feEF":
        precision = 6 if spec.precision is None else spec.precision
        text = format(number, f".{precision}{verb}")
    else:
        return _wrong(value, spec)
    if "+" in spec.flags and verb != "v" and number >= 0:
        text = "+" + text
    return _pad(text.upper() if verb in "GE" else text, spec)


def shortest(number: float) -> str:
    """strconv.FormatFloat(number, 'g', -1, 64): the fewest digits, with an exponent from 1e+06 on."""
    if number != number or number in (float("inf"), float("-inf")):
        return "NaN" if number != number else "+Inf" if number > 0 else "-Inf"
    mantissa, _, power = f"{number:.17e}".partition("e")
    for digits in range(17):
        mantissa, _, power = f"{number:.{digits}e}".partition("e")
        if float(f"{mantissa}e{power}") == number:
            break
    if not -4 <= int(power) < EXPONENT:
        return f"{mantissa}e{power}"
    text = repr(number) if "e" not in repr(number) else format(number, "f").rstrip("0")
    return text.removesuffix(".0").removesuffix(".")


def time_text(text: str) -> str:
    """time.Time's String of an RFC 3339 text in UTC."""
    day, _, clock = text.partition("T")
    if clock.endswith("Z"):
        clock, zone = clock[:-1], "+0000 UTC"
    else:
        clock, zone = clock[:-6], clock[-6:].replace(":", "")
        zone = "+0000 UTC" if zone == "+0000" else f"{zone} {zone}"
    if "." in clock:
        clock = clock.rstrip("0").rstrip(".")
    return f"{day} {clock} {zone}"
