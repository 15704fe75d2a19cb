"""Docker's objects as records change them: a story's `changes`.

The trace names an object as its users do (`container/web`); in a world of several hosts that is not enough, so here
it has its host in its name. A kernel's step names a container by its id, an interface by its address, a layer by its
chain: what those belong to was said before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.content import reference
from simdocker.trace import PLAYER, STATE, Record
from simdocker.web.story import Changes, Event

ON_A_HOST = ("container", "image", "layer", "network", "volume", "plugin")
IN_TRANSIT = ("uploading", "mounted", "exists", "pushed")  # of a layer or image that stays what it is here
RUNNING = ("running", "paused", "restarting")
GONE = ("removed", "deleted", "untagged")


class Objects:
    """What is known of objects so far."""

    def __init__(self) -> None:
        self.known: set[str] = set()  # keys that a story has told of
        self.hosts: list[str] = []
        self._by_id: dict[tuple[str, str], str] = {}  # host and container id → container
        self._homes: dict[str, list[str]] = {}  # container/NAME → hosts that have one, the latest last
        self._addresses: dict[tuple[str, str], str] = {}  # host and address → endpoint
        self._ports: dict[tuple[str, str], list[str]] = {}  # host and address → what is published of it
        self._bridges: dict[tuple[str, str], str] = {}  # host and bridge or parent → network
        self._chains: dict[tuple[str, str], str] = {}  # host and chain → layer
        self._images: dict[tuple[str, str], Mapping[str, Any]] = {}  # host and name or id → what is told of it
        self._parts: dict[str, set[str]] = {}  # container → what is part of it while it runs

    def host_of(self, actor: str) -> str:
        """The host of a container that is called by its name alone, "" when none is known."""
        homes = self._homes.get(actor)
        return homes[-1] if homes else ""

    def actor(self, name: str, host: str, changes: Changes) -> str:
        """The key of a record's actor; the first time something acts, the story is told that it is there."""
        kind, slash, _name = name.partition("/")
        if slash and kind in ON_A_HOST:
            if kind == "container" and host not in self._homes.get(name, ()):
                host = self.host_of(name) or host
            return f"{name}@{host}"
        if name == PLAYER:  # who types is nobody on the stage
            return name
        key = name if "@" in name or not host else f"{name}@{host}"
        if key not in self.known:
            self.known.add(key)
            kind, _, place = key.partition("@")
            what = {"kind": kind, "name": place if kind == "registry" else kind.partition("/")[2] or kind}
            changes.append((key, what if kind == "registry" or not place else {**what, "host": place}))
        return key

    def change(self, record: Record, host: str, cause: Event | None, changes: Changes) -> None:
        """What a state or a step of the kernel changes."""
        attrs = record.attrs or {}
        if record.kind == STATE:
            self._state(record, attrs, host, cause, changes)
        elif "container" in attrs or "address" in attrs:
            self._of_container(record.what, attrs, host, changes)
        elif record.what == "dnat":
            self._published(attrs, host, changes)

    def _state(
        self, record: Record, attrs: Mapping[str, Any], host: str, cause: Event | None, changes: Changes
    ) -> None:
        kind, slash, name = record.actor.partition("/")
        what = record.what
        if not slash:
            if what != "has":
                changes.append((record.actor, {"state": what, **attrs}))
            return
        key = f"{record.actor}@{host}"
        if kind == "image":
            self._image(name, what, attrs, host, changes)
        elif what in GONE:
            changes.append((key, None))
            self._parts.pop(key, None)
        elif kind == "container":
            self._container(record, attrs, host, changes)
        elif what not in IN_TRANSIT:
            told = {"kind": kind, "name": name, "host": host, "state": what, **_facts(attrs)}
            caused_by = cause.attrs if cause is not None else {}
            if kind == "layer" and "chain" in caused_by:
                told["unpacked"] = caused_by["bytes"]
                self._chains[host, str(caused_by["chain"])] = key
            if kind == "network" and (bridge := caused_by.get("bridge") or caused_by.get("parent")):
                self._bridges[host, str(bridge)] = key
            changes.append((key, told))

    def _container(self, record: Record, attrs: Mapping[str, Any], host: str, changes: Changes) -> None:
        name, what = record.actor, record.what
        key = f"{name}@{host}"
        told: dict[str, Any] = {"state": what, **_facts(attrs)}
        if what == "created":
            image = self._found(str(attrs.get("image", "")), host)
            told |= {
                "kind": "container",
                "name": name.partition("/")[2],
                "host": host,
                "layers": image.get("layers", []),
            }
            if "id" in attrs:
                self._by_id[host, str(attrs["id"])[:12]] = key
                told["id"] = str(attrs["id"])[:12]
            self._homes.setdefault(name, []).append(host)
        elif what == "renamed":
            old = f"container/{attrs['from']}@{host}"
            told = {"kind": "container", "name": name.partition("/")[2], "host": host, "was": old}
            for known, there in list(self._by_id.items()):
                if there == old:
                    self._by_id[known] = key
            self._parts[key] = self._parts.pop(old, set())
            self._homes.setdefault(name, []).append(host)
        elif what == "updated":
            told = {"limits": dict(attrs)}
        elif what in ("healthy", "unhealthy", "starting"):
            told = {"health": what}
        if what in ("exited", "dead", "start failed"):
            told.setdefault("pid", None)
            changes += [(part, None) for part in sorted(self._parts.pop(key, ()))]
        changes.append((key, told))

    def _image(self, name: str, what: str, attrs: Mapping[str, Any], host: str, changes: Changes) -> None:
        """An image is told of once for each of its names; one that has none is called by its id."""
        key = f"image/{name}@{host}"
        if what in IN_TRANSIT:
            return
        if what in GONE:
            id = self._images.pop((host, name), {}).get("id", name)
            changes.append((key, None))
            if what == "deleted":
                for known, image in list(self._images.items()):
                    if known[0] == host and image.get("id") == id:
                        del self._images[known]
                        changes.append((f"image/{known[1]}@{host}", None))
            return
        told = {"kind": "image", "name": name, "host": host, "id": name, **_facts(attrs)}
        nameless = (host, str(told["id"]))
        if nameless != (host, name) and self._images.pop(nameless, None) is not None:
            changes.append((f"image/{nameless[1]}@{host}", None))
        self._images[host, name] = told
        changes.append((key, told))

    def _found(self, image: str, host: str) -> Mapping[str, Any]:
        """What is told of the image that a user calls so."""
        known = self._images.get((host, image))
        if known is None:
            try:
                known = self._images.get((host, reference.parse(image).or_latest().familiar))
            except ValueError:
                known = None
        if known is None and len(image) >= 4:
            id = image.removeprefix("sha256:")[:12]
            known = next((each for each in self._images.values() if str(each["id"]).startswith(id)), None)
        return known or {}

    def _of_container(self, what: str, attrs: Mapping[str, Any], host: str, changes: Changes) -> None:
        """Interfaces, mounts and the writable layer."""
        if what.endswith(" delete") and "address" in attrs:
            endpoint = self._addresses.pop((host, str(attrs["address"])), None)
            gone = [endpoint] if endpoint is not None else []
            gone += self._ports.pop((host, str(attrs["address"])), [])
            changes += [(key, None) for key in gone]
            return
        container = self._by_id.get((host, str(attrs.get("container", ""))[:12]))
        if container is None:
            return
        if what.endswith(" into netns"):
            address = str(attrs["address"])
            key = f"endpoint/{container}:{address}"
            network = self._network(host, str(attrs.get("bridge") or attrs.get("parent", "")), changes)
            self._addresses[host, address] = key
            self._add(key, container, {"kind": "endpoint", "address": address, "network": network}, changes)
        elif what in ("mount volume", "mount bind") and "target" in attrs:
            source = str(attrs["source"])
            volume = source.split("/volumes/")[-1].partition("/")[0] if what == "mount volume" else ""
            told = {"kind": "mount", "source": source, "target": attrs["target"]}
            if volume:
                told["volume"] = f"volume/{volume}@{host}"
            self._add(f"mount/{container}:{attrs['target']}", container, told, changes)
        elif what in ("copy up", "create", "whiteout"):
            told = {"kind": "entry", "of": container, "path": attrs["path"], "how": what, **_facts(attrs, "bytes")}
            changes.append((f"entry/{container}:{attrs['path']}", told))
        elif what == "unlink":
            changes.append((f"entry/{container}:{attrs['path']}", None))

    def _add(self, key: str, container: str, told: Mapping[str, Any], changes: Changes) -> None:
        """What is part of a container as long as it runs."""
        self._parts.setdefault(container, set()).add(key)
        changes.append((key, {"of": container, **told}))

    def _network(self, host: str, bridge: str, changes: Changes) -> str:
        """The network of a bridge. docker0 was there before the story began."""
        key = self._bridges.get((host, bridge))
        if key is None:
            name = "bridge" if bridge == "docker0" else bridge
            key = self._bridges[host, bridge] = f"network/{name}@{host}"
            changes.append((key, {"kind": "network", "name": name, "host": host, "state": "created"}))
        return key

    def _published(self, attrs: Mapping[str, Any], host: str, changes: Changes) -> None:
        """A port of the host. It is published before the container has its address."""
        key = f"port/{host}:{attrs['port']}"
        told = {"kind": "port", "host": host, "port": attrs["port"], "to": attrs["to"]}
        self._ports.setdefault((host, str(attrs["to"]).rpartition(":")[0]), []).append(key)
        changes.append((key, told))


def _facts(attrs: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A record's attributes but for where it was; only those, where names are given."""
    return {key: value for key, value in attrs.items() if key in names or (not names and key not in ("on", "new"))}
