"""`docker login`: prove a name and a password to a registry, and keep them."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, at_most, command
from simdocker.actors.client.credentials import HUB_ADDRESS, Credentials, hostname
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.terminal import Process
from simdocker.actors.client.values import BOOL, STRING

NO_TTY = "Error: Cannot perform an interactive login from a non TTY device"
INSECURE = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n"
UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

"""
ALREADY = """Authenticating with existing credentials... [Username: {}]

 Info -> To login with a different account, run 'docker logout' followed by 'docker login'

"""


@command(
    "[OPTIONS] [SERVER]",
    "Authenticate to a registry",
    long="Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
    args=at_most(1),
    flags=[
        Flag("password", "p", STRING, "Password or Personal Access Token (PAT)"),
        Flag("password-stdin", "", BOOL, "Take the Password or Personal Access Token (PAT) from stdin"),
        Flag("username", "u", STRING, "Username"),
    ],
)
def login(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: what is not given is asked for, or taken from an earlier login."""
    credentials = Credentials(cli.terminal)
    for option in ("username", "password"):
        if flags.changed(option) and not flags.text(option):
            raise CommandError(f"{option} is empty")
    server = hostname(args[0]) if args and args[0] not in ("docker.io", "index.docker.io") else HUB_ADDRESS
    name = flags.text("username")
    password = yield from _password(cli, flags)
    if not name and not password and (known := credentials.get(server)):
        name, password = known
        cli.err(ALREADY.format(name) + "\n")
    else:
        name, password = yield from _ask(cli, name, password)
    body = {"username": name, "password": password, "serveraddress": server}
    yield from cli.call("POST", "/auth", {}, body)
    try:
        if credentials.keep(server, name, password):
            cli.err(UNENCRYPTED.format(credentials.path))
    except OSError as fault:
        raise CommandError(f"Error saving credentials: {str(fault.strerror).lower()}: {credentials.path}") from None
    cli.out("Login Succeeded\n")
    return 0


def _password(cli: Cli, flags: Flags) -> Process:
    """Process → the password the options give, "" for none. Raises CommandError."""
    password = flags.text("password")
    if not flags.on("password-stdin"):
        if password:
            cli.err(INSECURE)
        return password
    if password:
        raise CommandError("conflicting options: cannot specify both --password and --password-stdin")
    if not flags.text("username"):
        raise CommandError("the --password-stdin option requires --username to be set")
    typed = b""
    while data := (yield from cli.terminal.read_stdin()):
        typed += data
    return typed.decode(errors="replace").removesuffix("\n").removesuffix("\r")


def _ask(cli: Cli, name: str, password: str) -> Process:
    """Process → name and password, asking at the terminal for what is missing. Raises CommandError."""
    if name and password:
        return name, password
    if not cli.terminal.stdin_tty:
        raise CommandError(NO_TTY)
    if not name:
        cli.out("Username: ")
        name = (yield from cli.terminal.read_stdin()).decode(errors="replace").strip()
        if not name:
            raise CommandError("Error: Non-null Username Required")
    if not password:
        cli.out("Password: ")
        password = (yield from cli.terminal.read_stdin()).decode(errors="replace").strip()
        cli.out("\n")
        if not password:
            raise CommandError("Error: Password Required")
    return name, password
