"""Playing a scenario, and holding the play against the real thing: `run`, `compare`, `calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simdocker.cli import options
from simdocker.cli.outcome import exit_code


def run(
    scenario: options.Scenario,
    backend: options.Backend = "sim",
    host: options.Host = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    trace: options.Trace = None,
    json: options.Json = False,
    speed: options.Speed = None,
    data_root: options.DataRoot = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what docker prints, and what failed")] = False,
) -> None:
    """Play a scenario, or one command, and show every message.

    Exit 0: what is expected holds; 1: not all of it; 2: the file or the usage is wrong.
    """
    from simdocker.cli.run import run_scenario

    raise typer.Exit(
        exit_code(
            lambda: run_scenario(
                scenario,
                backend=backend,
                seed=seed,
                profile=profile,
                trace=trace,
                as_json=json,
                speed=speed,
                quiet=quiet,
                host=host,
                data_root=data_root,
            )
        )
    )


def compare(
    scenario: options.Scenario,
    other: Annotated[
        str, typer.Option("--with", help="What to hold the simulator against: linux, engine or sim")
    ] = "engine",
    host: options.Host = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    repeat: Annotated[
        int, typer.Option(help="Play so often on each, and hold the median times against each other")
    ] = 1,
    data_root: options.DataRoot = None,
    json: options.Json = False,
) -> None:
    """Play a scenario simulated and for real, and show what differs.

    Exit 0: equal outcomes; 1: not.
    """
    from simdocker.cli.compare import run_compare

    raise typer.Exit(
        exit_code(
            lambda: run_compare(
                scenario,
                other=other,
                host=host,
                seed=seed,
                profile=profile,
                repeat=repeat,
                as_json=json,
                data_root=data_root,
            )
        )
    )


def calibrate(
    backend: Annotated[
        str, typer.Option(help="What to measure: engine (a real Docker Engine) or linux (this kernel)")
    ] = "engine",
    host: options.Host = None,
    repeat: Annotated[int, typer.Option(help="How often each scenario is played")] = 5,
    output: Annotated[Path, typer.Option("--output", "-o", help="The profile to write")] = Path("calibrated.json"),
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", metavar="FILE", help="A further scenario to predict; may be given several times"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the profile written, with its report, instead")] = False,
) -> None:
    """Measure what things cost on a real machine, for --profile."""
    from simdocker.cli.calibrate import run_calibrate

    raise typer.Exit(
        exit_code(
            lambda: run_calibrate(
                backend=backend, host=host, repeat=repeat, output=output, held_out=held_out or (), as_json=json
            )
        )
    )
