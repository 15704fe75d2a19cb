"""Why each message is sent and what each step does: one sentence per record, for every reader of the trace.

The sentences are in `en.yaml`, one table for the console and the page, so that a teacher can edit or translate them
without reading code. Nothing here knows who reads.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from simdocker.errors import UserError
from simdocker.scenario.units import show_duration, show_size
from simdocker.trace import MESSAGE, NOTE, STATE, STEP, Record

NOT_IN_THE_CATALOGUE = "not in the catalogue"
"""What a registry notes beside its answer, whose words are Docker Hub's."""

LONG_ID = re.compile(r"\b(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}\b")
SIZES = ("bytes", "size", "sent", "received")
MANY_NAMES = ("GET /images", "POST /images", "DELETE /images")  # an image's name may contain slashes

Table = dict[str, dict[str, str]]


class Narration:
    """One table of texts. A text that is missing is "": a reader says nothing rather than something wrong."""

    def __init__(self, table: Table, language: str = "en") -> None:
        self.table = table
        self.language = language
        self._why: dict[str, str] = {}

    def why(self, call: str) -> str:
        """The sentence for a request `METHOD /path`, "" when there is none."""
        known = self._why.get(call)
        if known is None:
            calls = self.table["calls"]
            known = calls.get(call) or next((text for pattern, text in self._patterns if pattern.fullmatch(call)), "")
            if len(self._why) < 4096:  # ids in paths: a long play must not fill the memory
                self._why[call] = known
        return known

    def answer(self, status: int) -> str:
        """What an answer's status means."""
        return self.table["answers"].get(str(status), "")

    def sentence(self, record: Record) -> str:
        """What the record means, in one sentence; "" where there is nothing to say beyond the record itself."""
        attrs = record.attrs or {}
        if record.kind == MESSAGE:
            if " /" in record.what:
                return self.why(record.what)
            if record.what.isdigit():
                return str(attrs.get("message") or self.answer(int(record.what)))
            amount = {"amount": show_size(attrs["bytes"])} if "bytes" in attrs else {}
            return self._filled("messages", record.what, {**attrs, **amount})
        kind, _, name = re.sub("@.*", "", record.actor).partition("/")
        if record.kind == STATE:
            return self._filled("states", f"{kind} {record.what}", {"name": name, **attrs})
        if record.kind == STEP:
            return self._filled("steps", self._step(record.what), attrs)
        if record.kind == NOTE and record.what in ("fault", "fault ends"):
            return self.fault(record.what, attrs)
        if record.what == NOT_IN_THE_CATALOGUE:
            return self.absent(attrs)
        return self._filled("notes", record.what, attrs)

    def fault(self, what: str, attrs: Mapping[str, Any]) -> str:
        """A sentence for a `fault`, or for `fault ends`."""
        texts = self.table["faults"]
        link = attrs.get("link")
        if link:
            subject = texts["link"].format(one=link[0], other=link[1])
        else:
            kind = next((kind for kind in ("daemon", "plugin") if kind in attrs), "registry")
            subject = texts[kind].format(name=attrs[kind])
        if what == "fault ends":
            return f"{subject} {texts['ends']}"
        said = [text for key, value in attrs.items() if (text := self._happens(key, value, "crash" in attrs))]
        return f"{subject} " + f" {texts['and']} ".join(said)

    def _happens(self, key: str, value: Any, crashed: bool) -> str:
        """One part of a fault."""
        texts = self.table["faults"]
        if key == "down":
            return texts["down"] if value is True else texts["down for"].format(duration=show_duration(value))
        if key in ("crash", "up"):
            return texts[key]
        if key == "restart":
            return texts["crash restart" if crashed else "restart"]
        if key == "latency":
            return texts["latency"].format(duration=show_duration(value))
        if key == "bandwidth":
            return texts["bandwidth"].format(rate=show_size(value // 8)) if value else texts["no bandwidth"]
        if key == "rate_limit":
            return texts["rate_limit"].format(count=value or texts["none"])
        return ""

    def absent(self, attrs: Mapping[str, Any]) -> str:
        """What to say of an image that the simulated Docker Hub has not, though the real one may."""
        texts = self.table["absent"]
        name = str(attrs["repository"]).removeprefix("library/")
        if attrs["tag"]:
            sentence = texts["tag"].format(name=f"{name}:{attrs['tag']}")
        else:
            sentence = texts["official" if attrs["official"] else "name"].format(name=name)
        if attrs.get("near"):
            sentence = texts["near"].format(sentence=sentence, near=attrs["near"])
        return texts["hint"].format(sentence=sentence)

    def carried(self, what: str, attrs: Mapping[str, Any]) -> str:
        """What a stream brought: in this piece, or by its end in all."""
        texts = self.table["amounts"]
        if "status" in attrs:
            return texts["of"].format(what=texts["exit"].format(status=attrs["status"]), path=attrs["of"])
        said = show_size(attrs["bytes"]) if attrs["bytes"] else texts["nothing"]
        if attrs.get("broken"):
            said = texts["broken"].format(amount=said)
        elif what != "data":
            if not attrs["bytes"]:
                return texts["only of"].format(path=attrs["of"])
            said = texts["in all"].format(amount=said)
        return texts["of"].format(what=said, path=attrs["of"])

    def packet(self, attrs: Mapping[str, Any]) -> str:
        """What a packet between processes is about."""
        texts = self.table["amounts"]
        if "question" in attrs:
            found = attrs.get("addresses")
            if not found:
                return str(attrs["question"])
            return texts["found"].format(question=attrs["question"], addresses=", ".join(found))
        said = [str(attrs.get("reason") or attrs["address"])]
        if "dnat" in attrs:
            said.append(texts["dnat"].format(to=attrs["dnat"]))
        if "proxy" in attrs:
            said.append(texts["proxy"].format(to=attrs["proxy"]))
        if "sent" in attrs:
            sent, received = show_size(attrs["sent"]), show_size(attrs["received"])
            said.append(texts["exchanged"].format(sent=sent, received=received))
        return ", ".join(said)

    def _filled(self, section: str, key: str, attrs: Mapping[str, Any]) -> str:
        text = self.table[section].get(key, "")
        return text.format_map(_Said(attrs)) if "{" in text else text

    def _step(self, what: str) -> str:
        """The name under which a step is in the table: the longest that it begins with."""
        steps = self.table["steps"]
        words = what.split(" ")
        return next((key for end in range(len(words), 0, -1) if (key := " ".join(words[:end])) in steps), "")

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        found = []
        for call, text in self.table["calls"].items():
            if "*" in call:
                one = ".+" if call.startswith(MANY_NAMES) else "[^/]+"
                expression = re.escape(call).replace(r"\*\*", ".+").replace(r"\*", one)
                found.append((re.compile(expression), text))
        return found


class _Said(dict[str, Any]):
    """A record's attributes as people say them; what a record does not have is left out by a dash."""

    def __missing__(self, key: str) -> str:
        return "–"

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key in SIZES and isinstance(value, int):
            return show_size(value)
        if isinstance(value, list):
            return ", ".join(map(str, value))
        return LONG_ID.sub(r"\1", str(value))


@lru_cache(maxsize=1)
def narration() -> Narration:
    """The table that comes with the package."""
    text = files("simdocker.narration").joinpath("en.yaml").read_text("utf-8")
    return Narration(*_read(text, "en.yaml"))


def from_file(path: str) -> Narration:
    """The table of a teacher; what it leaves out is ours. Raises UserError for what is wrong with it."""
    from simdocker.scenario.load import text_of

    ours = narration().table
    theirs, language = _read(text_of(path), path)
    for section, texts in theirs.items():
        if section not in ours:
            raise UserError(f"{path}: there is no section {section!r}; known are {', '.join(ours)}")
        for key, text in texts.items():
            if section not in ("faults", "absent", "amounts"):
                continue
            if key not in ours[section]:
                raise UserError(f"{path}: {section} has no text {key!r}; known are {', '.join(ours[section])}")
            if strange := _names(text) - _names(ours[section][key]):
                raise UserError(f"{path}: {section}, {key}: {{{strange.pop()}}} is not known to this text")
    return Narration({section: {**texts, **theirs.get(section, {})} for section, texts in ours.items()}, language)


def _read(text: str, name: str) -> tuple[Table, str]:
    """The sections of a table and its language. Raises UserError."""
    import yaml

    try:
        data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{name}{line}: this is not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(data, dict):
        raise UserError(f"{name}: a table of texts has sections such as calls and states")
    language = str(data.pop("language", "en"))
    table: Table = {}
    for section, texts in data.items():
        if not isinstance(texts, dict):
            raise UserError(f"{name}: {section}: here belong lines such as `name: text`")
        table[str(section)] = {str(key): _text(name, section, key, value) for key, value in texts.items()}
    return table, language


def _text(name: str, section: object, key: object, value: object) -> str:
    """One text. Raises UserError for what is none, and for braces that cannot be filled in."""
    if not isinstance(value, str):
        raise UserError(f"{name}: {section}, {key}: a text is needed here; write it in quotes")
    try:
        names = _names(value)
    except ValueError as error:
        raise UserError(f"{name}: {section}, {key}: {error}; write {{{{ for a brace that stands for itself") from None
    if odd := [each for each in names if not re.fullmatch(r"\w+", each)]:
        raise UserError(f"{name}: {section}, {key}: {{{odd[0]}}} is no attribute's name")
    return value


def _names(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
