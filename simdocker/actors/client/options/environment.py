"""Environment variables and labels: `-e`, `--env-file`, `-l`, `--label-file`.

A variable without `=` takes its value from the client's own environment, and is unset in the container
when it has none there. Files are lines of the same form; `#` starts a comment line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simdocker.actors.client.terminal import Terminal
from simdocker.actors.client.values import repeated


def _check_variable(text: str) -> str:
    if not text.partition("=")[0]:
        raise ValueError(f"invalid environment variable: {text}")
    return text


ENV = repeated("list", _check_variable)


def variables(given: Iterable[str], files: Iterable[str], terminal: Terminal) -> list[str] | None:
    """`Env`: first the files' lines, then `-e`, which overrides what went before. Raises ValueError."""
    env = terminal.env
    lines = [line for path in files for line in _file_lines(path, terminal, env)]
    return [*lines, *(_from_host(text, env) for text in given)] or None


def last_of_each(given: Iterable[str]) -> list[str]:
    """The variables with a name said twice kept once, at its last value, as `run` and `create` do."""
    return list({text.partition("=")[0]: text for text in given}.values())


def _from_host(text: str, env: Mapping[str, str]) -> str:
    return f"{text}={env[text]}" if "=" not in text and text in env else text


def label_lines(given: Iterable[str], files: Iterable[str], terminal: Terminal) -> list[str]:
    """Labels of files and `--label`, as lines. Raises ValueError."""
    return [*(line for path in files for line in _file_lines(path, terminal, None)), *given]


def _file_lines(path: str, terminal: Terminal, env: Mapping[str, str] | None) -> list[str]:
    """The `name=value` lines of a file; a bare name is looked up in `env`, and dropped when not there."""
    if terminal.is_dir(path):
        raise ValueError(f"invalid env file ({path}): read {path}: is a directory")
    try:
        content = terminal.read_file(path)
    except OSError as fault:
        raise ValueError(f"open {path}: {(fault.strerror or str(fault)).lower()}") from None
    lines = []
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        raw = raw.removesuffix(b"\r")
        try:
            line = raw.decode().lstrip()
        except UnicodeDecodeError:
            numbers = " ".join(map(str, raw))
            raise ValueError(f"invalid env file ({path}): invalid utf8 bytes at line {number}: [{numbers}]") from None
        if not line or line[0] == "#":
            continue
        name, equals, _ = line.partition("=")
        if not name:
            raise ValueError(f"invalid env file ({path}): no variable name on line '{line}'")
        if any(char.isspace() for char in name):
            raise ValueError(f"invalid env file ({path}): variable '{name}' contains whitespaces")
        if equals:
            lines.append(line)
        elif env is not None and name in env:
            lines.append(f"{name}={env[name]}")
    return lines
