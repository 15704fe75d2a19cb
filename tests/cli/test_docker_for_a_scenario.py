"""A docker command where a scenario may stand: in quotes or as one types it, misspelt, and one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from simdocker.cli.commands import app


@pytest.fixture(autouse=True)
def empty_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def simdocker(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("line", [["docker", "run", "--rm", "-e", "A=b c", "busybox", "env"], ["docker run busybox"]])
def test_everything_from_docker_on_is_the_command(line: list[str]) -> None:
    assert simdocker("view", "--seed", "3", "-o", "page.html", *line).exit_code == 0
    assert line[-1] in Path("page.html").read_text("utf-8")
    assert simdocker("run", "-q", *line).exit_code == 0
    assert "client__laptop" in simdocker("export", "--format=mermaid", *line).stdout


def test_what_is_quoted_stays_quoted() -> None:
    told = simdocker("run", "-q", "docker", "run", "--rm", "busybox", "sh", "-c", 'echo "$0  $1"', "a", "b")
    assert told.stdout == "a  b\n"


@pytest.mark.parametrize("command", ["run", "view", "compare", "validate"])
def test_a_misspelt_command_gets_a_guess_and_no_page(command: str) -> None:
    for words, guess in (
        (["docker", "rnu", "nginx"], "docker has no command 'rnu': did you mean 'run'?"),
        (["docker volume lss"], "docker has no command 'volume lss': did you mean 'ls'?"),
        (["dokcer", "run", "nginx"], "did you mean docker run nginx?"),
    ):
        told = simdocker(command, *words)
        assert (told.exit_code, told.stderr.count("\n")) == (2, 1) and guess in told.stderr
    assert list(Path.cwd().iterdir()) == []


def test_a_command_that_fails_has_its_page_and_an_exit_code_that_says_so() -> None:
    assert simdocker("view", "docker", "run", "no/such").exit_code == 1
    assert Path("docker-run-no-such.html").is_file()
    assert simdocker("run", "-q", "docker", "run", "no/such").exit_code == 1


def test_an_option_of_ours_behind_docker_is_remarked_upon() -> None:
    told = simdocker("view", "docker", "run", "busybox", "true", "-o", "x.html")
    assert "options of ours come before docker" in told.stderr and not Path("x.html").exists()
    assert simdocker("run", "-q", "docker", "run", "busybox", "echo", "a").stderr.count("ours") == 0


@pytest.mark.parametrize(
    ("path", "guess"),
    [
        ("chaptr.yaml", "did you mean chapter.yaml?"),
        ("chap", "did you mean chapter.yaml?"),
        ("3", "simdocker learn 3"),
        ("docker", "as in docker run nginx"),
        ("elsewhere/x.yaml", "there is no such file\n"),
    ],
)
def test_a_file_that_is_not_there_is_guessed(path: str, guess: str) -> None:
    Path("chapter.yaml").write_text("title: x\nsteps: [{run: docker ps}]\n")
    told = simdocker("run", path)
    assert told.exit_code == 2 and guess in told.stderr


@pytest.mark.parametrize("command", ["", *get_command(app).commands])  # type: ignore[attr-defined]
def test_every_help_fits_a_terminal_and_no_line_of_the_list_is_cut(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = simdocker(*filter(None, [command]), "--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert command or "..." not in text.partition("Commands:")[2]


def test_a_file_called_docker_is_a_file() -> None:
    Path("docker").write_text("title: Mine\nsteps: [{run: docker ps}]\n")
    assert simdocker("run", "-q", "docker").exit_code == 0
