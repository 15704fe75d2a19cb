"""curl's command line: which options there are, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from simdocker.backends.sim.program import Process

TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n"


class UsageError(Exception):
    """The command line is wrong: what curl prints before its hint."""


FLAGS = {
    "silent": "s", "show-error": "S", "fail": "f", "include": "i", "head": "I", "location": "L", "verbose": "v",
    "insecure": "k", "ipv4": "4", "ipv6": "6", "get": "G", "remote-name": "O", "no-buffer": "N", "progress-bar": "#",
    "http1.0": "0", "disable": "q", "globoff": "g", "version": "V", "remote-header-name": "J", "remote-time": "R",
    "http1.1": "", "http2": "", "compressed": "", "fail-with-body": "", "no-progress-meter": "", "create-dirs": "",
    "retry-connrefused": "", "retry-all-errors": "", "fail-early": "", "path-as-is": "", "tcp-nodelay": "",
    "no-keepalive": "", "location-trusted": "", "http0.9": "", "styled-output": "", "raw": "", "basic": "",
    "http2-prior-knowledge": "", "no-location": "", "no-include": "", "no-silent": "", "no-fail": "",
}  # fmt: skip
"""Long name → letter of the options without a value."""

VALUES = {
    "output": "o", "write-out": "w", "max-time": "m", "request": "X", "data": "d", "header": "H", "user-agent": "A",
    "referer": "e", "user": "u", "cookie": "b", "cookie-jar": "c", "dump-header": "D", "proxy": "x", "form": "F",
    "upload-file": "T", "range": "r", "continue-at": "C", "config": "K", "url": "", "connect-timeout": "",
    "data-raw": "", "data-ascii": "", "data-binary": "", "data-urlencode": "", "json": "", "max-redirs": "",
    "retry": "", "retry-delay": "", "retry-max-time": "", "resolve": "", "noproxy": "", "interface": "",
    "limit-rate": "", "output-dir": "", "stderr": "", "unix-socket": "", "cacert": "", "local-port": "",
    "keepalive-time": "", "max-filesize": "", "proto": "", "expect100-timeout": "",
}  # fmt: skip
"""Long name → letter of the options with a value."""

_LETTERS = {letter: name for table in (FLAGS, VALUES) for name, letter in table.items() if letter}
_DATA = ("data", "data-raw", "data-ascii", "data-binary", "data-urlencode", "json")


@dataclass(slots=True)
class Options:
    """One command line. `given` has the last value of each option, `headers` every -H."""

    given: dict[str, str] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    outputs: list[str | None] = field(default_factory=list)  # per URL: a file, None for its own name
    resolved: dict[tuple[str, int], str] = field(default_factory=dict)  # --resolve
    data: bytes | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def seconds(self, name: str) -> int | None:
        """The value of an option in ns, None when it is not given or 0."""
        text = self.given.get(name)
        if text is None:
            return None
        try:
            return int(float(text) * 1_000_000_000) or None
        except ValueError:
            raise UsageError(f"option {_shown(name)}: expected a proper numerical parameter") from None

    def number(self, name: str, default: int) -> int:
        text = self.given.get(name)
        if text is None:
            return default
        if not text.lstrip("-").isdecimal():
            raise UsageError(f"option {_shown(name)}: expected a proper numerical parameter")
        return int(text)


def _shown(name: str) -> str:
    return f"-{VALUES[name]}" if VALUES.get(name) else f"--{name}"


def parse(p: Process, args: list[str]) -> Options:
    """Read the command line. Raises UsageError."""
    options = Options()
    words = list(args)
    while words:
        word = words.pop(0)
        if word == "--":
            options.urls += words
            break
        if word.startswith("--"):
            _long(p, options, word, words)
        elif len(word) > 1 and word.startswith("-"):
            _short(p, options, word, words)
        else:
            options.urls.append(word)
    return options


def _long(p: Process, options: Options, word: str, words: list[str]) -> None:
    name = word[2:]
    matching = [each for each in (*FLAGS, *VALUES) if each.startswith(name)]
    if name not in matching:
        if len(matching) != 1:
            raise UsageError(f"option {word}: is {'ambiguous' if matching else 'unknown'}")
        name = matching[0]
    if name in FLAGS:
        _flag(options, name)
    elif not words:
        raise UsageError(f"option {word}: requires parameter")
    else:
        _value(p, options, name, words.pop(0))


def _short(p: Process, options: Options, word: str, words: list[str]) -> None:
    for at in range(1, len(word)):
        name = _LETTERS.get(word[at])
        if name is None:
            raise UsageError(f"option {word}: is unknown")
        if name in FLAGS:
            _flag(options, name)
            continue
        rest = word[at + 1 :]
        if not rest and not words:
            raise UsageError(f"option {word}: requires parameter")
        _value(p, options, name, rest or words.pop(0))
        return


def _flag(options: Options, name: str) -> None:
    if name.startswith("no-") and name[3:] in FLAGS:
        options.given.pop(name[3:], None)
        return
    options.given[name] = ""
    if name == "remote-name":
        options.outputs.append(None)


def _value(p: Process, options: Options, name: str, value: str) -> None:
    options.given[name] = value
    if name == "url":
        options.urls.append(value)
    elif name == "output":
        options.outputs.append(value)
    elif name == "header":
        options.headers += _header(p, value)
    elif name == "resolve":
        host, port, address = (*value.lstrip("+").split(":", 2), "", "")[:3]
        if port.isdecimal():
            options.resolved[host.lower(), int(port)] = address.strip("[]")
    elif name in _DATA:
        data = _data(p, name, value)
        options.data = data if options.data is None else options.data + b"&" * (name != "json") + data


def _header(p: Process, value: str) -> list[str]:
    if value.startswith("@"):
        return _read(p, value[1:]).decode("utf-8", "surrogateescape").splitlines()
    return [value]


def _data(p: Process, name: str, value: str) -> bytes:
    """The body that an option stands for: its value, or a file's content after `@`."""
    if name == "data-urlencode":
        before, separator, content = value.partition("=")
        return (f"{before}=" * bool(before) + quote(content if separator else value, safe="-._~")).encode()
    if name != "data-raw" and value.startswith("@"):
        data = _read(p, value[1:])
        return data if name in ("data-binary", "json") else data.replace(b"\r", b"").replace(b"\n", b"")
    return value.encode("utf-8", "surrogateescape")


def _read(p: Process, path: str) -> bytes:
    try:
        return p.read_file("/dev/stdin" if path == "-" else path)
    except OSError:
        raise UsageError(f"Failed to open {path}") from None
