"""Build arguments: what ARG declares, and what `--build-arg` gives (moby's `builder/dockerfile/buildargs.go`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

PREDEFINED = frozenset(
    name for proxy in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy") for name in (proxy, proxy.upper())
)
"""Arguments that need no ARG, and that change neither history nor cache unless there is one."""

Values = dict[str, "str | None"]


class Arguments:
    """The arguments of one build. `given` comes from the command line; None is a name without a value."""

    __slots__ = ("_allowed", "_before_from", "_given", "_referenced")

    def __init__(self, given: Mapping[str, str | None]) -> None:
        self._given = given
        self._allowed: Values = {}  # declared in this stage
        self._before_from: Values = {}
        self._referenced: set[str] = set()

    def declare(self, name: str, default: str | None) -> None:
        """`ARG name=default`."""
        self._allowed[name] = default
        self._referenced.add(name)

    def declare_before_from(self, name: str, default: str | None) -> None:
        """`ARG name=default` before the first FROM."""
        self._before_from[name] = default
        self._referenced.add(name)

    def end_stage(self) -> None:
        """What a stage declared counts in that stage alone."""
        self._allowed = {}

    def before_from(self) -> dict[str, str]:
        """The arguments that a FROM may use."""
        return self._values(self._before_from)

    def allowed(self) -> dict[str, str]:
        """The arguments of this stage that have a value."""
        return self._values(self._allowed)

    def beside(self, env: Collection[str]) -> list[str]:
        """`name=value` of those that the environment `env` does not define itself."""
        defined = {entry.partition("=")[0] for entry in env}
        return [f"{name}={value}" for name, value in self.allowed().items() if name not in defined]

    def in_history(self, entries: list[str]) -> list[str]:
        """Those of `name=value` that count for history and cache, sorted."""
        return sorted(
            entry for entry in entries if (name := entry.partition("=")[0]) in self._allowed or name not in PREDEFINED
        )

    def unused(self) -> list[str]:
        """Names that were given and that no ARG asked for, sorted."""
        return sorted(self._given.keys() - self._referenced - PREDEFINED)

    def _values(self, declared: Values) -> dict[str, str]:
        found = {}
        for name in (*declared, *sorted(PREDEFINED - declared.keys())):
            value = self._given.get(name)
            if value is None:
                value = declared.get(name)
            if value is None:
                value = self._before_from.get(name)
            if value is not None:
                found[name] = value
        return found
