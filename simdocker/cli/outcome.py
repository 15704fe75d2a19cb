"""What becomes of a command: its exit code, or one sentence for what the user did or pressed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from simdocker.cli.interrupt import Terminated
from simdocker.errors import UserError

USAGE_ERROR = 2
INTERRUPTED = 130  # as a shell reports SIGINT
BROKEN_PIPE = 141  # and SIGPIPE
SIGNALLED = 128  # and any other, by its number


def exit_code(command: Callable[[], int]) -> int:
    """Run `command` and return the exit code; nothing a user can do ends in a traceback."""
    try:
        code = command()
        sys.stdout.flush()
    except UserError as error:
        return _say(str(error), USAGE_ERROR)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except Terminated as ended:
        return SIGNALLED + int(ended.args[0])
    except BrokenPipeError:
        _forget_output()
        return BROKEN_PIPE
    except OSError as error:  # what a command opens it handles itself: its output is left, or this machine's refusal
        if not _output_fails():
            return _say(f"this machine refuses: {error}", USAGE_ERROR)
        _forget_output()
        return _say(f"the output cannot be written: {error.strerror}", USAGE_ERROR)
    return code


def _say(sentence: str, code: int) -> int:
    print(f"simdocker: {sentence}", file=sys.stderr)
    return code


def _output_fails() -> bool:
    """Whether what Python still has of our output cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _forget_output() -> None:
    """Whoever read our output is gone; what Python still has in its buffer must not fail at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
