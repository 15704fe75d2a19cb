"""`simdocker doctor`: what this machine can do of what the Linux backend needs, as a list or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import msgspec
from rich.text import Text

from simdocker.backends.linux.doctor import Finding, examine, rootless
from simdocker.cli.console import console

NOT_ROOT = (
    "Not root: all this was tried inside a user namespace. What takes root (limits of cgroups, other users than one) "
    "was not counted. As root: sudo simdocker doctor"
)


def see_doctor(data_root: str | None, *, json: bool) -> int:
    """Print what was found → exit code: 1 when something that every run needs is not there."""
    findings = examine(data_root)
    print(msgspec.json.encode(findings).decode()) if json else _show(findings)
    return 1 if any(finding.needed and not finding.works for finding in findings) else 0


def _show(findings: list[Finding]) -> None:
    out = console()
    working = ", ".join(finding.name for finding in findings if finding.works)
    _tell(out.width, "✓ ", working, "green", out.print)
    for finding in findings:
        if finding.works:
            continue
        _tell(out.width, "✗ ", f"{finding.name}: {finding.problem}", "red" if finding.needed else "yellow", out.print)
        _tell(out.width, "  ", f"without it: {finding.without}", "", out.print)
        _tell(out.width, "  ", f"to mend it: {finding.mend}", "", out.print)
    out.print()
    lacks = [finding.name for finding in findings if finding.needed and not finding.works]
    if lacks:
        out.print(Text(f"--backend linux cannot run here for want of: {', '.join(lacks)}", "bold"))
    else:
        out.print(Text("--backend linux has here all that it needs", "bold"))
    if rootless():
        _tell(out.width, "", NOT_ROOT, "", out.print)


def _tell(width: int, sign: str, text: str, style: str, show: Callable[[Text], None]) -> None:
    """A paragraph behind its sign."""
    for number, line in enumerate(textwrap.wrap(text, max(width - len(sign), 20), break_on_hyphens=False)):
        show(Text(sign if not number else " " * len(sign), style) + Text(line))
