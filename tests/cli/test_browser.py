"""`--open`: the browser is shown the page, and nobody who lists processes is shown its key."""

from __future__ import annotations

import socket
import stat
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from simdocker.cli.browser import opened, show
from simdocker.cli.ui import free_port


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not addresses.append(address))  # type: ignore[func-returns-value]
    yield addresses


def test_an_address_with_a_key_is_handed_over_in_a_file_of_ones_own(asked: list[str]) -> None:
    with show("http://127.0.0.1:8080/?key=secret&x"):
        assert "secret" not in asked[0]
        file = Path(unquote(urlsplit(asked[0]).path))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "http://127.0.0.1:8080/?key=secret&amp;x" in file.read_text()
    assert not file.exists()


def test_an_address_without_a_key_is_opened_as_it_is(asked: list[str]) -> None:
    with show("http://127.0.0.1:8080/"):
        assert asked == ["http://127.0.0.1:8080/"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_machine_without_a_browser_says_so(
    fails: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(address: str) -> bool:
        if fails:
            raise webbrowser.Error("could not locate runnable browser")
        return False

    monkeypatch.setattr(webbrowser, "open", none)
    opened("http://127.0.0.1:8080/")
    assert "No browser was found" in capsys.readouterr().out


def test_a_port_that_is_taken_is_answered_by_another(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert free_port(port) == 0
    assert f"Port {port} is taken" in capsys.readouterr().out
    assert free_port(port) == port
