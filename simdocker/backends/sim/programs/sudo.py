"""/usr/bin/sudo of a host, whose user is root already: the command runs with root's clean environment."""

from __future__ import annotations

import errno
from getopt import GetoptError, gnu_getopt

from simdocker.backends.sim.program import Blocking, Process, program

USAGE = "usage: sudo -h | -V\nusage: sudo [-EHin] [-u user] [VAR=value] [-i | -s] [command [arg ...]]\n"
KEPT = ("PATH", "TERM", "LANG", "HOSTNAME")  # env_reset of sudoers(5) leaves no more
SHELL = "/bin/bash"


@program("sudo")
def sudo(p: Process) -> Blocking:
    """Process → the command's status; 1 for what sudo refuses itself."""
    try:
        given, words = gnu_getopt(p.argv[1:], "+AbEHhiKknPSsVu:g:", ("user=", "preserve-env", "help", "version"))
    except GetoptError as error:
        yield from p.write(2, f"sudo: {error.msg}\n{USAGE}")
        return 1
    options = dict(given)
    if "-V" in options or "--version" in options:
        yield from p.write(1, "Sudo version 1.9.13p3\n")
        return 0
    env = dict(p.env) if "-E" in options or "--preserve-env" in options else _clean(p)
    while words and "=" in words[0].split("/")[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    if "-i" in options or "-s" in options:
        words = [SHELL, "-c", " ".join(words)] if words else [SHELL]
    if not words:
        yield from p.write(2, USAGE)
        return 1
    user = options.get("-u", options.get("--user", "root"))
    if user not in ("root", "#0"):
        uid = _uid(p, user)
        if uid is None:
            yield from p.write(2, f"sudo: unknown user {user}\nsudo: error initializing audit plugin sudoers_audit\n")
            return 1
        p.uid = p.gid = uid
        env |= {"USER": user, "LOGNAME": user}
    try:
        return (yield from p.exec(words, env=env | {"SUDO_COMMAND": " ".join(words)}))
    except OSError as error:
        found = error.errno != errno.ENOENT or "/" in words[0]
        yield from p.write(2, f"sudo: {words[0]}: {str(error.strerror).lower() if found else 'command not found'}\n")
        return 1


def _clean(p: Process) -> dict[str, str]:
    env = {name: p.env[name] for name in KEPT if name in p.env}
    root = {"HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": SHELL}
    return env | root | {"SUDO_USER": p.env.get("USER", "root"), "SUDO_UID": str(p.uid), "SUDO_GID": str(p.gid)}


def _uid(p: Process, user: str) -> int | None:
    """A user's number, by name or `#NUMBER`."""
    if user.startswith("#") and user[1:].isdecimal():
        return int(user[1:])
    for line in p.read_file("/etc/passwd").decode().splitlines():
        fields = line.split(":")
        if fields[0] == user:
            return int(fields[2])
    return None
