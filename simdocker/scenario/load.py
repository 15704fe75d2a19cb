"""Reading a scenario: a YAML file, a plain list of `docker …` lines, or either from standard input.

Whatever is wrong with it becomes one `ScenarioError`: a sentence that says what, in which line, and
how to mend it.
"""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from simdocker.errors import UserError

if TYPE_CHECKING:
    import yaml

    from simdocker.scenario.model import Scenario

MAX_BYTES = 4 << 20
"""The longest scenario that is read: far beyond any a person writes, so a mistaken file is refused at once."""


MAX_VALUES = 1_000_000


class ScenarioError(UserError):
    """The scenario cannot be played; the argument is one sentence for the user."""


def load(path: str) -> Scenario:
    """Read a scenario from a file, or from standard input for `-`. Raises ScenarioError."""
    text = _read(path)
    name = "standard input" if path == "-" else path
    lines = path.endswith((".sh", ".txt")) or (path == "-" and not _looks_like_yaml(text))
    return from_lines(text, name) if lines else from_yaml(text, name)


def _read(path: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ScenarioError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ScenarioError(f"{path}: this is a directory; name a scenario file in it") from None
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ScenarioError(f"{path}: more than {MAX_BYTES >> 20} MiB is no scenario; split it, or check the file name")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError(
            f"{path}: this is not a text file; a scenario is YAML or a list of docker commands"
        ) from None
    odd = re.search(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        raise ScenarioError(f"{path}, line {line}: there is a control character; a scenario is plain text")
    return text


def _looks_like_yaml(text: str) -> bool:
    return re.search(r"^(title|steps|about|world)\s*:", text, re.MULTILINE) is not None


def from_lines(text: str, name: str) -> Scenario:
    """A scenario of the commands in a shell script: each line one step, lines that a shell reads
    together (`\\` at the end, open quotes, here-documents, loops) one step."""
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.script import commands

    steps = [{"run": command} for command in commands(text)]
    if not steps:
        raise ScenarioError(f"{name}: there is no command in it; write a docker command on each line")
    return Scenario.model_validate({"title": Path(name).name, "steps": steps})


def from_yaml(text: str, name: str) -> Scenario:
    """A scenario of the YAML in `text`; `name` is what errors call it. Raises ScenarioError."""
    import yaml
    from pydantic import ValidationError

    from simdocker.scenario.model import Scenario

    loader = _loader()
    try:
        tree = yaml.compose(text, loader)
        _refuse_bombs(tree, name)
        data = yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ScenarioError(f"{name}{where}: this is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ScenarioError(f"{name}: this is not YAML: {str(error).splitlines()[0]}") from None
    if tree is None or not isinstance(data, dict):
        kind = "nothing" if data is None else f"a {type(data).__name__}"
        raise ScenarioError(f"{name}: a scenario has keys such as title and steps, but this holds {kind}")
    try:
        _refuse_doubles(tree, name)
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(_explain(error.errors(include_url=False)[0], tree, name)) from None
    except RecursionError:
        raise ScenarioError(f"{name}: it is nested too deeply") from None


def _loader() -> Any:
    """YAML's safe loader with the booleans of YAML 1.2: `on` and `no` are words here."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type]
        yaml_implicit_resolvers: ClassVar = {
            first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
            for first, resolvers in base.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false", re.IGNORECASE), list("tTfF"))
    return Loader


def _refuse_bombs(tree: yaml.Node | None, name: str) -> None:
    """A few nested anchors can stand for billions of values; count what they would become."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = 1  # an anchor inside itself counts once; loading refuses it
            inner = [part for pair in node.value for part in pair] if node.id == "mapping" else node.value
            known = sizes[id(node)] = 1 if node.id == "scalar" else 1 + sum(map(size, inner))
        return known

    if tree is not None and size(tree) > MAX_VALUES:
        raise ScenarioError(f"{name}: its anchors stand for more than {MAX_VALUES} values; write them out")


def _refuse_doubles(tree: yaml.Node, name: str) -> None:
    """YAML keeps the last of two equal keys in silence; a scenario says which line is the second."""
    todo = [tree]
    seen_nodes: set[int] = set()
    while todo:
        node = todo.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if node.id == "mapping":
            seen = set()
            for key, value in node.value:
                if key.id == "scalar" and key.value in seen and key.value != "<<":
                    line = key.start_mark.line + 1
                    raise ScenarioError(f"{name}, line {line}: the key {key.value!r} stands here a second time")
                seen.add(key.value if key.id == "scalar" else None)
                todo.append(value)
        elif node.id == "sequence":
            todo += node.value


def _explain(error: Any, tree: yaml.Node, name: str) -> str:
    """One sentence for the first thing pydantic found wrong."""
    place = [part for part in error["loc"] if not _is_type_tag(part)]
    line, node = _locate(tree, place)
    if error["type"] == "value_error":
        line = _line_of_quoted(node, error["msg"]) or line
    where = f"{name}, line {line}: "
    key = str(place[-1]) if place else ""
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        near = difflib.get_close_matches(key, known, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here are {', '.join(known)}"
        return f"{where}the key {key!r} is not known{_inside(place[:-1])}: {hint}"
    if kind == "missing":
        return f"{where}the key {key!r} is missing{_inside(place[:-1])}"
    message = error["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}{message}"
    return f"{where}{_path(place)}: {message[0].lower()}{message[1:]}, not {_short(error.get('input'))}"


def _line_of_quoted(node: Any, message: str) -> int | None:
    """The line of the value that a sentence quotes first, below `node`."""
    quoted = re.search(r"'([^']+)'", message)
    todo = [node] if quoted else []
    while todo:
        node = todo.pop(0)
        if node.id == "scalar":
            if quoted and node.value == quoted[1]:
                return int(node.start_mark.line) + 1
        else:
            todo += [part for pair in node.value for part in pair] if node.id == "mapping" else node.value
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _is_type_tag(part: Any) -> bool:
    return isinstance(part, str) and ("[" in part or part in ("bool", "int", "str", "function-before"))


def _path(place: list[Any]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place) or "the file"


def _inside(place: list[Any]) -> str:
    return f" in {_path(place)}" if place else ""


def _locate(tree: yaml.Node, place: list[Any]) -> tuple[int, Any]:
    """The line of the deepest node on the way to `place`."""
    node: Any = tree
    line = tree.start_mark.line + 1
    for part in place:
        if node.id == "mapping":
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                break
        elif node.id == "sequence" and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line, node


def _known_keys(place: list[Any]) -> list[str]:
    """The keys a scenario may have at `place`, found by walking the models."""
    from simdocker.scenario import model

    kind: Any = model.Scenario
    for part in place:
        if isinstance(part, int) or kind is None or not hasattr(kind, "model_fields"):
            continue
        field = next((f for n, f in kind.model_fields.items() if part in (n, f.alias)), None)
        if field is not None:
            kind = _model_in(field.annotation)
    if kind is None or not hasattr(kind, "model_fields"):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    from typing import get_args

    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
