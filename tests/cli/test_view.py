"""`simdocker view`: a page called after what it shows, and one sentence for what cannot be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from simdocker.cli.run import run_scenario
from simdocker.cli.view import run_view
from simdocker.errors import UserError
from simdocker.scenario.commandline import short_name

SCENARIO = "title: Two lines\nsteps: [{run: docker pull busybox}, {run: docker run --rm busybox true}]\n"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("two.yaml").write_text(SCENARIO)
    return tmp_path


def view(source: str, other: str | None = None, output: str | None = None, texts: str | None = None) -> int:
    return run_view(
        source, other=other, backend="sim", output=Path(output) if output else None, texts=texts, seed=None,
        profile=None, host=None, open_browser=False,
    )  # fmt: skip


def pages(room: Path) -> set[str]:
    return {path.name for path in room.iterdir() if path.suffix != ".yaml"}


def test_a_page_is_called_after_its_scenario_and_says_how_to_open_it(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert view("two.yaml") == 0
    assert capsys.readouterr().out.startswith("two.html: open it in a browser")
    text = Path("two.html").read_text("utf-8")
    assert "<title>Two lines</title>" in text and "docker pull busybox" in text
    assert "http://" not in text.partition("<script>")[0] and "https://" not in text.partition("<script>")[0]
    assert view("two.yaml") == 0  # our own page may be written anew


def test_a_docker_command_stands_for_a_scenario(room: Path) -> None:
    assert view("docker run --rm busybox true") == 0
    assert pages(room) == {"docker-run-busybox.html"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("docker run -d -p 8080:80 --name web nginx:1.25 -g x", "docker-run-nginx-1.25"),
        ("docker pull registry.lab:5000/team/web:2", "docker-pull-registry.lab-5000-team-web-2"),
        ("docker network create lab; docker run --network lab nginx", "docker-network-create-lab"),
        ("docker -H tcp://server:2375 ps -a", "docker-ps"),
        ("docker run --no-such-flag nginx", "docker-run"),
        ("docker pull busybox@sha256:" + "0" * 64, "docker-pull-busybox"),
        ("docker run '../../etc/passwd", "docker-run-etc-passwd"),
        ("docker exec web cat ../../etc/passwd", "docker-exec-web"),
    ],
)
def test_a_page_is_called_after_what_the_command_is_about(line: str, name: str) -> None:
    assert short_name(line) == name


def test_a_kept_trace_is_a_page_too(room: Path) -> None:
    run_scenario(
        "two.yaml",
        backend="sim",
        seed=None,
        profile=None,
        trace=Path("kept.jsonl"),
        as_json=False,
        speed=None,
        quiet=True,
    )
    assert view("kept.jsonl") == 0
    assert "POST /images/create" in Path("kept.html").read_text("utf-8")


def test_two_runs_are_one_page(room: Path) -> None:
    assert view("two.yaml", other="two.yaml", output="both.html") == 0
    assert '"agree":true' in Path("both.html").read_text("utf-8")
    Path("one.yaml").write_text("steps: [{run: docker pull busybox}]")
    assert view("two.yaml", other="one.yaml", output="both.html") == 0
    assert '"one":"two","other":"one"' in Path("both.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("none.yaml", {}, "none.yaml: there is no such file"),
        ("two.yaml", {"output": "no/where.html"}, "there is no directory no"),
        ("two.yaml", {"output": "."}, "this is a directory"),
        ("two.yaml", {"output": "two.yaml"}, "the file that is read"),
        ("two.yaml", {"texts": "none.yaml"}, "none.yaml: there is no such file"),
        ("two.yaml", {"other": "none.jsonl"}, "none.jsonl: there is no such file"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_and_leaves_nothing(
    room: Path, source: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        view(source, **options)
    assert "\n" not in str(caught.value) and pages(room) == set()


def test_a_strangers_file_is_not_written_over_unless_it_is_named(room: Path) -> None:
    Path("two.html").write_text("mine")
    with pytest.raises(UserError, match="there already; name another one with -o"):
        view("two.yaml")
    assert Path("two.html").read_text() == "mine"


def test_a_page_is_not_made_of_a_page(room: Path) -> None:
    view("two.yaml")
    for source, other in (("two.html", None), ("two.yaml", "two.html")):
        with pytest.raises(UserError, match=r"two\.html: this is a page already"):
            view(source, other=other)
