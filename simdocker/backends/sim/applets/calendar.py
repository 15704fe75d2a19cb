"""date, cal and uptime."""

from __future__ import annotations

import calendar
import re

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, options
from simdocker.backends.sim.applets.clock import S, at, parse_date, strftime, wall_ns


@applet("date")
def date(call: Call) -> int:
    found = options(
        call, "I::d:D:r:Rs:u",
        {"iso-8601": "I", "rfc-2822": "R", "date": "d", "set": "s", "utc": "u", "reference": "r"},
    )  # fmt: skip
    layout = ""
    for arg in found.args:
        if arg.startswith("+") and not layout:
            layout = arg[1:]
        elif parse_date(arg, wall_ns(call.p)) is None:
            raise Failure(f"invalid date '{arg}'")
        else:
            raise Failure("can't set date: Operation not permitted")
    ns = wall_ns(call.p)
    if "r" in found:
        try:
            ns = call.p.stat(found.value("r")).st_mtime_ns
        except OSError as error:
            raise Failure(f"{found.value('r')}: {error.strerror}") from None
    if "d" in found:
        text = found.value("d")
        parsed = _by_layout(text, found.value("D"), ns) if "D" in found else parse_date(text, ns)
        if parsed is None:
            raise Failure(f"invalid date '{text}'")
        ns = parsed
    if "s" in found:
        raise Failure("can't set date: Operation not permitted")
    if "R" in found:
        layout = "%a, %d %b %Y %H:%M:%S %z"
    elif "I" in found:
        spec = found.value("I") or "date"
        layouts = {
            "date": "%Y-%m-%d", "hours": "%Y-%m-%dT%H+00:00", "minutes": "%Y-%m-%dT%H:%M+00:00",
            "seconds": "%Y-%m-%dT%H:%M:%S+00:00", "ns": f"%Y-%m-%dT%H:%M:%S,{ns % S:09}+00:00",
        }  # fmt: skip
        layout = next((value for key, value in layouts.items() if key.startswith(spec)), "%Y-%m-%d")
    call.out(
        strftime(layout or ("" if any(arg == "+" for arg in found.args) else "%a %b %e %H:%M:%S %Z %Y"), ns) + "\n"
    )
    return 0


def _by_layout(text: str, layout: str, now_ns: int) -> int | None:
    from datetime import UTC, datetime

    try:
        parsed = datetime.strptime(text, layout)
    except ValueError:
        return None
    now = at(now_ns)
    fields = {
        "year": parsed.year if "%Y" in layout or "%y" in layout else now.year,
        "month": parsed.month if re.search("%[mbB]", layout) else now.month,
        "day": parsed.day if "%d" in layout else now.day,
    }
    return int(parsed.replace(tzinfo=UTC, **fields).timestamp()) * S


@applet("cal")
def cal(call: Call) -> int:
    found = options(call, "jmy")
    now = at(wall_ns(call.p))
    numbers = [int(arg) for arg in found.args if arg.isdigit()]
    month, year = (numbers[0], numbers[1]) if len(numbers) == 2 else (now.month, numbers[0] if numbers else now.year)
    first = 0 if "m" in found else 6
    if len(numbers) == 1 or "y" in found:
        call.out(calendar.TextCalendar(first).formatyear(year, 2, 1, 3) + "\n")
        return 0
    title = f"{calendar.month_name[month]} {year}"
    rows = [f"{title:^20}".rstrip(), calendar.TextCalendar(first).formatweekheader(2)]
    weeks = calendar.TextCalendar(first).monthdayscalendar(year, month)
    for week in weeks + [[0] * 7] * (6 - len(weeks)):
        text = " ".join(f"{day:2}" if day else "  " for day in week)
        rows.append(text.rstrip() if any(week) else " " * 21)
    call.out("".join(f"{row}\n" for row in rows))
    return 0


@applet("uptime")
def uptime(call: Call) -> int:
    options(call, "")
    up = int(float(call.p.read_file("/proc/uptime").split()[0]))
    days, hours, minutes = up // 86400, up // 3600 % 24, up // 60 % 60
    text = f" {strftime('%H:%M:%S', wall_ns(call.p))} up "
    if days:
        text += f"{days} day{'s' if days != 1 else ''}, "
    text += f"{hours:2}:{minutes:02}" if hours else f"{minutes} min"
    call.out(f"{text},  0 users,  load average: {_load(call)}\n")
    return 0


def _load(call: Call) -> str:
    return ", ".join(call.p.read_file("/proc/loadavg").decode().split()[:3])
