"""What dockerd says when runc cannot start a process: its own prefixes around Go's words for an errno."""

from __future__ import annotations

import errno

START = "unable to start container process: "
CREATE = f"failed to create shim task: OCI runtime create failed: runc create failed: {START}"
EXEC = f"OCI runtime exec failed: exec failed: {START}"
WRONG_KIND = (
    ": unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path "
    "exists and is the expected type"
)
"""What dockerd adds to any runtime error that ends in "not a directory"."""

GO_ERRORS = {
    errno.ENOENT: "no such file or directory", errno.EACCES: "permission denied", errno.ENOTDIR: "not a directory",
    errno.ENOEXEC: "exec format error", errno.ELOOP: "too many levels of symbolic links",
    errno.ENAMETOOLONG: "file name too long", errno.EISDIR: "is a directory",
}  # fmt: skip
"""strerror in Go's lower case."""


def go(error: OSError) -> str:
    """An errno in Go's words."""
    return GO_ERRORS.get(error.errno or 0) or str(error.strerror).lower()


def sentence(prefix: str, text: str) -> str:
    """An error of `CREATE` or `EXEC` in full."""
    return prefix + text + (WRONG_KIND if text.endswith("not a directory") else ": unknown")
