"""A page shown in the person's browser, and a word where there is none.

What a browser is started with, everybody on the machine can read (`ps`). An address with a key is therefore handed over
in a file that only its owner can read, which sends the browser on to it.
"""

from __future__ import annotations

import os
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path

SENDS_ON = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>simdocker</title>
<p><a href="{address}">to simdocker's page</a></p>
"""


@contextmanager
def show(address: str) -> Iterator[None]:
    """Open an address; the file that may be needed for it is there while inside."""
    if "?key=" not in address:
        opened(address)
        yield
        return
    number, name = tempfile.mkstemp(prefix="simdocker-", suffix=".html")  # mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(SENDS_ON.format(address=escape(address)))
        opened(Path(name).as_uri())
        yield
    finally:
        with suppress(OSError):
            Path(name).unlink()


def opened(address: str) -> None:
    """Open an address in the browser, or say that this machine has none to show it in."""
    try:
        shown = webbrowser.open(address)
    except webbrowser.Error:
        shown = False
    if not shown:
        print("No browser was found on this machine: open it by hand, or in one on another machine.", flush=True)
