"""Why each message is sent: one sentence per API call and per kernel step.

One table of texts, so that a teacher can edit or translate it without reading code. A `*` stands
for one name; an image's name may contain slashes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simdocker.scenario.units import show_duration, show_size

CALLS = {
    "HEAD /_ping": "is a daemon there? which API version?",
    "GET /_ping": "is a daemon there? which API version?",
    "GET /version": "ask for the engine's version",
    "GET /info": "ask for the state of the whole engine",
    "GET /events": "follow what happens to the engine's objects",
    "POST /containers/create": "make a container: settings, a name, an empty writable layer",
    "GET /containers/json": "list containers",
    "GET /containers/*/json": "look at one container",
    "POST /containers/*/attach": "get at its input and output before it starts, so nothing is lost",
    "POST /containers/*/wait": "be told the exit code when it is over",
    "POST /containers/*/start": "run it: mount the layers, connect the network, start the process",
    "POST /containers/*/stop": "ask it to stop, and kill it if it does not",
    "POST /containers/*/kill": "send it a signal",
    "POST /containers/*/restart": "stop it and start it again",
    "POST /containers/*/pause": "freeze all its processes",
    "POST /containers/*/unpause": "let its processes go on",
    "POST /containers/*/rename": "give it another name",
    "GET /containers/*/logs": "read what it wrote",
    "GET /containers/*/top": "list its processes",
    "DELETE /containers/*": "remove it with its writable layer",
    "POST /containers/*/exec": "prepare another process inside it",
    "POST /exec/*/start": "start that process in the container's namespaces",
    "GET /exec/*/json": "ask how that process ended",
    "GET /containers/*/stats": "read the counters of its cgroup and interfaces",
    "POST /containers/*/update": "change its limits, of the running cgroup too",
    "POST /containers/prune": "remove every stopped container",
    "GET /containers/*/changes": "compare its writable layer with the image",
    "GET /containers/*/archive": "read files out of it, as a tar archive",
    "HEAD /containers/*/archive": "what is at that path?",
    "PUT /containers/*/archive": "put the files of a tar archive into it",
    "GET /containers/*/export": "its whole file system as one tar archive",
    "POST /commit": "make an image of its writable layer",
    "POST /build": "build an image: here are the Dockerfile and the context",
    "POST /images/create": "pull the image from its registry",
    "POST /images/*/push": "push the image to its registry",
    "GET /images/*/get": "the image as a tar archive",
    "GET /images/get": "the images as one tar archive",
    "POST /images/load": "images from a tar archive",
    "GET /images/*/history": "how was each layer made?",
    "GET /images/search": "find images on Docker Hub",
    "POST /images/prune": "remove images nothing needs",
    "POST /auth": "try a name and a password at a registry",
    "GET /plugins/privileges": "what does this plugin want to be allowed?",
    "POST /plugins/pull": "install it with these privileges",
    "POST /VolumeDriver.Create": "make a volume",
    "POST /VolumeDriver.Remove": "delete a volume",
    "POST /VolumeDriver.Get": "do you have this volume?",
    "POST /VolumeDriver.Mount": "a container needs it: where on the host is it?",
    "POST /VolumeDriver.Unmount": "that container has ended",
    "POST /NetworkDriver.CreateNetwork": "make a network with this subnet",
    "POST /NetworkDriver.DeleteNetwork": "take it away",
    "POST /NetworkDriver.CreateEndpoint": "a container is to have this address on it",
    "POST /NetworkDriver.Join": "which interface is to be moved into its sandbox?",
    "POST /NetworkDriver.Leave": "the container has ended",
    "GET /system/df": "what takes how much of the disk?",
    "GET /images/json": "list local images",
    "GET /images/*/json": "look at one local image",
    "POST /images/*/tag": "give the image another name; nothing is copied",
    "DELETE /images/*": "remove the name, and the image once it has none",
    "POST /networks/create": "make a network: an address range and a bridge",
    "GET /networks": "list networks",
    "GET /networks/*": "look at one network",
    "DELETE /networks/*": "remove the network",
    "POST /networks/*/connect": "give the container a place in another network",
    "POST /networks/*/disconnect": "take it out of the network",
    "POST /networks/prune": "remove networks no container is on",
    "POST /volumes/prune": "remove volumes no container uses",
    "POST /volumes/create": "make a volume: storage that outlives containers",
    "GET /volumes": "list volumes",
    "GET /volumes/*": "look at one volume",
    "DELETE /volumes/*": "remove the volume and what is in it",
    "GET /v2/": "does this registry speak the Distribution API?",
    "HEAD /v2/**/manifests/*": "which manifest does this tag name right now?",
    "GET /v2/**/manifests/*": "fetch the manifest: the list of the image's layers",
    "GET /v2/**/blobs/*": "fetch one blob: the image's configuration or a layer",
    "GET /token": "get a token for this repository: Docker Hub serves nobody without one",
    "HEAD /v2/**/blobs/*": "is this blob there already? then it need not be sent",
    "POST /v2/**/blobs/uploads/": "begin an upload, or mount a blob that another repository has",
    "PATCH /v2/**/blobs/uploads/*": "send the bytes",
    "PUT /v2/**/blobs/uploads/*": "that was all of it: keep it under its digest",
    "PUT /v2/**/manifests/*": "give the tag: from now on it names these layers",
    "GET /v2/**/tags/list": "which tags are there?",
    "GET /v1/search": "ask Docker Hub's index",
}
"""What a request is for."""

ANSWERS = {
    101: "the connection is now a two-way stream",
    200: "",
    201: "made",
    204: "done",
    304: "already so",
    400: "refused: the request makes no sense",
    401: "refused: who are you?",
    403: "refused: not allowed",
    404: "refused: there is no such thing",
    409: "refused: its state forbids it",
    429: "refused: too many requests",
    500: "failed",
    503: "not available",
}
"""What an answer's status means."""


def fault(what: str, attrs: Mapping[str, Any]) -> str:
    """A sentence for a `fault`, or for `fault ends`."""
    link = attrs.get("link")
    if link:
        subject = f"the link {link[0]} – {link[1]}"
    elif "daemon" in attrs:
        subject = f"the daemon on {attrs['daemon']}"
    elif "plugin" in attrs:
        subject = f"the plugin {attrs['plugin']}"
    else:
        subject = f"the registry {attrs['registry']}"
    if what == "fault ends":
        return f"{subject} is up again"
    said = []
    for key, value in attrs.items():
        if key == "down":
            said.append("is down" if value is True else f"is down for {show_duration(value)}")
        elif key == "crash":
            said.append("is killed")
        elif key == "restart":
            said.append("is started again" if "crash" in attrs else "is stopped and started again")
        elif key == "up":
            said.append("is up again")
        elif key == "latency":
            said.append(f"now has a latency of {show_duration(value)}")
        elif key == "bandwidth":
            said.append(f"carries {show_size(value // 8)}/s" if value else "has no bandwidth limit")
        elif key == "rate_limit":
            said.append(f"allows {value or 'no'} more pulls")
    return f"{subject} {' and '.join(said)}"


NOT_IN_THE_CATALOGUE = "not in the catalogue"
"""What a registry notes beside its answer, whose words are Docker Hub's."""


def absent(attrs: Mapping[str, Any]) -> str:
    """What to say of an image that the simulated Docker Hub has not, though the real one may."""
    name = str(attrs["repository"]).removeprefix("library/")
    if attrs["tag"]:
        text = f"the real Docker Hub may have {name}:{attrs['tag']}, the simulated one has not"
    elif attrs["official"]:
        text = f"the real Docker Hub has {name}, the simulated one has not"
    else:
        text = f"the simulated Docker Hub is a small catalogue without {name}"
    return f"simdocker: {text}; `simdocker catalog` lists what there is"


def carried(what: str, attrs: Mapping[str, Any]) -> str:
    """What a stream brought: in this piece, or by its end in all."""
    path = f"of {attrs['of']}"
    if "status" in attrs:
        return f"exit code {attrs['status']}, {path}"
    said = show_size(attrs["bytes"]) if attrs["bytes"] else "nothing"
    if attrs.get("broken"):
        return f"{said}, then it broke off, {path}"
    if what == "data":
        return f"{said}, {path}"
    return path if said == "nothing" else f"{said} in all, {path}"


def packet(attrs: Mapping[str, Any]) -> str:
    """What a packet between processes is about."""
    if "question" in attrs:
        found = attrs.get("addresses")
        return f"{attrs['question']} is {', '.join(found)}" if found else str(attrs["question"])
    said = [str(attrs.get("reason") or attrs["address"])]
    if "dnat" in attrs:
        said.append(f"a DNAT rule makes that {attrs['dnat']}")
    if "proxy" in attrs:
        said.append(f"docker-proxy calls {attrs['proxy']}")
    if "sent" in attrs:
        said.append(f"{show_size(attrs['sent'])} there, {show_size(attrs['received'])} back")
    return ", ".join(said)


@lru_cache(maxsize=4096)
def why(call: str) -> str:
    """The sentence for a request `METHOD /path`, "" when there is none."""
    exact = CALLS.get(call)
    if exact is not None:
        return exact
    for pattern, text in _patterns():
        if pattern.fullmatch(call):
            return text
    return ""


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for call, text in CALLS.items():
        if "*" in call:
            wide = call.startswith(("GET /images", "POST /images", "DELETE /images"))
            expression = re.escape(call).replace(r"\*\*", ".+").replace(r"\*", ".+" if wide else "[^/]+")
            found.append((re.compile(expression), text))
    return found
