"""`simdocker view`: a scenario, a kept trace or a docker command as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simdocker.cli import browser, written
from simdocker.errors import UserError
from simdocker.scenario.commandline import is_command, short_name, succeeded
from simdocker.scenario.told import is_trace, kept, strange

if TYPE_CHECKING:
    from simdocker.narration import Narration
    from simdocker.scenario.result import Run
    from simdocker.web.story import Story

OK, EXPECTATIONS_FAILED = 0, 1
BACKENDS = ("sim", "linux", "engine")
NAMES = {"sim": "simulated", "linux": "real containers", "engine": "a real engine"}
OURS = b'<meta name="generator" content="simdocker">'


def run_view(
    source: str,
    *,
    other: str | None,
    backend: str,
    output: Path | None,
    texts: str | None,
    seed: int | None,
    profile: str | None,
    host: str | None,
    open_browser: bool,
) -> int:
    """Write the page, of a failure too; returns the exit code, as `run` does. Raises UserError."""
    from simdocker.narration import from_file
    from simdocker.web.page import html

    words = from_file(texts) if texts else None
    path = output or Path(f"{_stem(source)}.html")
    for read in (source, other):
        _refuse_page(read)
    _check(path, source, named=output is not None)
    run, story, name = _story(source, backend, seed, profile, host, words)
    if other is None:
        page = html([story], texts=words)
    else:
        page = _compared(source, run, story, name, other, seed, profile, host, words)
    written.write(path, page.encode())
    print(f"{path}: open it in a browser ({len(page) / 1e6:.1f} MB, it needs no network)")
    if open_browser:
        browser.opened(path.resolve().as_uri())
    return OK if run is None or succeeded(source, run) else EXPECTATIONS_FAILED


def _compared(
    source: str,
    run: Run | None,
    story: Story,
    name: str,
    other: str,
    seed: int | None,
    profile: str | None,
    host: str | None,
    words: Narration | None,
) -> str:
    """The page of two runs: the same scenario on another backend, or another trace."""
    from simdocker.scenario.compare import compare
    from simdocker.web.contrast import contrast
    from simdocker.web.page import html

    if other in BACKENDS:
        if run is None:
            raise UserError(f"--with {other}: a kept trace is not played again; name its scenario, or another trace")
        run2, story2, name2 = _story(source, other, seed if other == "sim" else None, None, host, words)
    else:
        run2, story2, name2 = _story(other, "sim", seed, profile, host, words)
    if name == name2:  # both simulated: then the files tell them apart
        name, name2 = _stem(source), _stem(other)
    if run is not None and run2 is not None and other in BACKENDS:
        return html([story, story2], contrast(story, story2, (name, name2), compare(run, run2)), words)
    return html([story, story2], contrast(story, story2, (name, name2)), words)


def _story(
    source: str, backend: str, seed: int | None, profile: str | None, host: str | None, words: Narration | None
) -> tuple[Run | None, Story, str]:
    """The play, where there is one; its story; and what a comparison calls it."""
    from simdocker.web.telling import of_records, of_run

    if is_trace(source):
        if seed is not None or profile is not None:
            raise UserError(
                f"{source}: this is a trace, and is not played again: --seed and --profile are for scenarios"
            )
        records = kept(source)
        with strange(source):
            return None, of_records(records, title=Path(source).stem, texts=words), Path(source).name
    from simdocker.scenario.load import load
    from simdocker.scenario.player import play

    run = play(load(source), backend=backend, seed=seed, profile=profile, host=host)
    return run, of_run(run, texts=words), NAMES.get(backend, backend)


def _stem(source: str) -> str:
    """What the page is called after: the scenario, or what a command is about."""
    if is_command(source):
        return short_name(source)
    return "page" if source == "-" else Path(source).stem


def _check(path: Path, source: str, *, named: bool) -> None:
    """Raises UserError for a place where no page can be written, and for a file that is not ours to overwrite."""
    written.check(path, source, "page.html")
    if path.is_file() and not named and OURS not in _beginning(path):
        raise UserError(f"{path}: a file of that name is there already; name another one with -o")


def _refuse_page(source: str | None) -> None:
    """Raises UserError for what this command has written."""
    if source is not None and Path(source).is_file() and OURS in _beginning(Path(source)):
        raise UserError(f"{source}: this is a page already: open it in a browser")


def _beginning(path: Path) -> bytes:
    """As much of a file as tells whether it is a page of ours."""
    with path.open("rb") as file:
        return file.read(4096)
