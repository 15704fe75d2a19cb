"""`simdocker doctor`: what this machine can do of what the Linux backend needs, as a table or JSON."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from simdocker.backends.linux.doctor import Finding, examine, rootless


def see_doctor(data_root: str | None, *, json: bool) -> int:
    """Print what was found → exit code: 1 when something that every run needs is not there."""
    findings = examine(data_root)
    print(msgspec.json.encode(findings).decode()) if json else _show(findings)
    return 1 if any(finding.needed and not finding.works for finding in findings) else 0


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False)
    table = Table("ABILITY", "", "WHAT IS WRONG, AND HOW TO MEND IT", box=None, pad_edge=False)
    for finding in findings:
        sign = "[green]yes" if finding.works else "[red]no" if finding.needed else "[yellow]no"
        table.add_row(finding.name, sign, "" if finding.works else f"{finding.problem}: {finding.mend}")
    console.print(table)
    if rootless():
        console.print(
            "Not root: tried inside a user namespace. There, containers run without limits (cgroups), without "
            "device nodes of their own and without a network to the outside. As root: sudo simdocker doctor"
        )
