"""Applets about users: id, groups, who, su, passwd and their kin."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.tree import owner_names, table, user_number


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
