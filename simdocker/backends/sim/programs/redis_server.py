"""redis-server: the common commands over RESP, kept in /data/dump.rdb across restarts.

It saves when it is told to (SAVE, SIGTERM, SIGINT); killed, it loses what came since, as the real one
does before its next save point. The file holds JSON and not the real format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.applets.clock import wall_ns
from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.resp import Error, Reader, Status, encode
from simdocker.backends.sim.programs.serving import INT, TERM, listen, now, thread, until_signal

if TYPE_CHECKING:
    from simdocker.backends.sim.sockets import Listener, Socket

PORT = 6379
COMMAND_NS = 20_000  # redis-benchmark without pipelining: some 50 000 commands a second
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
NOT_INTEGER = Error("ERR value is not an integer or out of range")


@program("redis-server")
def redis_server(p: Process) -> Blocking:
    """Process: `redis-server [CONFIG] [--port N]`, `--version`."""
    options = p.argv[1:]
    version = p.env.get("REDIS_VERSION", "7.4.1")
    if options and options[0] in ("-v", "--version"):
        yield from p.write(
            1, f"Redis server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=9f8a1b7ad1fbdc47\n"
        )
        return 0
    port = int(options[options.index("--port") + 1]) if "--port" in options[:-1] else PORT
    return (yield from Server(p, port, version, configured=bool(options)).run())


class Server:
    """The process: a database, and the connections to it."""

    def __init__(self, p: Process, port: int, version: str, configured: bool) -> None:
        self.p = p
        self.port = port
        self.version = version
        self.configured = configured
        self.keys: dict[str, Any] = {}
        self.expires: dict[str, int] = {}
        self.starting = True
        self._stops: list[Callable[[], None]] = []
        self.file = f"{p.cwd.rstrip('/')}/dump.rdb"

    def log(self, text: str, mark: str = "*") -> Blocking:
        stamp = now(self.p, "%d %b %Y %H:%M:%S.") + f"{wall_ns(self.p) // 1_000_000 % 1000:03}"
        role = "C" if self.starting else "M"
        yield from self.p.write(1, f"{self.p.pid}:{role} {stamp} {mark} {text}\n")

    def run(self) -> Generator[Event, Any, int]:
        """Process: load, serve, and save when told to end."""
        p = self.p
        yield from self.log("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
        yield from self.log(f"Redis version={self.version}, bits=64, commit=00000000, modified=0, pid={p.pid}, "
                            "just started")  # fmt: skip
        if self.configured:
            yield from self.log("Configuration loaded")
        else:
            yield from self.log("Warning: no config file specified, using the default config. In order to specify a "
                                "config file use redis-server /path/to/redis.conf", "#")  # fmt: skip
        self.starting = False
        yield from self.log("monotonic clock: POSIX clock_gettime")
        try:
            listener = listen(p, self.port)
        except OSError as error:
            yield from self.log(f"Warning: Could not create server TCP listening socket *:{self.port}: bind: "
                                f"{error.strerror}", "#")  # fmt: skip
            yield from self.log("Failed listening on port 6379 (TCP), aborting.", "#")
            return 1
        try:
            yield from self.log(f"Running mode=standalone, port={self.port}.")
            yield from self.log("Server initialized")
            if self._load():
                yield from self.log("Loading RDB produced by version " + self.version)
                yield from self.log(f"Done loading RDB, keys loaded: {len(self.keys)}, keys expired: 0.")
                yield from self.log("DB loaded from disk: 0.000 seconds")
            yield from self.log("Ready to accept connections tcp")
            self._stops.append(thread(p, self._accept(listener)))
            number = yield from until_signal(p, (TERM, INT))
            name = "SIGTERM" if number == TERM else "SIGINT"
            yield from self.log(f"Received {name} scheduling shutdown...")
            yield from self.log("User requested shutdown...")
            yield from self.log("Saving the final RDB snapshot before exiting.")
            self._save()
            yield from self.log("DB saved on disk")
            yield from self.log("Redis is now ready to exit, bye bye...", "#")
        finally:
            for stop in self._stops:
                stop()
            listener.close()
        return 0

    def _accept(self, listener: Listener) -> Blocking:
        while True:
            socket = yield from listener.accept()
            self._stops.append(thread(self.p, self._converse(socket)))

    def _converse(self, socket: Socket) -> Blocking:
        """Process: answer one client until it goes."""
        reader = Reader(socket)
        try:
            while True:
                words = yield from reader.value()
                if not isinstance(words, list) or not words:
                    continue
                yield self.p.clock.timeout(COMMAND_NS)
                name, *arguments = [str(word) for word in words]
                if name.upper() == "QUIT":
                    yield from socket.write(encode(Status("OK")))
                    return
                yield from socket.write(encode(self.execute(name, arguments)))
        except (EOFError, OSError, ValueError):
            return
        finally:
            socket.close()

    def execute(self, name: str, arguments: list[str]) -> object:
        """The reply to one command."""
        command = getattr(self, f"do_{name.lower()}", None)
        if command is None:
            shown = " ".join(f"'{argument}'" for argument in arguments)
            return Error(f"ERR unknown command '{name}', with args beginning with: {shown}{' ' if shown else ''}")
        for key in [key for key, at in self.expires.items() if at <= self.p.clock.now]:
            self._drop(key)
        try:
            return command(*arguments)
        except TypeError:
            return Error(f"ERR wrong number of arguments for '{name.lower()}' command")

    # -- commands ---------------------------------------------------------------------------

    def do_ping(self, message: str | None = None) -> object:
        return Status("PONG") if message is None else message

    def do_echo(self, message: str) -> object:
        return message

    def do_set(self, key: str, value: str, *options: str) -> object:
        words = [option.upper() for option in options]
        if ("NX" in words and key in self.keys) or ("XX" in words and key not in self.keys):
            return None
        self._drop(key)
        self._put(key, value)
        if "EX" in words[:-1]:
            self.do_expire(key, options[words.index("EX") + 1])
        return Status("OK")

    def do_get(self, key: str) -> object:
        value = self.keys.get(key)
        return WRONG_TYPE if isinstance(value, list | dict) else value

    def do_del(self, key: str, *more: str) -> object:
        return sum(self._drop(name) for name in (key, *more))

    def do_exists(self, key: str, *more: str) -> object:
        return sum(name in self.keys for name in (key, *more))

    def do_keys(self, pattern: str) -> object:
        return [key for key in self.keys if fnmatchcase(key, pattern)]

    def do_dbsize(self) -> object:
        return len(self.keys)

    def do_incr(self, key: str) -> object:
        return self.do_incrby(key, "1")

    def do_decr(self, key: str) -> object:
        return self.do_incrby(key, "-1")

    def do_incrby(self, key: str, amount: str) -> object:
        try:
            value = int(self.keys.get(key, "0")) + int(amount)
        except (TypeError, ValueError):
            return NOT_INTEGER
        self._put(key, str(value))
        return value

    def do_append(self, key: str, value: str) -> object:
        self._put(key, self.keys.get(key, "") + value)
        return len(self.keys[key])

    def do_expire(self, key: str, seconds: str) -> object:
        if key not in self.keys:
            return 0
        self.expires[key] = int(self.p.clock.now) + int(seconds) * 1_000_000_000
        return 1

    def do_ttl(self, key: str) -> object:
        if key not in self.keys:
            return -2
        at = self.expires.get(key)
        return -1 if at is None else -((self.p.clock.now - at) // 1_000_000_000)

    def do_rpush(self, key: str, *values: str) -> object:
        return self._push(key, lambda items: items.extend(values))

    def do_lpush(self, key: str, *values: str) -> object:
        return self._push(key, lambda items: items.__setitem__(slice(0, 0), reversed(values)))

    def do_lrange(self, key: str, start: str, stop: str) -> object:
        items = self.keys.get(key, [])
        if not isinstance(items, list):
            return WRONG_TYPE
        first, last = (number + len(items) if number < 0 else number for number in (int(start), int(stop)))
        return items[max(first, 0) : last + 1]

    def do_llen(self, key: str) -> object:
        return len(self.keys.get(key, []))

    def do_hset(self, key: str, *pairs: str) -> object:
        table = self.keys.setdefault(key, {})
        if not isinstance(table, dict):
            return WRONG_TYPE
        before = len(table)
        table.update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(table) - before

    def do_hget(self, key: str, field: str) -> object:
        return self.keys.get(key, {}).get(field)

    def do_hgetall(self, key: str) -> object:
        return [word for pair in self.keys.get(key, {}).items() for word in pair]

    def do_flushall(self) -> object:
        self.keys.clear()
        self.expires.clear()
        return Status("OK")

    def do_save(self) -> object:
        self._save()
        return Status("OK")

    def do_bgsave(self) -> object:
        self._save()
        return Status("Background saving started")

    def do_select(self, index: str) -> object:
        return Status("OK") if index == "0" else Error("ERR DB index is out of range")

    def do_info(self, section: str = "") -> object:
        return f"# Server\r\nredis_version:{self.version}\r\nredis_mode:standalone\r\ntcp_port:{self.port}\r\n"

    def do_command(self, *_: str) -> object:
        return []

    # -- the database -----------------------------------------------------------------------

    def _push(self, key: str, change: Callable[[list[str]], None]) -> object:
        items = self.keys.setdefault(key, [])
        if not isinstance(items, list):
            return WRONG_TYPE
        change(items)
        return len(items)

    def _put(self, key: str, value: str) -> None:
        self.keys[key] = value

    def _drop(self, key: str) -> bool:
        self.expires.pop(key, None)
        return self.keys.pop(key, None) is not None

    def _load(self) -> bool:
        try:
            self.keys = json.loads(self.p.read_file(self.file))
        except (OSError, ValueError):
            return False
        return True

    def _save(self) -> None:
        self.p.write_file(self.file, json.dumps(self.keys))
