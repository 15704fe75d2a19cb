"""What becomes of a command: its exit code, or one sentence for what the user did or pressed."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from simdocker.cli.interrupt import Terminated
from simdocker.errors import UserError

USAGE_ERROR = 2
INTERRUPTED = 130  # as a shell reports SIGINT
BROKEN_PIPE = 141  # and SIGPIPE
SIGNALLED = 128  # and any other, by its number
OUTPUT_FAILS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What becomes of output; what a command opens for itself it handles itself."""


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
    except OSError as error:
        if error.errno not in OUTPUT_FAILS:
            return _say(f"this machine refuses: {error}", USAGE_ERROR)
        _forget_output()
        return _say(f"the output cannot be written: {error.strerror}", USAGE_ERROR)
    return code


def _say(sentence: str, code: int) -> int:
    print(f"simdocker: {sentence}", file=sys.stderr)
    return code


def _forget_output() -> None:
    """Whoever read our output is gone; what Python still has in its buffer must not fail at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
