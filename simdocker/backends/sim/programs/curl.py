"""curl: transfers URLs and prints what comes; a host's window on published ports."""

from __future__ import annotations

import errno
import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim import signals
from simdocker.backends.sim.program import Blocking, OpenFile, Process, program
from simdocker.backends.sim.programs.curl_options import TRY, Options, UsageError, parse
from simdocker.backends.sim.programs.curl_transfer import COULD_NOT_CONNECT, TIMED_OUT, VERSION, CurlError, Transfer

S = 1_000_000_000
WRITE_ERROR = 23
TRANSIENT = (408, 429, 500, 502, 503, 504)
METER = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n"
)
NOTHING_YET = "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
WRITE_OUT = re.compile(r"%\{([^}]*)\}|%%|\\([nrt\\])")


@program("curl")
def curl(p: Process) -> Blocking:
    """Process: one command line: every URL in turn; the status is that of the last one that failed."""
    p.signal(signals.PIPE, "ignore")
    try:
        options = parse(p, p.argv[1:])
        if "version" in options:
            yield from p.write(1, f"curl {VERSION} (x86_64-pc-linux-gnu) libcurl/{VERSION}\nProtocols: http\n")
            return 0
        if not options.urls:
            yield from p.write(2, TRY)
            return 2
        status = 0
        for number in range(len(options.urls)):
            status = (yield from _with_retries(p, options, number)) or status
        return status
    except UsageError as error:
        yield from p.write(2, f"curl: {error}\n{TRY}")
        return 2


def _with_retries(p: Process, options: Options, number: int) -> Generator[Event, Any, int]:
    """Process: one URL, again after transient failures as --retry says."""
    left = options.number("retry", 0)
    pause = options.seconds("retry-delay") or S
    if _has_meter(p, options, number):
        yield from p.write(2, METER)
    while True:
        status, problem = yield from _one(p, options, number)
        if not left or not problem:
            return status
        if "silent" not in options:
            text = f"Problem : {problem}. Will retry in {pause // S} seconds. {left} retries left."
            yield from p.write(2, _wrapped(text))
        yield from p.sleep(pause)
        left -= 1
        if "retry-delay" not in options:
            pause *= 2


def _wrapped(text: str) -> str:
    """A warning in lines of less than 79 columns."""
    lines = []
    while len(text) >= 70:
        cut = text.rfind(" ", 0, 70) + 1
        lines.append(text[:cut])
        text = text[cut:]
    return "".join(f"Warning: {line}\n" for line in (*lines, text))


def _one(p: Process, options: Options, number: int) -> Generator[Event, Any, tuple[int, str]]:
    """Process → exit code, and the transient problem that is worth a retry ("" for none)."""
    transfer = Transfer(p, options, options.urls[number], number)
    metered = _has_meter(p, options, number)
    if metered:
        yield from p.write(2, NOTHING_YET)
    code, message = 0, ""
    try:
        yield from transfer.run()
    except CurlError as error:
        code, message = error.code, error.message
    if metered:
        yield from p.write(2, _meter(transfer, code))
    if "verbose" in options:
        yield from p.write(2, _goodbye(transfer, code))
    try:
        yield from _deliver(p, options, transfer, number)
    except OSError as error:
        code, message = WRITE_ERROR, f"Failure writing output to destination: {error.strerror}"
        if error.errno == errno.EPIPE:
            message = "Failed writing body"
    if message and ("silent" not in options or "show-error" in options):
        yield from p.write(2, f"curl: ({code}) {message}\n")
    if not code and "fail-with-body" in options and transfer.code >= 400:
        code, message = 22, f"The requested URL returned error: {transfer.code}"
    if "write-out" in options:
        yield from _write_out(p, options.given["write-out"], transfer, code, message)
    return code, _problem(options, transfer, code)


def _problem(options: Options, transfer: Transfer, code: int) -> str:
    if code == TIMED_OUT:
        return "timeout"
    if code == COULD_NOT_CONNECT and "retry-connrefused" in options:
        return "connection refused"
    if transfer.code in TRANSIENT:
        return "HTTP error"
    return "(retrying all errors)" if code and "retry-all-errors" in options else ""


def _goodbye(transfer: Transfer, code: int) -> str:
    kept = not code and transfer.headers.get("connection", "").lower() != "close" and transfer.version == "1.1"
    if kept and transfer.url is not None:
        return f"* Connection #{transfer.redirects} to host {transfer.url.host} left intact\n"
    return f"* Closing connection {transfer.redirects}\n"


# output


def _has_meter(p: Process, options: Options, number: int) -> bool:
    """The progress meter is shown unless the body itself goes to a terminal."""
    if "silent" in options or "no-progress-meter" in options:
        return False
    return number < len(options.outputs) or not p.fds[1].isatty()


def _meter(transfer: Transfer, code: int) -> str:
    """The last line of the progress meter."""
    if code == 6:
        return ""
    size = len(transfer.body)
    total = int(transfer.headers.get("content-length") or size) if transfer.code else 0
    sent = transfer.uploaded
    took = max(transfer.elapsed(), 1000)
    percent = 100 if size and size >= total else size * 100 // total if total else 0
    return (
        f"\r{percent:3d} {_amount(total)}  {percent:3d} {_amount(size)}  {100 if sent else 0:3d} {_amount(sent)}  "
        f"{_amount(size * S // took)}  {_amount(sent * S // took)} --:--:-- --:--:-- --:--:-- "
        f"{_amount(size * 1000 // max(took // 1_000_000, 1))}\n"
    )


def _amount(number: int) -> str:
    """A count in five columns, as curl shortens it."""
    if number < 100_000:
        return f"{number:5d}"
    for unit, size in (("k", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)):
        if number < 10_000 * size:
            return (
                f"{number // size:4d}{unit}" if unit == "k" or number >= 100 * size else f"{number / size:4.1f}{unit}"
            )
    return f"{number >> 40:4d}T"


def _deliver(p: Process, options: Options, transfer: Transfer, number: int) -> Generator[Event, Any, None]:
    """Process: headers and body to where they belong."""
    if "dump-header" in options:
        yield from _to_file(p, options.given["dump-header"], transfer.head)
    shown = transfer.head if "include" in options or "head" in options else b""
    data = shown + transfer.body
    name: str | None = "-"
    if number < len(options.outputs):
        name = options.outputs[number]
        if name is None:
            name = transfer.text.partition("?")[0].partition("://")[2].partition("/")[2].rpartition("/")[2]
            if not name:
                raise OSError(errno.EINVAL, "Remote file name has no length!")
    if data or (transfer.code and name != "-"):
        yield from _to_file(p, name or "-", data)


def _to_file(p: Process, name: str, data: bytes) -> Generator[Event, Any, None]:
    if name == "-":
        yield from p.write(1, data)
        return
    file: OpenFile = p.open(name, "w")
    try:
        yield from file.write(data)
    finally:
        file.close()


def _write_out(p: Process, layout: str, transfer: Transfer, code: int, message: str) -> Generator[Event, Any, None]:
    """Process: --write-out, with its variables and escapes."""
    if layout.startswith("@"):
        layout = p.read_file(layout[1:]).decode("utf-8", "surrogateescape")
    values = _variables(transfer, code, message)
    unknown: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match.group(2):
            return {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[match.group(2)]
        if match.group() == "%%":
            return "%"
        if match.group(1) not in values:
            unknown.append(match.group(1))
        return values.get(match.group(1), "")

    text = WRITE_OUT.sub(value, layout)
    yield from p.write(2, "".join(f"curl: unknown --write-out variable: '{name}'\n" for name in unknown))
    yield from p.write(1, text)


def _variables(transfer: Transfer, code: int, message: str) -> dict[str, str]:
    times = {f"time_{name}": transfer.moments.get(name, 0) for name in
             ("namelookup", "connect", "appconnect", "pretransfer", "redirect", "starttransfer")}  # fmt: skip
    total = transfer.elapsed()
    remote, local = transfer.remote, transfer.local
    return {
        "http_code": f"{transfer.code:03}", "response_code": f"{transfer.code:03}", "http_connect": "000",
        "http_version": transfer.version, "method": transfer.method, "scheme": "HTTP" if transfer.code else "",
        "content_type": transfer.headers.get("content-type", ""), "url": transfer.text,
        "url_effective": transfer.effective, "redirect_url": transfer.redirect_url,
        "num_redirects": str(transfer.redirects), "num_connects": str(transfer.redirects + bool(remote[0])),
        "num_headers": str(len(transfer.headers)), "urlnum": str(transfer.number),
        "size_download": str(len(transfer.body)), "size_header": str(len(transfer.head)),
        "size_request": str(transfer.requested), "size_upload": str(transfer.uploaded),
        "speed_download": str(len(transfer.body) * S // max(total, 1)),
        "speed_upload": str(transfer.uploaded * S // max(total, 1)),
        "remote_ip": remote[0], "remote_port": str(remote[1]), "local_ip": local[0], "local_port": str(local[1]),
        "exitcode": str(code), "errormsg": message, "ssl_verify_result": "0", "stdout": "", "stderr": "", "onerror": "",
        "time_total": f"{total / 1e9:.6f}", **{name: f"{ns / 1e9:.6f}" for name, ns in times.items()},
    }  # fmt: skip
