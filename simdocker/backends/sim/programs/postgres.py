"""PostgreSQL: initdb, the server, pg_isready and a psql that knows constant queries.

A cluster is a directory with PG_VERSION in it. The server keeps no tables: the model is about its life
cycle (first start, readiness, the three ways to shut down), not about SQL.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets.clock import wall_ns
from simdocker.backends.sim.names import resolve
from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.serving import INT, QUIT, TERM, accept_loop, listen, now, until_signal

PORT = 5432
USER = 999  # postgres, in the image's /etc/passwd
# Measured with PostgreSQL 15 where the engine ran: initdb's processor time, mostly bootstrap SQL; from
# "starting" to "ready to accept connections"; the checkpoint of a shutdown by its own log.
INITDB_NS, STARTUP_NS, CHECKPOINT_NS = 1_500_000_000, 130_000_000, 100_000_000
SHUTDOWNS = {TERM: "smart", INT: "fast", QUIT: "immediate"}


@program("postgres")
def postgres(p: Process) -> Blocking:
    """Process: one binary for `postgres`, `initdb`, `pg_isready` and `psql`."""
    name = p.argv[0].rpartition("/")[2]
    run = {"initdb": _initdb, "pg_isready": _pg_isready, "psql": _psql}.get(name, _server)
    return (yield from run(p, p.argv[1:]))


def _version(p: Process) -> str:
    return p.env.get("PG_VERSION", "17.2-1").partition("-")[0]


def _option(words: list[str], *names: str, default: str = "") -> str:
    for name in names:
        if name in words[:-1]:
            return words[words.index(name) + 1]
        for word in words:
            if name.startswith("--") and word.startswith(f"{name}="):
                return word.partition("=")[2]
    return default


def _initdb(p: Process, words: list[str]) -> Generator[Event, Any, int]:
    """Process: make a cluster."""
    data = _option(words, "-D", "--pgdata", default=p.env.get("PGDATA", ""))
    user = _option(words, "--username", "-U", default="postgres")
    p.uid = p.gid = USER
    try:
        p.write_file(f"{data}/PG_VERSION", f"{_version(p).partition('.')[0]}\n")
        for folder in ("base", "global", "pg_wal"):
            p.mkdir(f"{data}/{folder}", 0o700)
        p.write_file(f"{data}/postgresql.conf", "listen_addresses = '*'\nport = 5432\nmax_connections = 100\n")
        p.write_file(f"{data}/pg_hba.conf", "local all all trust\nhost all all all scram-sha-256\n")
        p.write_file(f"{data}/global/pg_control", user)
    except OSError as error:
        yield from p.write(2, f'initdb: error: could not access directory "{data}": {error.strerror}\n')
        return 1
    yield from p.write(
        1,
        f"""\
The files belonging to this database system will be owned by user "postgres".
This user must also own the server process.

The database cluster will be initialized with locale "en_US.utf8".
The default database encoding has accordingly been set to "UTF8".
The default text search configuration will be set to "english".

Data page checksums are disabled.

fixing permissions on existing directory {data} ... ok
creating subdirectories ... ok
selecting dynamic shared memory implementation ... posix
selecting default "max_connections" ... 100
selecting default "shared_buffers" ... 128MB
selecting default time zone ... Etc/UTC
creating configuration files ... ok
""",
    )
    yield from p.sleep(INITDB_NS)
    yield from p.write(
        1,
        """\
running bootstrap script ... ok
performing post-bootstrap initialization ... ok
syncing data to disk ... ok


Success.
""",
    )
    return 0


def _server(p: Process, words: list[str]) -> Generator[Event, Any, int]:
    """Process: serve until SIGTERM (smart), SIGINT (fast) or SIGQUIT (immediate shutdown)."""
    if "--version" in words or "-V" in words:
        package = p.env.get("PG_VERSION", "17.2-1")
        yield from p.write(1, f"postgres (PostgreSQL) {_version(p)} (Debian {package})\n")
        return 0
    data = _option(words, "-D", default=p.env.get("PGDATA", ""))
    try:
        p.read_file(f"{data}/PG_VERSION")
    except OSError:
        yield from p.write(2, f'postgres: could not access the server configuration file "{data}/postgresql.conf": '
                              "No such file or directory\n")  # fmt: skip
        return 2
    p.uid = p.gid = USER
    package = p.env.get("PG_VERSION", "17.2-1")
    yield from _log(p, f"starting PostgreSQL {_version(p)} (Debian {package}) on x86_64-pc-linux-gnu, compiled by gcc "
                       "(Debian 12.2.0-14) 12.2.0, 64-bit")  # fmt: skip
    try:
        listener = listen(p, PORT)
    except OSError as error:
        yield from _log(p, f'could not bind IPv4 address "0.0.0.0": {error.strerror}')
        yield from _log(p, "could not create any TCP/IP sockets", "FATAL")
        return 1
    try:
        yield from _log(p, f'listening on IPv4 address "0.0.0.0", port {PORT}')
        yield from _log(p, f'listening on IPv6 address "::", port {PORT}')
        yield from _log(p, f'listening on Unix socket "/var/run/postgresql/.s.PGSQL.{PORT}"')
        yield from p.sleep(STARTUP_NS)
        p.write_file(f"{data}/postmaster.pid", f"{p.pid}\n{data}\n")
        for title in ("checkpointer", "background writer", "walwriter", "autovacuum launcher"):
            child = p.fork(_idle)
            child.argv = [f"postgres: {title} "]
        backend = p.fork(lambda worker: accept_loop(listener, _greet))
        backend.argv = ["postgres: logical replication launcher "]
        yield from _log(p, "database system is ready to accept connections")
        number = yield from until_signal(p, tuple(SHUTDOWNS))
        yield from _log(p, f"received {SHUTDOWNS[number]} shutdown request")
        if number != QUIT:
            yield from _log(p, "aborting any active transactions")
            yield from _log(p, "shutting down")
            yield from _log(p, "checkpoint starting: shutdown immediate")
            yield from p.sleep(CHECKPOINT_NS)
        for other in p.processes():
            if other.ppid == p.pid and other.uid == USER:
                p.kill(other.pid, TERM)
        p.unlink(f"{data}/postmaster.pid")
        yield from _log(p, "database system is shut down")
    finally:
        listener.close()
    return 0


def _idle(p: Process) -> Blocking:
    """Process: a background process with nothing to do."""
    while True:
        yield from p.sleep(86_400 * 1_000_000_000)


def _greet(socket: Any) -> Blocking:
    """Process: answer the start of a session, and whatever follows, with a sign of life."""
    while (yield from socket.read(4096)):
        yield from socket.write(b"R")


def _log(p: Process, text: str, level: str = "LOG") -> Blocking:
    stamp = now(p, "%Y-%m-%d %H:%M:%S.") + f"{wall_ns(p) // 1_000_000 % 1000:03} UTC"
    yield from p.write(2, f"{stamp} [{p.pid}] {level}:  {text}\n")


def _pg_isready(p: Process, words: list[str]) -> Generator[Event, Any, int]:
    """Process → 0 when a server accepts connections, 2 when none answers."""
    host = _option(words, "-h", "--host")
    port = int(_option(words, "-p", "--port", default=str(PORT)))
    shown = f"{host or '/var/run/postgresql'}:{port}"
    if (yield from _dial(p, host, port)):
        yield from p.write(1, f"{shown} - accepting connections\n")
        return 0
    yield from p.write(1, f"{shown} - no response\n")
    return 2


def _dial(p: Process, host: str, port: int) -> Generator[Event, Any, bool]:
    """Process → whether a server answers; without a host the one of this container."""
    try:
        found = yield from resolve(p, host or "localhost")
        if not found:
            return False
        socket = yield from p.net.connect(found[0], port)
    except OSError:
        return False
    socket.close()
    return True


def _psql(p: Process, words: list[str]) -> Generator[Event, Any, int]:
    """Process: `psql -c QUERY` for a query of constants."""
    host = _option(words, "-h", "--host")
    port = int(_option(words, "-p", "--port", default=str(PORT)))
    if not (yield from _dial(p, host, port)):
        where = f'at "{host}", port {port}' if host else f'on socket "/var/run/postgresql/.s.PGSQL.{port}"'
        yield from p.write(2, f"psql: error: connection to server {where} failed: Connection refused\n")
        return 2
    query = _option(words, "-c", "--command")
    if not query:
        return 0
    found = re.fullmatch(r"\s*select\s+(?:(version\(\))|(\d+)|'([^']*)')\s*;?\s*", query, re.IGNORECASE)
    if found is None:
        yield from p.write(2, "ERROR:  this server is a model: it answers queries of constants only\n")
        return 1
    package = p.env.get("PG_VERSION", "17.2-1")
    version = f"PostgreSQL {_version(p)} (Debian {package}) on x86_64-pc-linux-gnu"
    name = "version" if found[1] else "?column?"
    value = version if found[1] else found[2] or found[3] or ""
    width = max(len(name), len(value))
    cell = f" {value:>{width}}" if found[2] else f" {value}"
    yield from p.write(1, f" {name:^{width}} \n{'-' * (width + 2)}\n{cell}\n(1 row)\n\n")
    return 0
