"""Applets about the machine: uname, hostname, free, mount, sysctl; and which and getopt."""

from __future__ import annotations

import re

from simdocker.backends.capabilities import SYS_ADMIN
from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Usage, options
from simdocker.backends.sim.applets.space import human
from simdocker.backends.sim.applets.tree import group_number


@applet("uname")
def uname(call: Call) -> int:
    found = options(call, "snrvmpioa", {"all": "a"})
    machine, release = call.p.machine, call.p.read_file("/proc/sys/kernel/osrelease").decode().strip()
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
        domain = _full_name(call, name).partition(".")[2]
        call.out(f"{domain}\n" if domain else "")
    elif "i" in found:
        call.out(f"{_address(call, name)}\n")
    elif "f" in found:
        call.out(f"{_full_name(call, name)}\n")
    else:
        call.out(f"{name.partition('.')[0] if 's' in found else name}\n")
    return 0


def _hosts(call: Call, name: str) -> list[list[str]]:
    """The lines of /etc/hosts about a name, as words."""
    try:
        rows = [line.partition("#")[0].split() for line in call.p.read_file("/etc/hosts").decode().splitlines()]
    except OSError:
        return []
    return [row for row in rows if name in row[1:]]


def _full_name(call: Call, name: str) -> str:
    """A host's name with its domain: the first name on its line in /etc/hosts."""
    return next((row[1] for row in _hosts(call, name)), name)


def _address(call: Call, name: str) -> str:
    """The first address that /etc/hosts has for a name."""
    addresses = [row[0] for row in _hosts(call, name)]
    if not addresses:
        raise Failure(f"{name}: Host name lookup failure")
    return addresses[0]


@applet("arch")
def arch(call: Call) -> int:
    call.out(f"{call.p.machine}\n")
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
    if call.p.capable(SYS_ADMIN) and not call.p.access(target, 0):  # without it seccomp refuses the call itself
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
