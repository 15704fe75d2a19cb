"""The subcommands and their options. Each body is imported when it is called.

typer reads the arguments; what a command does is in a module of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from simdocker.cli.outcome import exit_code

app = typer.Typer(
    name="simdocker",
    help="""See what happens behind `docker run`: a simulator of Docker's architecture.

Start with:  simdocker run scenarios/01-five-steps-of-docker-run.yaml
""",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from simdocker import __version__

        typer.echo(f"simdocker {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which one it is")
    ] = False,
) -> None:
    """What comes before the command's name."""


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="A scenario file (.yaml), a list of docker commands (.sh), or -")],
    backend: Annotated[
        str, typer.Option(help="Where it plays: sim, linux for real containers, engine for Docker's")
    ] = "sim",
    host: Annotated[
        Optional[str], typer.Option(help="The engine's address; DOCKER_HOST or the docker context by default")  # noqa: UP045
    ] = None,
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
    trace: Annotated[Optional[Path], typer.Option(help="Write every record here, as JSON lines")] = None,  # noqa: UP045
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the play")] = False,
    speed: Annotated[
        Optional[float], typer.Option(help="Simulated seconds a second; at once by default, 1 is real time")  # noqa: UP045
    ] = None,
    data_root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--data-root", metavar="DIR", help="With linux: where containers' files lie (default: /tmp)"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what docker prints, and what failed")] = False,
) -> None:
    """Play a scenario and show every message. Exit 0: all expectations hold; 1: some do not."""
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


@app.command()
def view(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO|TRACE|COMMAND",
            help="A scenario, a trace that run --trace wrote, or 'docker run nginx'",
        ),
    ],
    other: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--with", metavar="linux|engine|FILE", help="Beside it: the same for real, or another file"),
    ] = None,
    backend: Annotated[str, typer.Option(help="Where it plays: sim, linux or engine")] = "sim",
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", metavar="FILE", help="The page; by default called after the scenario"),
    ] = None,
    texts: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="FILE", help="Your own words for it, such as a translation"),
    ] = None,
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
    host: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The engine's address; DOCKER_HOST or the docker context by default"),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser")] = False,
) -> None:
    """Write a run as one web page that moves: who talks to whom, in which order, and why."""
    from simdocker.cli.view import run_view

    raise typer.Exit(
        exit_code(
            lambda: run_view(
                source,
                other=other,
                backend=backend,
                output=output,
                texts=texts,
                seed=seed,
                profile=profile,
                host=host,
                open_browser=open_browser,
            )
        )
    )


@app.command()
def ui(
    world: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[WORLD|LESSON]", help="A scenario file whose world to open, or a lesson such as 3"),
    ] = None,
    backend: Annotated[str, typer.Option(help="What is typed into: sim, or linux for real containers")] = "sim",
    listen: Annotated[
        str, typer.Option(metavar="[HOST:]PORT", help="Where to serve it; beyond this machine the address has a key")
    ] = "8080",
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
    texts: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="FILE", help="Your own words for the page, such as a translation"),
    ] = None,
    data_root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--data-root", metavar="DIR", help="With linux: where containers' files lie (default: /tmp)"),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser")] = False,
) -> None:
    """Type docker commands in a web page and watch the stage move; undo, fork and share what you did."""
    from simdocker.cli.ui import run_ui

    raise typer.Exit(
        exit_code(
            lambda: run_ui(
                world,
                backend=backend,
                listen=listen,
                seed=seed,
                profile=profile,
                texts=texts,
                data_root=data_root,
                open_browser=open_browser,
            )
        )
    )


@app.command()
def export(
    source: Annotated[str, typer.Argument(metavar="SCENARIO|TRACE", help="A scenario, or what run --trace wrote")],
    format: Annotated[
        str, typer.Option("--format", "-f", help="perfetto, mermaid, dot, graphml, csv, otlp or asciicast")
    ],
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", metavar="FILE", help="Write it here; standard output by default"),
    ] = None,
    step: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Only what this command made happen, counted from 1"),
    ] = None,
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
) -> None:
    """Write a trace for another tool: Perfetto, Mermaid, Graphviz, yEd, a spreadsheet, Jaeger, asciinema."""
    from simdocker.cli.export import run_export

    raise typer.Exit(
        exit_code(lambda: run_export(source, format=format, output=output, step=step, seed=seed, profile=profile))
    )


@app.command()
def compare(
    scenario: Annotated[str, typer.Argument(help="A scenario file (.yaml), a list of docker commands (.sh), or -")],
    other: Annotated[
        str, typer.Option("--with", help="What to hold the simulator against: linux, engine or sim")
    ] = "engine",
    host: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The engine's address; DOCKER_HOST or the docker context by default"),
    ] = None,
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
    repeat: Annotated[
        int, typer.Option(help="Play so often on each, and hold the median times against each other")
    ] = 1,
    data_root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--data-root", metavar="DIR", help="With linux: where containers' files lie (default: /tmp)"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Play a scenario on the simulator and for real, and show what differs. Exit 0: equal outcomes; 1: not."""
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


@app.command()
def calibrate(
    backend: Annotated[
        str, typer.Option(help="What to measure: engine (a real Docker Engine) or linux (this kernel)")
    ] = "engine",
    host: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The engine's address; DOCKER_HOST or the docker context by default"),
    ] = None,
    repeat: Annotated[int, typer.Option(help="How often each scenario is played")] = 5,
    output: Annotated[Path, typer.Option("--output", "-o", help="The profile to write")] = Path("calibrated.json"),
    held_out: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--held-out", metavar="FILE", help="A further scenario to predict; may be given several times"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the profile written, with its report, instead")] = False,
) -> None:
    """Measure what things cost on a real machine, and write a cost profile for --profile."""
    from simdocker.cli.calibrate import run_calibrate

    raise typer.Exit(
        exit_code(
            lambda: run_calibrate(
                backend=backend, host=host, repeat=repeat, output=output, held_out=held_out or (), as_json=json
            )
        )
    )


@app.command()
def shell(
    world: Annotated[
        Optional[str], typer.Argument(help="A scenario file whose world to use; by default one host and Docker Hub")  # noqa: UP045
    ] = None,
    backend: Annotated[str, typer.Option(help="Whose containers: sim, or linux (real ones)")] = "sim",
    on: Annotated[Optional[str], typer.Option(help="The host to type at; the first by default")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
    trace: Annotated[Optional[Path], typer.Option(help="Write every record here at the end, as JSON lines")] = None,  # noqa: UP045
    speed: Annotated[
        Optional[float], typer.Option(help="Simulated seconds a second; at once by default, 1 is real time")  # noqa: UP045
    ] = None,
    data_root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--data-root", metavar="DIR", help="With linux: where containers' files lie (default: /tmp)"),
    ] = None,
) -> None:
    """Type docker commands at a prompt, against a simulated world or real containers."""
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


@app.command()
def learn(
    lesson: Annotated[
        Optional[str], typer.Argument(help="A lesson's number or name, or a lesson file; without it: the list")  # noqa: UP045
    ] = None,
    check: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="FILE", help="Play the lines in this file (- for standard input), and say what they reach"
        ),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="With --check: sim, linux for real containers, engine for Docker's")
    ] = "sim",
    host: Annotated[
        Optional[str], typer.Option(help="The engine's address; DOCKER_HOST or the docker context by default")  # noqa: UP045
    ] = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="For who writes a lesson: its solution leads there, its wrong ways do not")
    ] = False,
) -> None:
    """Lessons to take at a prompt, with goals that are checked. --check exits 0 when all are reached, else 1."""
    from simdocker.cli.learn import learn as take_lesson

    raise typer.Exit(exit_code(lambda: take_lesson(lesson, check=check, backend=backend, host=host, proving=prove)))


@app.command()
def grade(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Submissions: STUDENT/3.sh, or STUDENT-3.sh")],
    lesson: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="A lesson, or a lesson file, that all are for; they are called STUDENT.sh then"),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", metavar="FILE.csv", help="Write the grades here as CSV"),
    ] = None,
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.html", help="Write the table, and what each lacks, as a page"),
    ] = None,
) -> None:
    """Check a folder of students' lines against their lessons' goals, each by the simulator."""
    from simdocker.cli.grade import grade_folder

    raise typer.Exit(exit_code(lambda: grade_folder(folder, lesson=lesson, output=output, report=report)))


@app.command()
def schema(
    reference: Annotated[bool, typer.Option("--reference", help="The same for people, as markdown")] = False,
) -> None:
    """Print the JSON Schema of scenario files, from which editors complete their keys."""
    from simdocker.cli.schema import show_schema

    raise typer.Exit(exit_code(lambda: show_schema(reference=reference)))


@app.command()
def serve(
    backend: Annotated[str, typer.Option(help="What the daemon stands on: sim, or linux (real containers)")] = "sim",
    socket: Annotated[Path, typer.Option(help="Where to listen")] = Path("docker.sock"),
    tcp: Annotated[
        Optional[str], typer.Option(help="HOST:PORT to listen at as well; without TLS on this machine only")  # noqa: UP045
    ] = None,
    registry: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="[HOST:]PORT", help="Where real clients find the world's registries"),
    ] = None,
    tlsverify: Annotated[bool, typer.Option("--tlsverify", help="Let in only who shows a certificate")] = False,
    tlscacert: Annotated[Optional[Path], typer.Option(help="Whose certificates those are; ~/.docker/ca.pem")] = None,  # noqa: UP045
    tlscert: Annotated[Optional[Path], typer.Option(help="The server's certificate; ~/.docker/cert.pem")] = None,  # noqa: UP045
    tlskey: Annotated[Optional[Path], typer.Option(help="Its key; ~/.docker/key.pem")] = None,  # noqa: UP045
    world: Annotated[
        Optional[str], typer.Option(help="A scenario file whose world to use; by default one host and Docker Hub")  # noqa: UP045
    ] = None,
    on: Annotated[Optional[str], typer.Option(help="The host whose daemon answers; the first by default")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option(help="Random seed; the file's own by default")] = None,  # noqa: UP045
    profile: Annotated[Optional[str], typer.Option(help="Cost profile: a name or a file")] = None,  # noqa: UP045
    trace: Annotated[Optional[Path], typer.Option(help="Write every record here, as JSON lines")] = None,  # noqa: UP045
    speed: Annotated[str, typer.Option(help="Simulated seconds a second; 1 is real time, max waits for nothing")] = "1",
    data_root: Annotated[
        Optional[Path], typer.Option(help="Keep the world in this directory: it is there again at the next start")  # noqa: UP045
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the messages")] = False,
) -> None:
    """Let real clients (docker, docker-py, …) talk to the simulated daemon."""
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


@app.command()
def validate(
    scenario: Annotated[list[str], typer.Argument(help="Scenario files to check")],
) -> None:
    """Check scenario files without playing them. Exit 2 when one is wrong."""
    from simdocker.cli.validate import validate_files

    raise typer.Exit(exit_code(lambda: validate_files(scenario)))


@app.command()
def catalog(
    image: Annotated[Optional[str], typer.Argument(help="Show one image's layers, such as nginx:latest")] = None,  # noqa: UP045
) -> None:
    """List the images of the built-in Docker Hub."""
    from simdocker.cli.catalog import show_catalog

    raise typer.Exit(exit_code(lambda: show_catalog(image)))


@app.command()
def cleanup() -> None:
    """Remove what killed runs left behind, on this machine and on engines, and only that."""
    from simdocker.cli.cleanup import clean_up

    raise typer.Exit(exit_code(clean_up))


@app.command()
def doctor(
    data_root: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--data-root", metavar="DIR", help="Where containers' files would lie (default: /tmp)"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as one array")] = False,
) -> None:
    """Try what the Linux backend needs of this machine, and say how to mend what is missing."""
    from simdocker.cli.doctor import see_doctor

    raise typer.Exit(exit_code(lambda: see_doctor(data_root, json=json)))


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def explain(
    command: Annotated[list[str], typer.Argument(help="A docker command that starts a container: docker run …")],
    bundle: Annotated[bool, typer.Option("--bundle", help="The same as an OCI bundle's config.json.")] = False,
) -> None:
    """List the system calls that make a container, each with its reason: explain docker run busybox."""
    from simdocker.cli.explain import explain as explain_start

    raise typer.Exit(exit_code(lambda: explain_start(command, bundle=bundle)))
