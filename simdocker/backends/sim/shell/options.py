"""The shell's options: `set -o` and `$-`, in the order of ash's own table."""

from __future__ import annotations

OPTION_NAMES = {
    "errexit": "e", "noglob": "f", "ignoreeof": "I", "interactive": "i", "monitor": "m", "noexec": "n", "stdin": "s",
    "xtrace": "x", "verbose": "v", "noclobber": "C", "allexport": "a", "notify": "b", "nounset": "u", "errtrace": "E",
    "vi": "vi", "pipefail": "pipefail",
}  # fmt: skip
"""`set -o` names, with the letter that `set` takes and `$-` shows; an option without a letter has its name."""
UNLISTED = frozenset("is")
"""What `set -o` does not show."""
_LETTERS = "efIimnscxvCabuE"


def settable(letter: str) -> bool:
    """Whether `set` and the shell's command line take `-letter`."""
    return letter in OPTION_NAMES.values() and len(letter) == 1


def shown(options: dict[str, None]) -> str:
    """`$-`: ash goes through its table from the end."""
    return "".join(letter for letter in reversed(_LETTERS) if letter in options)
