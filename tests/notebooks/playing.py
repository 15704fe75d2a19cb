"""Notebooks played from top to bottom in a kernel of their own, and what of their outputs must stay as it is.

    python -m tests.notebooks.playing [NOTEBOOK…]

plays them (all of `notebooks/` by default) and writes their outputs into them: what a reader sees on GitHub.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(ROOM.glob("*.ipynb"))
PATIENCE = 240  # seconds a cell may take, on a machine that is busy
LARGE = 100_000  # characters of an HTML output from which it is not kept: a whole page, which GitHub would not show

Notebook = Any
"""nbformat has no types."""


def read(path: Path) -> Notebook:
    """The notebook in a file."""
    import nbformat

    return nbformat.read(path, as_version=4)


def played(path: Path) -> Notebook:
    """The notebook with fresh outputs; the code of its hidden answers is played after it. Raises nbclient's
    CellExecutionError for a cell that fails."""
    import nbformat
    from nbclient import NotebookClient

    notebook = read(path)
    cells = list(notebook.cells)
    notebook.cells += [nbformat.v4.new_code_cell(code) for code in answers(notebook)]
    with tempfile.TemporaryDirectory() as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own, which are none of ours
        client = NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3", resources=_resources(path))
        client.extra_arguments = ["--log-level=ERROR"]  # it warns of its own unencrypted sockets on the loopback
        client.execute(env=_environment(home))
    notebook.cells = cells
    for cell in cells:
        cell.metadata.pop("execution", None)
        cell.outputs = [_kept(output) for output in cell.outputs] if cell.cell_type == "code" else []
        if cell.cell_type != "code":
            del cell["outputs"]
    notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec",)} | {"language_info": {"name": "python"}}
    return nbformat.from_dict(notebook)


def answers(notebook: Notebook) -> list[str]:
    """The code in the hidden answers."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [code for text in prose for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


def _resources(path: Path) -> dict[str, Any]:
    return {"metadata": {"path": str(path.parent)}}


def _environment(home: str) -> dict[str, str]:
    """The reader's, without an engine to talk to, and with a place for what programs remember of themselves."""
    ours = {
        "JUPYTER_RUNTIME_DIR": home,
        "IPYTHONDIR": home,
        "MPLCONFIGDIR": home,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    root = str(ROOM.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {key: text for key, text in os.environ.items() if key != "DOCKER_HOST"} | ours | {"PYTHONPATH": path}


def _kept(output: Notebook) -> Notebook:
    html = output.get("data", {}).get("text/html", "")
    if len(html) > LARGE:
        del output["data"]["text/html"]
    return output


def texts(notebook: Notebook) -> list[list[str]]:
    """What every cell says as text, but for what may change without anybody meaning it: how wide pandas sets a table,
    and the numbers of records at the beginning of its rows."""
    return [[" ".join(_text(output).split()) for output in cell.get("outputs", ())] for cell in notebook.cells]


def _text(output: Notebook) -> str:
    data = output.get("data", {})
    text = str(output.get("text") or data.get("text/plain", output.output_type))
    return re.sub(r"^\d+\s", "", text, flags=re.MULTILINE) if "dataframe" in data.get("text/html", "") else text


def main(names: list[str]) -> None:
    """Play and write."""
    import nbformat

    for path in [Path(name) for name in names] or NOTEBOOKS:
        path.write_text(nbformat.writes(played(path.resolve()), indent=1) + "\n", encoding="utf-8")
        print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
