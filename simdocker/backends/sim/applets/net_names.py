"""nslookup: asks a name server, and no file."""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Any, NamedTuple

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, options
from simdocker.backends.sim.names import candidates, is_address, resolv_conf, resolve

NO_SERVERS = ";; connection timed out; no servers could be reached\n\n"
TYPES = {
    "soa": "SOA", "ns": "NS", "a": "A", "aaaa": "AAAA", "cname": "CNAME", "mx": "MX", "txt": "TXT", "ptr": "PTR",
    "srv": "SRV", "any": "ANY",
}  # fmt: skip


class Question(NamedTuple):
    name: str
    type: str


class Answer(NamedTuple):
    """`records` is None where the name does not exist."""

    question: Question
    records: list[str] | None


@applet("nslookup")
def nslookup(call: Call) -> Status:
    types = [arg for arg in call.args if arg.startswith(("-type=", "-querytype=", "-q="))]
    found = options(Call(call.p, call.name, [arg for arg in call.args if arg not in (*types, "-debug")]), "")
    if len(found.args) not in (1, 2):
        raise Usage
    wanted = [_type(arg.partition("=")[2]) for arg in types]
    name = found.args[0]
    servers = yield from _servers(call, found)
    questions = _questions(name, wanted)
    for number, server in enumerate(servers):
        answers = yield from _ask(call, server, questions)
        if answers is not None:
            return _report(call, server, answers)
        if number == len(servers) - 1:
            call.out(NO_SERVERS)
    return 1


def _type(text: str) -> str:
    if text.lower() not in TYPES:
        raise Failure(f'invalid query type "{text}"')
    return TYPES[text.lower()]


def _servers(call: Call, found: Options) -> Generator[Event, Any, list[str]]:
    if len(found.args) == 1:
        return resolv_conf(call.p).servers
    addresses = yield from resolve(call.p, found.args[1])
    if not addresses:
        raise Failure(f"bad address '{found.args[1]}'")
    return addresses


def _questions(name: str, types: list[str]) -> list[Question]:
    """IPv4 and IPv6 addresses of a name; the name of an address."""
    if is_address(name) and ":" not in name:
        pointer = ".".join(reversed(name.split("."))) + ".in-addr.arpa"
        return [Question(pointer, type) for type in types or ["PTR"]]
    return [Question(name, type) for type in types or ["A", "AAAA"]]


def _ask(call: Call, server: str, questions: list[Question]) -> Generator[Event, Any, list[Answer] | None]:
    """Process → the answers of one server, None when it gives none. Raises Failure without a route."""
    p = call.p
    config = resolv_conf(p)
    answers = []
    for question in questions:
        records: list[str] = []
        for name in candidates(question.name, config):
            try:
                found: list[str] | None = yield from p.net.ask(server, name)
            except OSError as error:
                if error.errno == errno.ENETUNREACH:
                    raise Failure(f"can't connect to remote host ({server}): {error.strerror}") from None
                call.complain(f"write to '{server}': {error.strerror}")
                return None
            if found is None:
                return None
            if found:
                records = found
                question = Question(name, question.type)
                break
        fits = (
            (question.type in ("A", "ANY") and is_address(records[0])) or question.type == "PTR" if records else False
        )
        answers.append(Answer(question, (records if fits else []) if records else None))
    return answers


def _report(call: Call, server: str, answers: list[Answer]) -> int:
    call.out(f"Server:\t\t{server}\nAddress:\t{server}:53\n\n")
    status = 0
    for question, records in answers:
        if records is None:
            call.out(f"** server can't find {question.name}: NXDOMAIN\n\n")
            status = 1
            continue
        call.out("Non-authoritative answer:\n")
        for record in records:
            if question.type == "PTR":
                call.out(f"{question.name}\tname = {record}\n")
            else:
                call.out(f"Name:\t{question.name.rstrip('.')}\nAddress: {record}\n")
        call.out("\n")
    return status
