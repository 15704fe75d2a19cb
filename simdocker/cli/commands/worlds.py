"""A world that stands open: `shell` to type in here, `serve` for real clients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simdocker.cli import options
from simdocker.cli.outcome import exit_code


def shell(
    world: options.WorldFile = None,
    backend: Annotated[str, typer.Option(help="Whose containers: sim, or linux (real ones)")] = "sim",
    on: options.Seat = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    trace: options.Trace = None,
    speed: options.Speed = None,
    data_root: options.DataRoot = None,
) -> None:
    """Type docker commands at a prompt.

    The world is simulated, or with --backend linux real.
    """
    from simdocker.cli.shell import opened_shell

    raise typer.Exit(
        exit_code(
            lambda: opened_shell(
                world,
                backend=backend,
                seed=seed,
                profile=profile,
                trace=trace,
                speed=speed,
                host=on,
                data_root=data_root,
            )
        )
    )


def serve(
    backend: Annotated[str, typer.Option(help="What the daemon stands on: sim, or linux (real containers)")] = "sim",
    socket: Annotated[Path, typer.Option(help="Where to listen")] = Path("docker.sock"),
    tcp: Annotated[
        str | None, typer.Option(help="HOST:PORT to listen at as well; without TLS on this machine only")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(metavar="[HOST:]PORT", help="Where real clients find the world's registries")
    ] = None,
    tlsverify: Annotated[bool, typer.Option("--tlsverify", help="Let in only who shows a certificate")] = False,
    tlscacert: Annotated[Path | None, typer.Option(help="Whose certificates those are; ~/.docker/ca.pem")] = None,
    tlscert: Annotated[Path | None, typer.Option(help="The server's certificate; ~/.docker/cert.pem")] = None,
    tlskey: Annotated[Path | None, typer.Option(help="Its key; ~/.docker/key.pem")] = None,
    world: Annotated[
        str | None, typer.Option(help="A scenario file whose world to use; by default one host and Docker Hub")
    ] = None,
    on: options.Seat = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    trace: options.Trace = None,
    speed: Annotated[str, typer.Option(help="Simulated seconds a second; 1 is real time, max waits for nothing")] = "1",
    data_root: Annotated[
        Path | None, typer.Option(help="Keep the world in this directory: it is there again at the next start")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the messages")] = False,
) -> None:
    """Let real clients (docker, docker-py) use the simulated daemon."""
    from simdocker.cli.doors import opened
    from simdocker.cli.serve import serve as serve_world

    raise typer.Exit(
        exit_code(
            lambda: serve_world(
                backend=backend,
                path=socket,
                world=world,
                host=on,
                seed=seed,
                profile=profile,
                trace=trace,
                speed=speed,
                quiet=quiet,
                data_root=data_root,
                doors=opened(tcp, registry, tlsverify, tlscacert, tlscert, tlskey, real=backend == "linux"),
            )
        )
    )
