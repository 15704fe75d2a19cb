"""Commands that do one thing to each of several containers, such as `docker stop a b c`.

The names of those done are printed, complaints come at the end, in the order of the command line. Most
of these commands send their requests all at once, so that stopping three containers takes as long as the
slowest and not three times ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit
from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.help import older
from simdocker.actors.client.names import checked
from simdocker.actors.client.terminal import Process
from simdocker.api.messages import NO_QUERY

Check = Callable[[str], str]
"""The name that goes into the path, for the name on the command line. Raises CommandError."""


def container_name(given: str) -> str:
    return checked("container", given)


def each(
    cli: Cli,
    names: list[str],
    method: str,
    path: str,
    query: Mapping[str, str] = NO_QUERY,
    *,
    at_once: bool = True,
    forgive: bool = False,
    check: Check = container_name,
) -> Exit:
    """Process → 0: one request a container; `{}` in `path` is its name. With `forgive` a container that
    is not there is told, but is no failure. Raises CommandError with all complaints."""
    sent = []
    if at_once and len(names) > 1:
        yield from cli.greet()
        sent = [cli.env.process(_outcome(cli, name, method, path, query, check)) for name in names]
    complaints = []
    for number, name in enumerate(names):
        outcome: tuple[str, int] = (
            (yield sent[number]) if sent else (yield from _outcome(cli, name, method, path, query, check))
        )
        complaint, status = outcome
        if not complaint:
            cli.out(name + "\n")
        elif forgive and status == 404:
            cli.err(complaint + "\n")
        else:
            complaints.append(complaint)
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0


def _outcome(cli: Cli, name: str, method: str, path: str, query: Mapping[str, str], check: Check) -> Process:
    """Process → (complaint, status): send one request; the complaint is "" when all went well."""
    try:
        response = yield from cli.try_call(method, path.format(check(name)), query)
    except CommandError as fault:
        return fault.message, 0
    return (error_text(response) if response.failed else ""), response.status


def stop_query(cli: Cli, flags: Flags) -> Process:
    """Process → the query of `stop` and `restart`. A daemon older than API 1.42 is not told the signal."""
    query = {}
    if flags.changed("timeout"):
        query["t"] = str(flags.number("timeout"))
    if flags.text("signal"):
        yield from cli.greet()
        if not older(cli.api_version, "1.42"):
            query["signal"] = flags.text("signal")
    return query
