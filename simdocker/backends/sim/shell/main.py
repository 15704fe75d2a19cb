"""The shell as a program: `sh -c`, scripts, standard input, and the prompt of a terminal."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim import signals
from simdocker.backends.sim.applets.call import decode
from simdocker.backends.sim.applets.usage import usage
from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.shell import expand, jobs
from simdocker.backends.sim.shell.grammar import unfinished
from simdocker.backends.sim.shell.interpreter import Shell, Status
from simdocker.backends.sim.shell.options import OPTION_NAMES
from simdocker.backends.sim.shell.state import Break, Interrupted, Return, ShellExit, ShellFailure, State
from simdocker.backends.sim.shell.words import parse_quoted

if TYPE_CHECKING:
    from simpy import Event

BANNER = (
    "\n\nBusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) built-in shell (ash)\n"
    "Enter 'help' for a list of built-in commands.\n\n"
)


def shell_main(p: Process) -> Blocking:
    """Process: `sh`, `ash` or `bash` with its arguments; → the exit status."""
    name = p.argv[0] if p.argv else "sh"
    bash = name.rsplit("/", 1)[-1].lstrip("-") == "bash"
    state = new_state(p, name, bash)
    state.applet = name.rsplit("/", 1)[-1].lstrip("-")
    args = p.argv[1:]
    commands_text, from_stdin = False, False
    while args and args[0][:1] in ("-", "+") and len(args[0]) > 1:
        arg = args.pop(0)
        if arg == "--":
            break
        if arg.startswith("--") and not bash:
            yield from p.write(2, usage(state.applet))
            return 0
        if arg in ("--login", "--posix", "--norc", "--noprofile"):
            continue
        for letter in arg[1:]:
            if letter == "c":
                commands_text = True
            elif letter == "s":
                from_stdin = True
            elif letter == "o" and args:
                option = args.pop(0)
                if option not in OPTION_NAMES:
                    status = yield from _bad_option(p, name, f"{arg[0]}o {option}", bash)
                    return status if bash else 0
                _set(state, OPTION_NAMES[option], arg[0] == "-")
            elif letter in "abefnuvxCilmI":
                if letter != "l":
                    _set(state, letter, arg[0] == "-")
            else:
                return (yield from _bad_option(p, name, arg[0] + letter, bash))
    if not from_stdin and not p.signal_mask("ignore") & 1 << (signals.INT - 1):
        p.signal(signals.INT, "catch")  # even as a container's first process, it ends by an interrupt
    if commands_text:
        if not args:
            text = "-c: option requires an argument" if bash else "-c requires an argument"
            yield from p.write(2, f"{name}: {text}\n")
            return 2
        source = args.pop(0)
        if args:
            state.name = state.command = args.pop(0)
        state.positional = args
        state.options["c"] = None
        return (yield from Shell(p, state).main(source))
    if args and not from_stdin:
        return (yield from run_script(p, args[0], args[1:], state=state, bash=bash))
    state.positional = args
    if (p.fds.get(0) is not None and p.fds[0].isatty()) or "i" in state.options:
        return (yield from interactive(p, state))
    state.options["s"] = None
    return (yield from _as_they_come(Shell(p, state)))


def _set(state: State, letter: str, on: bool) -> None:
    if letter and on:
        state.options[letter] = None
    else:
        state.options.pop(letter, None)


def _bad_option(p: Process, name: str, option: str, bash: bool) -> Status:
    if bash:
        yield from p.write(2, f"{name}: {option}: invalid option\n")
    else:
        yield from p.write(2, f"{name}: illegal option {option}\n")
    return 2


def new_state(p: Process, name: str, bash: bool) -> State:
    """The state of a shell that starts: its variables are the environment's."""
    state = State(name, bash, line=int(bash), counting_since=int(p.clock.now))
    variables = state.variables
    for key, value in p.env.items():
        if key.isascii() and key.isidentifier():
            variables[key] = value
            variables.exported[key] = None
    for key, value in (("PS1", "\\w \\$ "), ("PS2", "> "), ("PS4", "+ "), ("IFS", " \t\n"), ("OPTIND", "1")):
        if key == "IFS" or key not in variables:
            variables[key] = value
    if "PATH" not in variables:
        variables["PATH"] = "/sbin:/usr/sbin:/bin:/usr/bin"
        variables.exported["PATH"] = None
    level = variables.get("SHLVL", "0")
    variables["SHLVL"] = str(int(level) + 1 if level.lstrip("-").isdigit() else 1)
    variables["PPID"] = str(p.ppid)
    variables["PWD"] = p.cwd
    variables.exported["SHLVL"] = None
    variables.exported["PWD"] = None
    state.shell_pid = p.pid
    return state


def run_script(
    p: Process, path: str, args: list[str], *, state: State | None = None, name: str = "", bash: bool = False
) -> Status:
    """Process: run the script at `path` in this process; → its exit status."""
    if state is None:
        state = new_state(p, name or path, bash)
        state.applet = "ash"  # the name a shell executes itself by when the kernel knows no such program
    shell_name = state.name
    try:
        source = decode(p.read_file(path))
    except OSError as error:
        if bash:
            yield from p.write(2, f"{shell_name}: {path}: {error.strerror}\n")
            return 127
        yield from p.write(2, f"{shell_name}: can't open '{path}': {error.strerror}\n")
        return 2
    state.name = state.command = path
    state.positional = args
    return (yield from Shell(p, state).main(source, first_line=1))


def _as_they_come(shell: Shell) -> Status:
    """Process: run commands from a pipe or a file, those that are there before more are waited for."""
    p = shell.p
    came, line = b"", 1
    while data := (yield from p.read(0)):
        came += data
        if p.fds[0].ready() or not came.endswith(b"\n") or unfinished(source := decode(came), bash=shell.state.bash):
            continue
        try:
            yield from shell.text(source, first_line=line)
        except ShellExit as leaving:
            return (yield from shell.leave(leaving.status))
        except ShellFailure as failure:
            yield from shell.report(failure)
            return (yield from shell.leave(failure.status))
        except (Break, Return):
            pass
        line += came.count(b"\n")
        came = b""
    return (yield from shell.main(decode(came), first_line=line))


# the prompt


def interactive(p: Process, state: State) -> Status:
    """Process: read commands from the terminal, with a prompt before each."""
    state.interactive = True
    for option in "im":
        state.options[option] = None
    state.options["s"] = None
    shell = Shell(p, state)
    p.signal(2, "catch")
    p.signal(3, "ignore")
    p.signal(15, "ignore")
    if not state.bash:
        yield from p.write(1, BANNER)
    while True:
        yield from _report_jobs(shell)
        try:
            source = yield from _command_text(shell)
            if source is None:
                yield from p.write(1, "\n" if not state.bash else "exit\n")
                return (yield from shell.leave(state.status))
            yield from shell.text(source)
            yield from shell.handle_signals()
        except ShellExit as leaving:
            return (yield from shell.leave(leaving.status))
        except ShellFailure as failure:
            yield from shell.report(failure)
            state.status = failure.status
        except Interrupted:
            yield from p.write(1, "\n")
            state.status = 128 + signals.INT
        except (Break, Return):
            pass


def _command_text(shell: Shell) -> Generator[Event, Any, str | None]:
    """Process: one complete command, perhaps over several lines; None at the end of input. Raises
    Interrupted for Ctrl-C."""
    source = ""
    while True:
        prompt = shell.state.variables.get("PS2" if source else "PS1", "")
        yield from shell.p.write(1, (yield from render_prompt(shell, prompt)))
        while not (yield from shell.p.poll([0])):
            yield from shell.handle_signals()
        line: bytes = yield from shell.p.read(0)
        if not line:
            return source or None
        source += decode(line)
        if not source.endswith("\n"):
            return source
        if not unfinished(source, bash=shell.state.bash):
            return source


def render_prompt(shell: Shell, prompt: str) -> Generator[Event, Any, str]:
    """Process: a prompt with its `\\w`, `\\u`, `\\h`, `\\$` and expansions filled in."""
    p = shell.p
    directory = shell.state.variables.get("PWD", p.cwd)
    home = shell.state.variables.get("HOME", "")
    if home not in ("", "/") and (directory == home or directory.startswith(f"{home}/")):
        directory = "~" + directory[len(home) :]
    user = shell.state.variables.get("USER", "root" if p.uid == 0 else "")
    values = {"w": directory, "W": directory.rsplit("/", 1)[-1] or "/", "u": user, "h": p.hostname,
              "$": "#" if p.uid == 0 else "$", "n": "\n", "\\": "\\", "[": "", "]": ""}  # fmt: skip
    pieces = []
    position = 0
    while position < len(prompt):
        if prompt[position] == "\\" and prompt[position + 1 : position + 2] in values:
            pieces.append(values[prompt[position + 1]])
            position += 2
        else:
            pieces.append(prompt[position])
            position += 1
    text = "".join(pieces)
    if "$" in text[:-2] or "`" in text:
        return (yield from expand.text(shell, parse_quoted(text, shell.state.bash)))
    return text


def _report_jobs(shell: Shell) -> Blocking:
    """Process: tell which background jobs have ended since the last prompt."""
    jobs.refresh(shell)
    for job in list(shell.state.jobs):
        if job.status is not None:
            if not job.known:
                yield from shell.p.write(2, f"{jobs.describe(shell, job)}\n")
            shell.state.jobs.remove(job)


@program("bash")
def bash(p: Process) -> Blocking:
    """Process: bash, on the client's host."""
    return (yield from shell_main(p))
