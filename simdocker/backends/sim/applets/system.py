"""Applets about the system and its users: date, id, uname, free, mount, which and their kin."""

from __future__ import annotations

import calendar
import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Usage, options
from simdocker.backends.sim.applets.clock import S, at, parse_date, strftime, wall_ns
from simdocker.backends.sim.applets.space import human
from simdocker.backends.sim.applets.tree import group_number, owner_names, table, user_number

Status = Generator[Event, Any, int]


# time


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


# users


def who_am_i(call: Call) -> str:
    """The user's name, or its number."""
    users, _ = owner_names(call.p)
    return users.get(call.p.uid, str(call.p.uid))


@applet("id")
def id_(call: Call) -> int:
    found = options(call, "ugGnr", {"user": "u", "group": "g", "groups": "G", "name": "n", "real": "r"})
    p = call.p
    if len(found.args) > 1:
        raise Usage
    users, groups = owner_names(p)
    uid, gid = p.uid, p.gid
    members = [gid, *(number for number in p.groups if number != gid)]
    if found.args:
        name = found.args[0]
        row = next((row for row in table(p, "/etc/passwd", 4) if row[0] == name or row[2] == name), None)
        if row is None:
            raise Failure(f"unknown user {name}")
        uid, gid = int(row[2]), int(row[3])
        members = [gid, *_memberships(call, row[0], gid)]
    chosen = [flag for flag in "ugG" if flag in found]
    if not chosen:
        if "n" in found or "r" in found:
            raise Usage
        text = f"uid={uid}{_named(users, uid)} gid={gid}{_named(groups, gid)}"
        if found.args or len(p.groups) > 0:
            text += " groups=" + ",".join(f"{number}{_named(groups, number)}" for number in members)
        call.out(f"{text}\n")
        return 0
    status = 0
    values = {"u": [uid], "g": [gid], "G": members}[chosen[0]]
    names = users if chosen[0] == "u" else groups
    texts = []
    for number in values:
        if "n" in found and number not in names:
            call.complain(f"unknown ID {number}")
            status = 1
        texts.append(names.get(number, str(number)) if "n" in found else str(number))
    call.out(" ".join(texts) + "\n")
    return status


def _named(names: dict[int, str], number: int) -> str:
    return f"({names[number]})" if number in names else ""


def _memberships(call: Call, name: str, primary: int) -> list[int]:
    rows = table(call.p, "/etc/group", 4)
    return [int(row[2]) for row in rows if name in row[3].split(",") and int(row[2]) != primary]


@applet("whoami")
def whoami(call: Call) -> int:
    if call.args:
        raise Usage
    users, _ = owner_names(call.p)
    if call.p.uid not in users:
        raise Failure(f"unknown uid {call.p.uid}")
    call.out(f"{users[call.p.uid]}\n")
    return 0


@applet("groups")
def groups_(call: Call) -> int:
    options(call, "")
    _, groups = owner_names(call.p)
    numbers = [call.p.gid, *(number for number in call.p.groups if number != call.p.gid)]
    if call.args:
        row = next((row for row in table(call.p, "/etc/passwd", 4) if row[0] == call.args[0]), None)
        if row is None:
            raise Failure(f"unknown user {call.args[0]}")
        numbers = [int(row[3]), *_memberships(call, row[0], int(row[3]))]
    call.out(" ".join(groups.get(number, str(number)) for number in numbers) + "\n")
    return 0


@applet("logname")
def logname(call: Call) -> int:
    if call.args:
        raise Usage
    raise Failure("getlogin: No such device or address")


@applet("who", "w")
def who(call: Call) -> int:
    options(call, "aH")
    """Nobody is logged in: there is no utmp in a container."""
    if call.name == "w" or "H" in options(call, "aH"):
        call.out("USER\t\tTTY\t\tIDLE\tTIME\t\t HOST\n")
    return 0


@applet("su")
def su(call: Call) -> Status:
    found = options(call, "mplc:s:")
    args = [arg for arg in found.args if arg != "-"]
    name = args[0] if args else "root"
    p = call.p
    row = next((row for row in table(p, "/etc/passwd", 7) if row[0] == name), None)
    if row is None:
        raise Failure(f"unknown user {name}")
    if p.uid != 0:
        call.err("Password: \n")
        raise Failure("incorrect password")
    shell = found.value("s", row[6] or "/bin/sh")
    p.gid, p.groups = int(row[3]), [int(row[3]), *_memberships(call, name, int(row[3]))]
    p.uid = int(row[2])
    env = {**p.env, "HOME": row[5], "SHELL": shell, "USER": name, "LOGNAME": name}
    login = "l" in found or len(args) != len(found.args)
    if login:
        p.chdir(row[5])
    name_of_shell = shell.rsplit("/", 1)[-1]
    argv = [f"-{name_of_shell}" if login else name_of_shell]
    if "c" in found:
        argv += ["-c", found.value("c")]
    yield from call.flush()
    try:
        status: int = yield from p.exec([*argv, *args[1:]], env=env, path=shell)
        return status
    except OSError as error:
        raise Failure(f"can't execute '{shell}': {error.strerror}") from None


@applet("passwd")
def passwd(call: Call) -> int:
    options(call, "a:dlu")
    name = call.args[0] if call.args else who_am_i(call)
    if user_number(call.p, name) is None:
        raise Failure(f"unknown user {name}")
    call.out(f"Changing password for {name}\n")
    call.err(f"passwd: password for {name} is unchanged\n")
    return 1


@applet("login")
def login(call: Call) -> int:
    options(call, "f:h:p")
    raise Failure("must be suid to work properly" if call.p.uid else "not a tty")


# the machine


@applet("uname")
def uname(call: Call) -> int:
    found = options(call, "snrvmpioa", {"all": "a"})
    machine, release = "x86_64", call.p.read_file("/proc/sys/kernel/osrelease").decode().strip()
    version = call.p.read_file("/proc/version").decode()
    build = version[version.index("#") :].strip() if "#" in version else "#1 SMP"
    values = {
        "s": "Linux", "n": call.p.hostname, "r": release, "v": build, "m": machine, "p": "unknown", "i": "unknown",
        "o": "GNU/Linux",
    }  # fmt: skip
    if found.args:
        raise Usage
    if "a" in found:
        chosen = "snrvmo"
    else:
        chosen = "".join(flag for flag in "snrvmpio" if flag in found) or "s"
    call.out(" ".join(values[flag] for flag in chosen) + "\n")
    return 0


@applet("hostname", "dnsdomainname")
def hostname(call: Call) -> int:
    found = options(call, "sidfF:", permute=False)
    name = call.p.hostname
    if found.args or "F" in found:
        raise Failure("sethostname: Operation not permitted")
    if call.name == "dnsdomainname" or "d" in found:
        call.out(f"{name.partition('.')[2]}\n" if "." in name else "")
    elif "i" in found:
        call.out(f"{_address(call, name)}\n")
    else:
        call.out(f"{name.partition('.')[0] if 's' in found else name}\n")
    return 0


def _address(call: Call, name: str) -> str:
    """The addresses /etc/hosts has for a name."""
    try:
        rows = [line.partition("#")[0].split() for line in call.p.read_file("/etc/hosts").decode().splitlines()]
    except OSError:
        rows = []
    addresses = [row[0] for row in rows if name in row[1:]]
    if not addresses:
        raise Failure(f"{name}: Host name lookup failure")
    return " ".join(addresses)


@applet("arch")
def arch(call: Call) -> int:
    call.out("x86_64\n")
    return 0


@applet("hostid")
def hostid(call: Call) -> int:
    if call.args:
        raise Usage
    call.out("00000000\n")
    return 0


@applet("free")
def free(call: Call) -> int:
    try:
        found = options(call, "bkmgh")
    except Usage:
        raise Usage from None
    rows = {
        match.group(1): int(match.group(2)) * 1024
        for match in re.finditer(r"(\w+):\s+(\d+)", call.p.read_file("/proc/meminfo").decode())
    }
    total, unused = rows.get("MemTotal", 0), rows.get("MemFree", 0)
    cached = rows.get("Cached", 0) + rows.get("Buffers", 0)
    available = rows.get("MemAvailable", unused + cached)
    swap, swap_free = rows.get("SwapTotal", 0), rows.get("SwapFree", 0)

    def amount(value: int) -> str:
        if "h" in found:
            return human(value) if value else "0"
        shift = 0 if "b" in found else 20 if "m" in found else 30 if "g" in found else 10
        return str(value >> shift)

    call.out(f"{'':7}{'total':>12}{'used':>12}{'free':>12}{'shared':>12}{'buff/cache':>12}{'available':>12}\n")
    used = total - unused - cached
    values = (total, used, unused, rows.get("Shmem", 0), cached, available)
    call.out("Mem:   " + "".join(f"{amount(value):>12}" for value in values) + "\n")
    call.out("Swap:  " + "".join(f"{amount(value):>12}" for value in (swap, swap - swap_free, swap_free)) + "\n")
    return 0


@applet("mount")
def mount(call: Call) -> int:
    found = options(call, "afno:t:rwvO:T:", {"bind": "B"})
    if not found.args:
        for source, target, fstype, text in call.p.mounts():
            call.out(f"{source} on {target} type {fstype} ({text})\n")
        return 0
    if len(found.args) == 1:
        raise Failure("can't read '/etc/fstab': No such file or directory")
    if call.p.uid != 0:
        raise Failure("you must be root")
    source, target = found.args[0], found.args[1]
    if not call.p.access(target, 0):
        raise Failure(f"mounting {source} on {target} failed: No such file or directory")
    raise Failure("permission denied (are you root?)")


@applet("umount")
def umount(call: Call) -> int:
    found = options(call, "nrlfdat:")
    if not found.args:
        raise Usage
    status = 0
    targets = [target for _, target, _, _ in call.p.mounts()]
    for path in found.args:
        if not call.p.access(path, 0):
            reason = "No such file or directory"
        elif path.rstrip("/") in targets:
            reason = "Operation not permitted"
        else:
            reason = "Invalid argument" if call.p.uid == 0 else "Operation not permitted"
        call.complain(f"can't unmount {path}: {reason}")
        status = 1
    return status


@applet("dmesg")
def dmesg(call: Call) -> int:
    options(call, "cs:n:r")
    raise Failure("klogctl: Operation not permitted")


@applet("logger")
def logger(call: Call) -> int:
    options(call, "sp:t:")
    return 0


@applet("sysctl")
def sysctl(call: Call) -> int:
    found = options(call, "neAapwq")
    status = 0
    for arg in found.args:
        name, equals, value = arg.partition("=")
        path = "/proc/sys/" + name.replace(".", "/")
        try:
            if equals:
                call.p.write_file(path, f"{value}\n")
                text = value
            else:
                text = call.p.read_file(path).decode().rstrip("\n")
        except OSError as error:
            call.complain(f"error {'setting' if equals else 'reading'} key '{name}': {error.strerror}")
            status = 1
            continue
        call.out(text + "\n" if "n" in found else f"{name} = {text}\n")
    return status


@applet("halt", "poweroff", "reboot")
def halt(call: Call) -> int:
    options(call, "d:nfw")
    if call.p.uid == 0:
        try:
            call.p.kill(1, {"halt": 10, "poweroff": 12, "reboot": 15}[call.name])
        except OSError as error:
            raise Failure(str(error.strerror)) from None
        return 0
    raise Failure("Operation not permitted")


@applet("which")
def which(call: Call) -> int:
    found = options(call, "a")
    if not found.args:
        raise Usage
    status = 0
    for name in found.args:
        hits = []
        for directory in [""] if "/" in name else call.p.env.get("PATH", "/sbin:/usr/sbin:/bin:/usr/bin").split(":"):
            path = name if "/" in name else f"{directory or '.'}/{name}"
            if call.p.access(path, 1) and _is_file(call, path):
                hits.append(path)
                if "a" not in found:
                    break
        call.out("".join(f"{path}\n" for path in hits))
        status |= not hits
    return int(status)


def _is_file(call: Call, path: str) -> bool:
    try:
        return call.p.stat(path).st_mode & 0o170000 == 0o100000
    except OSError:
        return False


@applet("getopt")
def getopt(call: Call) -> int:
    args = list(call.args)
    plain = not (args and args[0].startswith("-"))
    short, long, name = "", "", "getopt"
    if plain:
        if not args:
            raise Failure("missing optstring argument")
        short = args.pop(0)
        if args[:1] == ["--"]:
            args.pop(0)
    else:
        found = options(call, "o:n:qQs:Tul:a", {"options": "o", "longoptions": "l", "name": "n"}, permute=False)
        short, long, name, args = found.value("o"), found.value("l"), found.value("n", "getopt"), found.args
    spec = {each.rstrip(":"): each.rstrip(":") for each in long.split(",") if each}
    inner = Call(call.p, name, args)
    texts, rest, status = _parsed(inner, short, spec, long)

    def put(text: str) -> str:
        return text if plain else "'" + text.replace("'", "'\\''") + "'"

    call.pending += inner.pending
    call.out("".join(f" {text if is_option else put(text)}" for text, is_option in texts) + " --")
    call.out("".join(f" {put(text)}" for text in rest) + "\n")
    return status


def _parsed(call: Call, short: str, spec: dict[str, str], long: str) -> tuple[list[tuple[str, bool]], list[str], int]:
    """Options in the order given, each with its value, and the operands."""
    texts: list[tuple[str, bool]] = []
    rest: list[str] = []
    args = list(call.args)
    status = 0
    takes = {each.rstrip(":"): each.endswith(":") for each in long.split(",") if each}
    while args:
        arg = args.pop(0)
        if arg == "--":
            return texts, rest + args, status
        if arg.startswith("--"):
            key, equals, value = arg[2:].partition("=")
            if key not in spec:
                call.complain(f"unrecognized option '--{key}'")
                status = 1
                continue
            texts.append((f"--{key}", True))
            if takes[key]:
                texts.append((value if equals else args.pop(0) if args else "", False))
        elif arg.startswith("-") and len(arg) > 1:
            at_letter = 1
            while at_letter < len(arg):
                letter = arg[at_letter]
                at_letter += 1
                where = short.find(letter)
                if where < 0:
                    call.complain(f"invalid option -- '{letter}'")
                    status = 1
                    continue
                texts.append((f"-{letter}", True))
                if short[where + 1 : where + 2] == ":":
                    texts.append((arg[at_letter:] or (args.pop(0) if args else ""), False))
                    break
        else:
            rest.append(arg)
    return texts, rest, status


__all__ = ["Options", "group_number"]
