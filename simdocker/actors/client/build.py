"""What this client says of itself: the docker CLI it behaves like."""

from __future__ import annotations

from simdocker.actors.client.cli import API_VERSION, VERSION

BUILD: dict[str, str] = {
    "Version": VERSION,
    "DefaultAPIVersion": API_VERSION,
    "GitCommit": "e6534b4",
    "GoVersion": "go1.24.3",
    "Os": "linux",
    "Arch": "amd64",
    "BuildTime": "Fri May 30 12:07:14 2025",
}
"""`Context`, the one in use, and `ApiVersion`, the negotiated one, come on top."""
