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


NUMBERED = re.compile(r"^ *\d+\*? +(?=\S)", re.MULTILINE)
"""What `history` puts before each line."""

MAX_VALUES = 1_000_000

UNWANTED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")


class ScenarioError(UserError):
    """The scenario cannot be played; the argument is one sentence for the user."""


class Mistaken(ScenarioError):
    """It is YAML, but something in it is not as it should be; there may be more."""


def load(path: str) -> Scenario:
    """Read a scenario from a file, or from standard input for `-`; or the path is a docker command, which is the only
    step. Raises ScenarioError."""
    from simdocker.scenario.commandline import from_command, is_command

    if is_command(path):
        return from_command(path)
    text = text_of(path)
    name = "standard input" if path == "-" else path
    lines = path.endswith((".sh", ".txt")) or (path == "-" and not _looks_like_yaml(text))
    return from_lines(text, name) if lines else from_yaml(text, name)


WORLD_KEYS = ("profile", "world", "images", "files")


def load_world(path: str, text: str) -> tuple[Scenario, dict[str, Any]]:
    """A scenario for its world alone: the `text` of the file at `path` needs no steps. → the scenario, and
    those keys of the file that describe the world, as they stand there. Raises ScenarioError."""
    if path.endswith((".sh", ".txt")):
        return from_lines(text, path), {}
    import yaml

    if re.search(r"^steps\s*:", text, re.MULTILINE) is None:
        text = text.rstrip() + "\nsteps: [{say: none}]\n"
    scenario = from_yaml(text, path)
    data = yaml.load(text, yaml_loader())
    return scenario, {key: data[key] for key in WORLD_KEYS if key in data}


def text_of(path: str) -> str:
    """What stands in a file, or `-` on standard input. Raises ScenarioError for what is no text."""
    try:
        if path == "-":
            if sys.stdin is None:
                raise ScenarioError("standard input is closed; name a file, or pipe a scenario in")
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ScenarioError(f"{path}: there is no such file{_guess(path)}") from None
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
        raise ScenarioError(f"{path}:{line}: there is a control character; a scenario is plain text")
    return text


def _guess(path: str) -> str:
    """What may have been meant by a path where nothing is."""
    if path == "docker":
        return "; a command goes on, as in docker run nginx"
    if path.isdecimal():
        return f"; a lesson is taken by simdocker learn {path}"
    wanted = Path(path)
    try:
        names = [each.name for each in wanted.parent.iterdir() if each.is_file()]
    except OSError:
        return ""
    near = [name for name in names if wanted.stem and name.startswith(wanted.stem)][:1]
    near = near or difflib.get_close_matches(wanted.name, names, 1, 0.7)
    return f": did you mean {wanted.parent / near[0]}?" if near else ""


def _looks_like_yaml(text: str) -> bool:
    return re.search(r"^(title|steps|about|world)\s*:", text, re.MULTILINE) is not None


def from_lines(text: str, name: str) -> Scenario:
    """A scenario of the commands in a shell script: each line one step, lines that a shell reads
    together (`\\` at the end, open quotes, here-documents, loops) one step. Lines that all have a number
    before them are what `history` prints."""
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.script import commands

    if all(map(NUMBERED.match, filter(str.strip, text.splitlines()))):
        text = NUMBERED.sub("", text)
    steps = [{"run": command} for command in commands(text)]
    if not steps:
        raise ScenarioError(f"{name}: there is no command in it; write a docker command on each line")
    return Scenario.of({"title": Path(name).name, "steps": steps})


def from_yaml(text: str, name: str) -> Scenario:
    """A scenario of the YAML in `text`; `name` is what errors call it. Raises ScenarioError."""
    import yaml
    from msgspec import ValidationError

    from simdocker.scenario.model import Scenario

    loader = yaml_loader()
    try:
        tree = yaml.compose(text, loader)
        if tree is not None:
            _refuse_bombs(tree, name)
        data = yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, problem = mark.line + 1 if mark else 1, error.problem or error.context
        if re.match(r" *\t", "".join(text.splitlines()[line - 1 : line])):
            problem = "the line begins with a tab; write spaces"
        elif (problem or "").startswith("mapping values are not allowed"):
            problem = "a text with ': ' in it needs quotes around it, or `|` before it"
        raise ScenarioError(f"{name}:{line}: this is not YAML: {problem}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise ScenarioError(f"{name}: this is not YAML: {str(error).splitlines()[0].partition(';')[0]}") from None
    except RecursionError:
        raise ScenarioError(f"{name}: it is nested too deeply") from None
    if tree is None or not isinstance(data, dict):
        kind = {type(None): "nothing", list: "a list", str: "only text"}.get(type(data), "only a value")
        raise ScenarioError(f"{name}: a scenario has keys such as title and steps, but this holds {kind}")
    try:
        _refuse_doubles(tree, name)
        scenario = Scenario.of(data)
        refuse_unknown(scenario, name, tree)
    except ValidationError as error:
        from simdocker.scenario.explain import explain

        raise Mistaken(explain(str(error), data, tree, name)) from None
    except RecursionError:
        raise ScenarioError(f"{name}: it is nested too deeply") from None
    return scenario


def refuse_unknown(scenario: Scenario, name: str, tree: yaml.Node | None = None) -> None:
    """Raises ScenarioError for what the scenario `name` names and this program does not have; where it was read from a
    text, of which the `tree` is, with its line. Only a scenario that says more than the usual pays for looking."""
    try:
        if scenario.images:
            from simdocker.scenario.publish import refuse_unknown

            ours = [name for name, registry in scenario.world.registries.items() if not registry.url]
            refuse_unknown(scenario.images, ours)
        if scenario.profile != "default":
            from simdocker.des import CostProfile

            CostProfile.load(scenario.profile)
    except (ValueError, OSError) as error:
        if tree is None:
            raise ScenarioError(f"{name}: {error}") from None
        from simdocker.scenario.explain import line_of_quoted

        raise Mistaken(f"{name}:{line_of_quoted(tree, str(error)) or 1}: {error}") from None


def yaml_loader() -> Any:
    """YAML's safe loader with the booleans of YAML 1.2, and no dates: `on`, `no` and 2024-01-01 are words here."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type]
        yaml_implicit_resolvers: ClassVar = {
            first: [(tag, regexp) for tag, regexp in resolvers if tag not in UNWANTED]
            for first, resolvers in base.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)\Z", re.IGNORECASE), list("tTfF"))
    return Loader


def _parts(node: yaml.Node) -> list[yaml.Node]:
    """The nodes right below a node."""
    from yaml import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _refuse_bombs(tree: yaml.Node, name: str) -> None:
    """A few nested anchors can stand for billions of values; count what they would become."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = 1  # an anchor inside itself counts once; loading refuses it
            known = sizes[id(node)] = 1 + sum(map(size, _parts(node)))
        return known

    if size(tree) > MAX_VALUES:
        raise ScenarioError(f"{name}: its anchors stand for more than {MAX_VALUES} values; write them out")


def _refuse_doubles(tree: yaml.Node, name: str) -> None:
    """YAML keeps the last of two equal keys in silence; a scenario says which line is the second."""
    from yaml import MappingNode, ScalarNode

    todo, visited = [tree], set()
    while todo:
        node = todo.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        todo += _parts(node)
        keys = [key for key, _ in node.value] if isinstance(node, MappingNode) else []
        seen: set[str] = set()
        for key in keys:
            if not isinstance(key, ScalarNode) or key.value == "<<":
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ScenarioError(f"{name}:{line}: the key {key.value!r} stands here a second time")
            seen.add(key.value)
