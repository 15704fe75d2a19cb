"""python3: versions, `-c`, script files, `-m pip` and `-m http.server`.

Programs are run by `python_eval`, which knows a part of the language; what it does not know is said in
simdocker's name and ends with UNKNOWN, never in CPython's voice. As the first process of a container Python
has no handler for SIGTERM, which is why `docker stop` of a Python server takes its ten seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.program import Blocking, Exit, Process, program
from simdocker.backends.sim.programs.python_eval import Evaluator
from simdocker.backends.sim.programs.python_values import Exited, Raised, Unknown
from simdocker.backends.sim.programs.serving import (
    INT,
    REQUEST_NS,
    accept_loop,
    content_type,
    http_date,
    listen,
    now,
    read_request,
    response,
    thread,
    unknown,
    until_signal,
)

if TYPE_CHECKING:
    from simdocker.backends.sim.sockets import Socket

STARTUP_NS = 25_000_000  # the interpreter and its site module: what pyperformance calls python_startup, rounded


@program("python")
def python(p: Process) -> Blocking:
    """Process: `python3 [-u] [--version | -c TEXT | -m http.server [PORT] | FILE] …`."""
    words = p.argv[1:]
    while words and words[0] in ("-u", "-B", "-I", "-s", "-E", "-q"):
        words.pop(0)
    version = p.env.get("PYTHON_VERSION", "3.13.1")
    if not words:
        return (yield from _interactive(p, version))
    option, *rest = words
    if option in ("-V", "--version"):
        yield from p.write(1, f"Python {version}\n")
        return 0
    yield from p.compute(STARTUP_NS)
    if option == "-c" and rest:
        return (yield from _run(p, rest[0], "<string>", version, ["-c", *rest[1:]]))
    if option == "-m" and rest:
        if rest[0] == "pip":
            return (yield from p.exec(["pip", *rest[1:]]))
        if rest[0] == "http.server":
            return (yield from _http_server(p, rest[1:], version))
        if rest[0].partition(".")[0] in sys.stdlib_module_names:
            return (yield from unknown(p, "Python", f"python -m {rest[0]}"))
        yield from p.write(2, f"/usr/local/bin/python: No module named {rest[0]}\n")
        return 1
    if option.startswith("-"):
        yield from p.write(2, f"Unknown option: {option}\nusage: python [option] ... [-c cmd | -m mod | file | -] "
                              "[arg] ...\nTry `python -h' for more information.\n")  # fmt: skip
        return 2
    try:
        text = p.read_file(option).decode()
    except OSError as error:
        path = option if option.startswith("/") else f"{p.cwd.rstrip('/')}/{option}"
        yield from p.write(2, f"python: can't open file '{path}': [Errno {error.errno}] {error.strerror}\n")
        return 2
    path = option if option.startswith("/") else f"{p.cwd.rstrip('/')}/{option}"
    return (yield from _run(p, text, path, version, words))


def _interactive(p: Process, version: str) -> Generator[Event, Any, int]:
    """Process: without arguments, the program is what comes on standard input."""
    data = b""
    while chunk := (yield from p.read(0)):
        data += chunk
    return (yield from _run(p, data.decode("utf-8", "replace"), "<stdin>", version, [""]))


def _run(p: Process, text: str, name: str, version: str, argv: list[str]) -> Generator[Event, Any, int]:
    """Process → the exit status of a program text."""
    evaluator = Evaluator(p, version, argv)
    try:
        yield from evaluator.run(text)
    except Exited as end:
        status = end.args[0] if end.args else 0
        if status is None or isinstance(status, int):
            return (status or 0) & 0xFF
        yield from p.write(2, f"{status}\n")
        return 1
    except Unknown as what:
        return (yield from unknown(p, "Python", what.args[0], f"{name}, line {evaluator.at[-1][1]}"))
    except SyntaxError as error:
        yield from p.write(2, f'  File "{name}", line {error.lineno}\n    {(error.text or "").strip()}\n'
                              f"SyntaxError: {error.msg}\n")  # fmt: skip
        return 1
    except Exit:
        raise
    except Exception as error:
        yield from p.write(2, _traceback(evaluator, error, text, name))
        return 1
    return 0


def _traceback(evaluator: Evaluator, error: Exception, text: str, name: str) -> str:
    """What CPython prints of an exception that nobody caught, without its underlines."""
    lines = ["Traceback (most recent call last):"]
    source = text.splitlines()
    known = name != "<string>" or evaluator.version >= "3.13"  # since when it shows the lines of -c as well
    for function, line in evaluator.at:
        lines.append(f'  File "{name}", line {line}, in {function}')
        if known and 0 < line <= len(source):
            lines.append(f"    {source[line - 1].strip()}")
    if isinstance(error, Raised):
        what, detail = error.args[0].kind.name, str(Exception(*error.args[0].attributes["args"]))
    else:
        what, detail = type(error).__name__, str(error)
    return "\n".join(lines) + f"\n{what}{': ' if detail else ''}{detail}\n"


def _http_server(p: Process, words: list[str], version: str) -> Generator[Event, Any, int]:
    """Process: serve the working directory until SIGINT."""
    port = int(words[0]) if words and words[0].isdigit() else 8000
    folder = words[words.index("-d") + 1] if "-d" in words[:-1] else p.cwd
    try:
        listener = listen(p, port)
    except OSError as error:
        yield from p.write(2, f"OSError: [Errno {error.errno}] {error.strerror}\n")
        return 1
    stop = thread(p, accept_loop(listener, lambda socket: _converse(p, socket, folder, version)))
    try:
        yield from p.write(1, f"Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ...\n")
        yield from until_signal(p, (INT,))
        yield from p.write(1, "\nKeyboard interrupt received, exiting.\n")
    finally:
        stop()
        listener.close()
    return 0


def _converse(p: Process, socket: Socket, folder: str, version: str) -> Blocking:
    """Process: one request: a file, a directory's listing, or 404."""
    request = yield from read_request(socket)
    if request is None:
        return
    yield p.clock.timeout(REQUEST_NS)
    path = f"{folder.rstrip('/')}{request.path}".rstrip("/") or "/"
    headers = {"Server": f"SimpleHTTP/0.6 Python/{version}", "Date": now(p, "%a, %d %b %Y %H:%M:%S GMT")}
    status, type = "200 OK", "text/html; charset=utf-8"
    try:
        stat = p.stat(path)
        if stat.st_mode & 0o170000 == 0o040000:
            names = sorted(p.listdir(path))
            if "index.html" in names:
                body, type = p.read_file(f"{path}/index.html"), "text/html"
            else:
                body = _listing(request.path, names)
        else:
            body, type = p.read_file(path), content_type(path)
            headers["Last-Modified"] = http_date(stat.st_mtime_ns)
    except OSError:
        status, body = "404 File not found", b"<h1>Error response</h1>\n<p>Error code: 404</p>\n"
    headers |= {"Content-type": type, "Content-Length": str(len(body))}
    yield from socket.write(response(status, headers, body, head=request.method == "HEAD", version="1.0"))
    stamp = now(p, "%d/%b/%Y %H:%M:%S")
    lines = f'{socket.peer[0]} - - [{stamp}] "{request.line}" {status[:3]} -\n'
    if status.startswith("404"):
        lines = f"{socket.peer[0]} - - [{stamp}] code 404, message File not found\n{lines}"
    yield from p.write(2, lines)


def _listing(path: str, names: list[str]) -> bytes:
    items = "".join(f'<li><a href="{name}">{name}</a></li>\n' for name in names)
    title = f"Directory listing for {path}"
    return (
        f'<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>\n<body>\n'
        f"<h1>{title}</h1>\n<hr>\n<ul>\n{items}</ul>\n<hr>\n</body>\n</html>\n"
    ).encode()
