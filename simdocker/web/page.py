"""One HTML file that holds a story and what plays it: it opens from disk, asks the network for nothing, and can be
mailed to a student.

The story is data in the page, never code: it lies in a `<script>` of a type that no browser runs, with `<` escaped so
that nothing in it ends the element. What may run is named by its digest in the page's Content-Security-Policy.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.narration import Narration, narration
from simdocker.web.story import Story

if TYPE_CHECKING:
    from simdocker.web.contrast import Contrast

LARGE = 256 << 10
"""Bytes of JSON from which it is compressed: a smaller one can be read in the file."""

PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="simdocker">
<title>{title}</title>
<style>{base}{style}</style>
</head>
<body>
<div id="simdocker"><noscript>This page needs JavaScript; it loads nothing from the network.</noscript></div>
<script type="application/json" id="{data}"{encoding}>{document}</script>
<script>{script}</script>
</body>
</html>
"""
NOWHERE_ELSE = "base-uri 'none'; form-action 'none'"
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Unicode's embeddings, overrides and isolates."""

BASE = "html,body{margin:0;height:100%}"


@lru_cache(maxsize=4)
def asset(name: str) -> str:
    """A file that was built from `page/`: script and style of the `viewer` and of the `live` page."""
    return files("simdocker.web").joinpath("assets", name).read_text("utf-8")


def document(stories: list[Story], contrast: Contrast | None = None, texts: Narration | None = None) -> dict[str, Any]:
    """What `simdocker.mountPage` takes: one story, or two and what differs, with the page's words."""
    texts = texts or narration()
    return {
        "stories": _shown(stories),
        "comparison": _shown(contrast),
        "language": texts.language,
        "texts": texts.table.get("page", {}),
    }


def html(stories: list[Story], contrast: Contrast | None = None, texts: Narration | None = None) -> str:
    """The page."""
    texts = texts or narration()
    data = msgspec.json.encode(document(stories, contrast, texts))
    encoding = ""
    if len(data) > LARGE:
        data, encoding = base64.b64encode(gzip.compress(data, 6, mtime=0)), ' data-encoding="gzip"'
    style = _digest(BASE + asset("viewer.css"))
    return _page("viewer", "simdocker-document", stories[0].title, data.decode(), texts, style, encoding)


def live_page(title: str, texts: Narration | None = None) -> str:
    """The page of a world that is typed into: it holds no story, but asks the server it came from."""
    texts = texts or narration()
    words = {"texts": texts.table.get("page", {}), "language": texts.language}
    # The terminal's letters get their sizes from styles that its script writes.
    style = "'unsafe-inline'; connect-src 'self'"
    return _page("live", "simdocker-live", title, msgspec.json.encode(words).decode(), texts, style)


def _page(name: str, data: str, title: str, document: str, texts: Narration, styles: str, encoding: str = "") -> str:
    """The built script and style of a name, with their data; `styles` is what the policy says of styles."""
    script, style = asset(f"{name}.js"), asset(f"{name}.css")
    if "</script" in script.lower() or "</style" in style.lower():
        raise ValueError("the built page would end its own element")
    return PAGE.format(
        language=escape(texts.language),
        policy=f"default-src 'none'; script-src {_digest(script)}; style-src {styles}; {NOWHERE_ELSE}",
        title=escape(TURNS.sub("", title or "simdocker")),
        base=BASE,
        style=style,
        data=data,
        encoding=encoding,
        document=inert(document),
        script=script,
    )


def _shown(told: object) -> msgspec.Raw:
    """What is told, with texts that read in the order in which they stand: signs that turn the direction of what
    follows are written out. A name may be a stranger's, and would show other names turned round."""
    text = msgspec.json.encode(told).decode()
    return msgspec.Raw(TURNS.sub(lambda sign: f"<U+{ord(sign[0]):04X}>", text).encode())


def inert(json: str) -> str:
    """JSON that means the same and holds nothing that HTML would take for an end of the element."""
    return json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
