"""The viewer: a run as a page that moves.

`story.py` says what the page is told, `telling.py` turns a trace into it record by record, `contrast.py` holds two
runs against each other, `page.py` writes the one HTML file. What runs in the browser is made from `page/` (TypeScript)
by `make page` and lies built in `assets/`.
"""

from simdocker.web.story import Story
from simdocker.web.telling import Teller, of_records, of_run

__all__ = ["Story", "Teller", "of_records", "of_run"]
