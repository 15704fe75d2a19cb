"""What Python's values look like from outside: their attributes, their texts, what they give one by one."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from simpy import Event

from simdocker.backends.sim.program import Process
from simdocker.backends.sim.programs import python_library as library
from simdocker.backends.sim.programs.python_expressions import Expressions
from simdocker.backends.sim.programs.python_values import (
    METHODS_OF,
    Builtin,
    Class,
    File,
    Function,
    Instance,
    Member,
    Module,
    Unknown,
)


class Objects(Expressions):
    """The part of an evaluator that looks at values and their classes. `version` and `argv` are the interpreter's."""

    p: Process
    version: str
    argv: list[str]

    def attribute(self, owner: Any, name: str) -> Any:
        """An attribute. Raises AttributeError, Unknown."""
        match owner:
            case Module(name=module):
                return library.attribute(self, module, name)
            case Instance() if name in owner.attributes:
                return owner.attributes[name]
            case Instance() | Class():
                kind = owner.kind if isinstance(owner, Instance) else owner
                try:
                    found = kind.find(name)
                except KeyError:
                    return self._given_to_all(owner, kind, name)
                return Member(owner, name) if isinstance(found, Function) and isinstance(owner, Instance) else found
            case File():
                return getattr(owner, name) if name in ("name", "mode", "closed") else Member(owner, name)
            case BaseException() if name in ("args", "errno", "strerror", "filename", "code"):
                return getattr(owner, name)
            case Builtin() | Function() if name == "__name__":
                return owner.name
        methods = next((names for kind, names in METHODS_OF.items() if type(owner) is kind), frozenset[str]())
        if name in methods or (name, type(owner)) in (("sort", list), ("format", str)):
            return Member(owner, name)
        if hasattr(owner, name) or name.startswith("__"):
            raise Unknown(f"{self.kind_of(owner)}.{name}")
        raise AttributeError(f"'{self.kind_of(owner)}' object has no attribute '{name}'")

    def _given_to_all(self, owner: Instance | Class, kind: Class, name: str) -> Any:
        if name == "__class__" and isinstance(owner, Instance):
            return kind
        if name == "__dict__" and isinstance(owner, Instance):
            return owner.attributes
        if name == "__name__" and isinstance(owner, Class):
            return kind.name
        if isinstance(owner, Class):
            raise AttributeError(f"type object '{kind.name}' has no attribute '{name}'")
        raise AttributeError(f"'{kind.name}' object has no attribute '{name}'")

    def iterable(self, value: Any) -> Iterable[Any]:
        """What a value gives one by one. Raises TypeError, Unknown."""
        if isinstance(value, File):
            return value.lines()
        if isinstance(value, Instance):
            raise Unknown("going through one's own classes")
        if not hasattr(type(value), "__iter__"):
            raise TypeError(f"'{self.kind_of(value)}' object is not iterable")
        return value  # type: ignore[no-any-return]

    def text(self, value: Any, way: str) -> Generator[Event, Any, str]:
        """Process → str() or repr() of a value (`way` is `__str__` or `__repr__`)."""
        if isinstance(value, Instance):
            for name in dict.fromkeys((way, "__repr__")):
                try:
                    found = value.kind.find(name)
                except KeyError:
                    continue
                return str((yield from self.call(found, [value], {})))
            if "args" in value.attributes and way == "__str__":
                return str(Exception(*value.attributes["args"]))
            return repr(value)
        return str(value) if way == "__str__" else repr(value)

    def kind_of(self, value: Any) -> str:
        """A type's name."""
        return value.kind.name if isinstance(value, Instance) else type(value).__name__
